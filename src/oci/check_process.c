/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/base/str.h"
#include "src/oci/check_parts.h"
#include "src/oci/names.h"

#include <inttypes.h>
#include <linux/sched.h>
#include <string.h>

static int check_words(struct check *check, const struct oci_process *process)
{
	char shown[JSON_TEXT_QUOTE];

	if (process->args.n == 0) {
		check_at(check, "args");
		return check_fail(check, "expected at least the program to run");
	}
	if (!*process->args.v[0]) {
		check_at(check, "args[0]");
		return check_fail(check, "empty program name: executable file not found in $PATH");
	}
	for (size_t i = 0; i < process->env.n; i++) {
		const char *entry = process->env.v[i];

		if (*entry != '=' && strchr(entry, '='))
			continue;
		check_at(check, "env[%zu]", i);
		return check_fail(check, "expected NAME=value, got %s",
				  json_text_quote(shown, entry));
	}
	return 0;
}

static int check_cwd(struct check *check, const char *cwd)
{
	char shown[JSON_TEXT_QUOTE];

	check_at(check, "cwd");
	if (!cwd)
		return check_fail(check, "required, but not there");
	if (*cwd != '/')
		return check_fail(check, "expected an absolute path, got %s",
				  json_text_quote(shown, cwd));
	return 0;
}

static int check_user(struct check *check, const struct oci_user *user)
{
	int r;

	check_at(check, "user.uid");
	r = check_id(check, user->uid.v);
	if (r < 0)
		return r;
	check_at(check, "user.gid");
	r = check_id(check, user->gid.v);
	for (size_t i = 0; r == 0 && i < user->additional_gids.n; i++) {
		check_at(check, "user.additionalGids[%zu]", i);
		r = check_id(check, (uint64_t)user->additional_gids.v[i]);
	}
	return r;
}

static int check_rlimits(struct check *check, const struct oci_process *process)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < process->rlimits.n; i++) {
		const struct oci_rlimit *limit = &process->rlimits.v[i];
		const char *name = json_read_enum_name(names_rlimits, limit->type);

		if (seen & UINT64_C(1) << limit->type) {
			check_at(check, "rlimits[%zu].type", i);
			return check_fail(check, "%s is there twice", name);
		}
		seen |= UINT64_C(1) << limit->type;
		if (limit->soft.v > limit->hard.v) {
			check_at(check, "rlimits[%zu].soft", i);
			return check_fail(check,
					  "the soft limit of %s, %" PRIu64
					  ", is above the hard limit, %" PRIu64,
					  name, limit->soft.v, limit->hard.v);
		}
	}
	return 0;
}

/* The kernel's own rules (sched_setattr(2)), which it only states as EINVAL. */
static int check_scheduler(struct check *check, const struct oci_scheduler *s)
{
	const char *policy = json_read_enum_name(names_sched_policies, s->policy);
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	check_at(check, "scheduler.priority");
	if (realtime && s->priority.v == 0)
		return check_fail(check, "%s needs a priority from 1 to 99", policy);
	if (!realtime && s->priority.v != 0)
		return check_fail(check, "expected 0 with %s, got %" PRId64, policy, s->priority.v);
	if (s->policy != SCHED_DEADLINE)
		return 0;
	check_at(check, "scheduler.deadline");
	if (s->runtime.v == 0 || s->runtime.v > s->deadline.v) {
		return check_fail(check,
				  "SCHED_DEADLINE needs a runtime above 0 and a deadline that is "
				  "not shorter, got %" PRIu64 " and %" PRIu64,
				  s->runtime.v, s->deadline.v);
	}
	check_at(check, "scheduler.period");
	if (s->period.v && s->period.v < s->deadline.v) {
		return check_fail(check,
				  "expected at least the deadline, %" PRIu64 ", got %" PRIu64,
				  s->deadline.v, s->period.v);
	}
	return 0;
}

static int check_affinity(struct check *check, const struct oci_cpu_affinity *affinity)
{
	int r = 0;

	if (affinity->initial) {
		check_at(check, "execCPUAffinity.initial");
		r = check_list(check, affinity->initial);
	}
	if (r == 0 && affinity->final) {
		check_at(check, "execCPUAffinity.final");
		r = check_list(check, affinity->final);
	}
	return r;
}

int check_process_part(struct check *check, const struct oci_process *process)
{
	int r;

	if (process->terminal.v && process->console_size_error)
		return err_set(check->err, EINVAL, "%s", process->console_size_error);
	r = check_cwd(check, process->cwd);
	if (r == 0)
		r = check_words(check, process);
	if (r == 0 && process->user)
		r = check_user(check, process->user);
	if (r == 0)
		r = check_rlimits(check, process);
	if (r == 0 && process->scheduler)
		r = check_scheduler(check, process->scheduler);
	if (r == 0 && process->exec_cpu_affinity)
		r = check_affinity(check, process->exec_cpu_affinity);
	return r;
}
