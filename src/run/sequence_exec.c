/* SPDX-License-Identifier: Apache-2.0 */
/* `exec`: another process in an existing container, built from the same steps. */
#include "src/run/sequence_rows.h"

static const struct row rows[] = {
	ACT(PARENT, "seccomp-compile", step_seccomp_compile, .when = PLAN_SECCOMP,
	    .gives = M_FILTER, .before = M_CHILD_PID),
	ACT(PARENT, "console-connect", step_console_connect, .when = PLAN_CONSOLE_SOCKET,
	    .before = M_CHILD_PID),
	ACT(PARENT, "target-open", step_target_open, .gives = M_CGROUP, .before = M_CHILD_PID),
	ACT(PARENT, "affinity-initial", step_affinity_initial, .before = M_CHILD_PID),
	SPAWN(PARENT, STAGER, "spawn", .needs = M_CGROUP, .gives = M_CHILD_PID),
	ACT(STAGER, "lifeline", step_lifeline, .gives = M_LIFELINE),
	ACT(STAGER, "cgroup-join", step_cgroup_join, .when = PLAN_CGROUP, .needs = M_CGROUP,
	    .gives = M_IN_CGROUP),
	ACT(PARENT, "cgroup-attach", step_cgroup_attach, .when = PLAN_CGROUP_UNIT,
	    .needs = M_CHILD_PID, .gives = M_ATTACHED),
	ACT(PARENT, "oom-set", step_oom_set, .needs = M_CHILD_PID, .gives = M_OOM | M_LIMITS),
	/* No process inside may inspect us before this is done: the id maps and the score are the
	 * host's. */
	SYNC(PARENT, STAGER, "prepared", .needs = M_OOM | M_LIMITS, .after = M_ATTACHED),
	/* The container's procfs does not show our processes. */
	ACT(STAGER, "labels", step_labels, .when = PLAN_STAGER, .needs = M_LIFELINE,
	    .before = M_NAMESPACES | M_PRIVS_DROPPED | M_FILTERED),
	ACT(STAGER, "target-enter", step_target_enter, .after = M_IN_CGROUP,
	    .gives = M_NAMESPACES | M_INSIDE, .needs = M_LIFELINE),
	ACT(STAGER, "session", step_session, .needs = M_NAMESPACES, .gives = M_SESSION),
	ACT(STAGER, "console-enter", step_console_enter, .when = PLAN_TERMINAL,
	    .needs = M_SESSION | M_NAMESPACES, .gives = M_TERMINAL),
	ACT(INIT, "console-take", step_console_take, .when = PLAN_TERMINAL, .unless = PLAN_STAGER,
	    .needs = M_SESSION | M_TERMINAL, .before = M_FILTERED, .gives = M_CONSOLE),
	ACT(STAGER, "attributes", step_attributes, .needs = M_NAMESPACES, .before = M_PRIVS_DROPPED,
	    .gives = M_ATTRIBUTES),
	/* Earlier where the filter, loaded next, could forbid it. */
	ACT(INIT, "limits-own-early", step_limits_own_early, .unless = PLAN_STAGER,
	    .needs = M_NAMESPACES, .before = M_FILTERED),
	/* Without no_new_privs, loading a filter needs CAP_SYS_ADMIN; and an agent must get its
	 * listener while the parent is there. */
	ACT(INIT, "seccomp-load-early", step_seccomp_load_early,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY, .unless = PLAN_STAGER,
	    .needs = M_FILTER | M_NAMESPACES, .gives = M_FILTERED, .before = M_PRIVS_DROPPED),
	ACT(STAGER, "seccomp-load-outside", step_seccomp_load_outside,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY | PLAN_STAGER,
	    .needs = M_FILTER | M_INSIDE | M_ATTRIBUTES, .before = M_PRIVS_DROPPED),
	ACT(STAGER, "privs-drop", step_privs_drop, .needs = M_ATTRIBUTES | M_SESSION | M_NAMESPACES,
	    .after = M_TERMINAL, .gives = M_PRIVS_DROPPED),

	/* Processes there may trace init, but gain nothing that the container does not have. */
	SPAWN(STAGER, INIT, "spawn-init", .when = PLAN_STAGER,
	      .needs = M_NAMESPACES | M_INSIDE | M_PRIVS_DROPPED, .gives = M_INIT_PID),
	/* Init's first message: the kernel tells the parent which process sent it. */
	SYNC(INIT, PARENT, "init-pid", .when = PLAN_STAGER, .needs = M_INIT_PID, .before = M_LEADS,
	     .gives = M_INIT_KNOWN),
	LEAVE(STAGER, PARENT, "stager-exit", .when = PLAN_STAGER, .needs = M_INIT_PID,
	      .before = M_LEADS, .gives = M_STAGER_GONE),
	/* Init cannot inherit the session and its terminal. */
	ACT(INIT, "session-lead", step_session_lead, .when = PLAN_STAGER,
	    .needs = M_SESSION | M_INIT_PID, .gives = M_LEADS),
	ACT(INIT, "console-take", step_console_take, .when = PLAN_TERMINAL | PLAN_STAGER,
	    .needs = M_LEADS | M_TERMINAL, .before = M_FILTERED, .gives = M_CONSOLE),
	ACT(INIT, "priority-own", step_priority_own, .when = PLAN_STAGER, .needs = M_LEADS,
	    .before = M_FILTERED | M_CREATED),
	ACT(INIT, "limits-own-early", step_limits_own_early, .when = PLAN_STAGER, .needs = M_LEADS,
	    .before = M_FILTERED | M_CREATED),
	ACT(INIT, "seccomp-load-inside", step_seccomp_load_inside,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY | PLAN_STAGER,
	    .needs = M_FILTER | M_INIT_PID | M_PRIVS_DROPPED, .gives = M_FILTERED),
	/* The listener arrives on a socket of its own, because the profile may intercept what the
	 * channel uses. */
	ACT(PARENT, "seccomp-notify", step_seccomp_notify, .when = PLAN_SECCOMP_NOTIFY,
	    .needs = M_FILTER | M_CHILD_PID, .before = M_CREATED, .gives = M_NOTIFIED,
	    .after = M_INIT_KNOWN),
	ACT(INIT, "cwd", step_cwd, .needs = M_ATTRIBUTES | M_PRIVS_DROPPED, .gives = M_CWD),
	ACT(INIT, "exec-find", step_exec_find, .needs = M_CWD | M_PRIVS_DROPPED,
	    .before = M_CREATED, .gives = M_FOUND),
	ACT(INIT, "release", step_release, .needs = M_FOUND | M_PRIVS_DROPPED, .gives = M_RELEASED),
	SYNC(INIT, PARENT, "created", .needs = M_FOUND | M_CWD | M_PRIVS_DROPPED | M_RELEASED,
	     .gives = M_CREATED, .carries = offsetof(struct start, console_master)),
	/* Before the exec: the program must be subject to the cgroup's limits. */
	ACT(PARENT, "cgroup-admit", step_cgroup_admit, .when = PLAN_STAGER | PLAN_CGROUP,
	    .needs = M_CREATED | M_INIT_KNOWN | M_CGROUP, .before = M_RDT | M_STATE_WRITTEN,
	    .gives = M_ADMITTED),
	ACT(PARENT, "rdt-join", step_rdt_join, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .gives = M_RDT, .after = M_INIT_KNOWN),
	ACT(PARENT, "pidfd-send", step_pidfd_send, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
	ACT(PARENT, "priority-set", step_priority_set, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
	ACT(PARENT, "limits-set", step_limits_set, .needs = M_CREATED | M_CHILD_PID,
	    .gives = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
	SYNC(PARENT, INIT, "recorded", .needs = M_STATE_WRITTEN, .after = M_RDT | M_ADMITTED),
	ACT(INIT, "fds-close", step_fds_close, .needs = M_STATE_WRITTEN, .gives = M_FDS_CLOSED),
	ACT(INIT, "limits-own", step_limits_own, .needs = M_FDS_CLOSED | M_PRIVS_DROPPED,
	    .gives = M_OWN_LIMITS),
	ACT(INIT, "seccomp-load", step_seccomp_load, .when = PLAN_SECCOMP,
	    .unless = PLAN_SECCOMP_EARLY, .needs = M_FILTER | M_PRIVS_DROPPED | M_FDS_CLOSED,
	    .gives = M_FILTERED),
	ACT(INIT, "exec", step_exec,
	    .needs = M_OWN_LIMITS | M_FDS_CLOSED | M_PRIVS_DROPPED | M_STATE_WRITTEN,
	    .after = M_FILTERED),
	ENDS(INIT, PARENT, "exec-succeeded", .gives = M_EXECUTED),
	/* A failed exec must leave no pid file, which clients take for success. */
	ACT(PARENT, "pid-file", step_pid_file, .needs = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
};

const struct sequence sequence_exec = SEQUENCE(rows);
