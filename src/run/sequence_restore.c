/* SPDX-License-Identifier: Apache-2.0 */
/* How a container is restored: its environment is created as for a start, its contents by CRIU,
 * which takes the stager's place and pauses at its notifications. */
#include "src/run/sequence_rows.h"

static const struct row rows[] = {
	ACT(PARENT, "state-reserve", step_state_reserve, .gives = M_STATE, .undo = true),
	ACT(PARENT, "ns-open", step_ns_open, .before = M_CHILD_PID | M_CGROUP, .gives = M_JOINED),
	ACT(PARENT, "console-connect", step_console_connect, .when = PLAN_CONSOLE_SOCKET,
	    .before = M_CHILD_PID | M_CGROUP, .gives = M_CONSOLE),
	ACT(PARENT, "hooks-output", step_hooks_output,
	    .before = M_CHILD_PID | M_RUNTIME_HOOKS | M_CGROUP),
	ACT(PARENT, "cgroup-create", step_cgroup_create, .when = PLAN_CGROUP,
	    .unless = PLAN_CGROUP_UNIT, .needs = M_STATE, .before = M_CHILD_PID, .gives = M_CGROUP,
	    .undo = true),
	ACT(PARENT, "rdt-create", step_rdt_create, .needs = M_STATE, .before = M_CHILD_PID,
	    .undo = true),
	ACT(PARENT, "criu-start", step_criu_start, .needs = M_STATE | M_JOINED,
	    .gives = M_CHILD_PID, .undo = true),
	ACT(PARENT, "cgroup-unit", step_cgroup_unit, .when = PLAN_CGROUP_UNIT,
	    .needs = M_STATE | M_CHILD_PID, .before = M_IN_CGROUP, .gives = M_CGROUP, .undo = true),
	/* CRIU has waited for this. Whatever it creates is born in its cgroup and cgroup
	 * namespace. */
	ACT(PARENT, "criu-exec", step_criu_exec, .needs = M_CHILD_PID, .after = M_CGROUP,
	    .gives = M_IN_CGROUP),
	ACT(PARENT, "state-complete", step_state_complete, .needs = M_STATE | M_CHILD_PID,
	    .after = M_CGROUP, .before = M_RUNTIME_HOOKS, .gives = M_STATE_FULL),
	ACT(PARENT, "criu-namespaces", step_criu_namespaces, .needs = M_IN_CGROUP | M_STATE_FULL,
	    .gives = M_NAMESPACES),
	ACT(PARENT, "hooks-prestart", step_hooks_prestart, .when = PLAN_HOOKS_RUNTIME,
	    .needs = M_NAMESPACES | M_STATE_FULL, .before = M_RUNTIME_HOOKS | M_INIT_PID),
	ACT(PARENT, "hooks-create-runtime", step_hooks_create_runtime, .when = PLAN_HOOKS_RUNTIME,
	    .needs = M_NAMESPACES | M_STATE_FULL, .before = M_INIT_PID, .gives = M_RUNTIME_HOOKS),
	ACT(PARENT, "criu-restore", step_criu_restore, .needs = M_NAMESPACES,
	    .after = M_RUNTIME_HOOKS, .gives = M_INIT_PID | M_START_TIME),
	/* The restored process is still stopped, and must find nothing writable that was not. */
	ACT(PARENT, "criu-protect", step_criu_protect, .needs = M_INIT_PID, .before = M_STARTED,
	    .gives = M_MOUNTED),
	/* It is still stopped, and must run only as the process it is known to be. */
	ACT(PARENT, "rdt-join", step_rdt_join, .needs = M_INIT_PID, .before = M_STATE_WRITTEN,
	    .gives = M_RDT),
	/* Up to the last point at which the container ends with us, and slightly beyond. The state
	 * records its release before that, and that it runs only afterwards: whoever finds a
	 * running container and kills it must not find CRIU working on it. */
	ACT(PARENT, "criu-ready", step_criu_ready,
	    .needs = M_INIT_PID | M_MOUNTED | M_STATE_FULL | M_START_TIME, .after = M_RDT,
	    .before = M_STARTED | M_STATE_WRITTEN, .gives = M_RELEASED),
	ACT(PARENT, "state-restored", step_state_restored,
	    .needs = M_RELEASED | M_STATE_FULL | M_START_TIME, .before = M_STARTED,
	    .gives = M_STATE_WRITTEN),
	ACT(PARENT, "criu-resume", step_criu_resume, .needs = M_STATE_WRITTEN | M_RELEASED,
	    .after = M_RDT, .gives = M_STARTED | M_EXECUTED | M_STAGER_GONE),
	ACT(PARENT, "state-unlock", step_state_unlock, .when = PLAN_HOOKS_POSTSTART,
	    .needs = M_STATE_WRITTEN | M_STARTED),
	ACT(PARENT, "hooks-poststart", step_hooks_poststart, .when = PLAN_HOOKS_POSTSTART,
	    .needs = M_STATE_WRITTEN | M_EXECUTED),
};

const struct sequence sequence_restore = SEQUENCE(rows);
