/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_parts.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

static int action_value(int action, const struct json_uint *errno_ret, uint32_t *ret,
			struct err *err)
{
	uint64_t data = errno_ret->set ? errno_ret->v : EPERM;

	if (action == OCI_SECCOMP_ALLOW)
		data = 0;
	else if (errno_ret->set && action != OCI_SECCOMP_ERRNO && action != OCI_SECCOMP_TRACE) {
		return err_set(err, EINVAL,
			       "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an error number");
	}
	if (data > SECCOMP_RET_DATA)
		return err_set(err, EINVAL, "the error number %" PRIu64 " is too large", data);
	switch ((enum oci_seccomp_action)action) {
	case OCI_SECCOMP_KILL:
	case OCI_SECCOMP_KILL_THREAD:
		*ret = SECCOMP_RET_KILL_THREAD;
		return 0;
	case OCI_SECCOMP_KILL_PROCESS:
		*ret = SECCOMP_RET_KILL_PROCESS;
		return 0;
	case OCI_SECCOMP_TRAP:
		*ret = SECCOMP_RET_TRAP;
		return 0;
	case OCI_SECCOMP_ERRNO:
		*ret = SECCOMP_RET_ERRNO | (uint32_t)data;
		return 0;
	case OCI_SECCOMP_TRACE:
		*ret = SECCOMP_RET_TRACE | (uint32_t)data;
		return 0;
	case OCI_SECCOMP_ALLOW:
		*ret = SECCOMP_RET_ALLOW;
		return 0;
	case OCI_SECCOMP_LOG:
		*ret = SECCOMP_RET_LOG;
		return 0;
	case OCI_SECCOMP_NOTIFY:
		*ret = SECCOMP_RET_USER_NOTIF;
		return 0;
	case OCI_SECCOMP_ABSENT:
		break;
	}
	return err_set(err, EINVAL, "no action given");
}

/* A C library that gets EPERM where it expects ENOSYS does not fall back to the older call. So
 * calls newer than the profile fail as on an older kernel, unless calls are allowed by default. */
static int set_actions(struct filter_profile *p, const struct oci_seccomp *seccomp, struct err *err)
{
	uint32_t standard = 0;
	int r = action_value(seccomp->default_action, &seccomp->default_errno_ret, &standard, err);

	if (r < 0)
		return err_prefix(err, ERR_AT "linux.seccomp.defaultAction");
	if (standard == SECCOMP_RET_USER_NOTIF) {
		return err_set(err, EINVAL,
			       ERR_AT "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot "
				      "be used as default action");
	}
	p->standard = p->newer = standard;
	if (standard != SECCOMP_RET_ALLOW && standard != SECCOMP_RET_LOG &&
	    (standard & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE)
		p->newer = SECCOMP_RET_ERRNO | ENOSYS;
	return 0;
}

static struct filter_arg argument(const struct oci_seccomp_arg *arg)
{
	bool masked = arg->op == OCI_SECCOMP_MASKED_EQ;

	return (struct filter_arg){
		.index = (unsigned int)arg->index.v,
		.op = (enum oci_seccomp_op)arg->op,
		.mask = masked ? arg->value.v : UINT64_MAX,
		.value = masked ? arg->value_two.v : arg->value.v,
	};
}

static bool repeats_argument(const struct oci_syscall *call)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < call->args.n; i++) {
		unsigned int bit = 1u << call->args.v[i].index.v;

		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

static void insert_argument(struct filter_rule *rule, struct filter_arg arg)
{
	size_t at = rule->n_args++;

	for (; at > 0 && rule->args[at - 1].index > arg.index; at--)
		rule->args[at] = rule->args[at - 1];
	rule->args[at] = arg;
}

/* Conditions on different arguments must all hold. If two are on the same argument, each condition
 * becomes a rule of its own: other runtimes do this, and profiles rely on it. */
static void set_rules(struct filter_profile *p, const struct oci_syscall *call, uint32_t action,
		      struct filter_call *ret)
{
	bool separate = repeats_argument(call);
	struct filter_rule *rules;

	ret->n_rules = separate ? call->args.n : 1;
	ret->rules = rules = arena_array(p->arena, ret->n_rules, sizeof(*rules));
	for (size_t i = 0; i < ret->n_rules; i++)
		rules[i].action = action;
	for (size_t i = 0; i < call->args.n; i++)
		insert_argument(&rules[separate ? i : 0], argument(&call->args.v[i]));
}

static int check_call(const struct oci_syscall *call, uint32_t action, struct err *err)
{
	for (size_t i = 0; i < call->args.n; i++) {
		const struct oci_seccomp_arg *arg = &call->args.v[i];

		if (arg->index.v >= FILTER_RULES_ARGS || arg->op <= OCI_SECCOMP_OP_ABSENT ||
		    arg->op > OCI_SECCOMP_MASKED_EQ) {
			return err_set(err, EINVAL,
				       "args[%zu]: a system call has the arguments 0 to %d, "
				       "and the comparison must have an operator",
				       i, FILTER_RULES_ARGS - 1);
		}
	}
	/* runc passes its descriptor with write(2) and so refuses this; agents are written for
	 * that. */
	for (size_t i = 0; action == SECCOMP_RET_USER_NOTIF && i < call->names.n; i++) {
		if (strcmp(call->names.v[i], "write") == 0)
			return err_set(err, EINVAL,
				       "SCMP_ACT_NOTIFY cannot be used for the write syscall");
	}
	return 0;
}

static int set_calls(struct filter_profile *p, const struct oci_seccomp *seccomp, struct err *err)
{
	p->n_calls = seccomp->syscalls.n;
	p->calls = arena_array(p->arena, p->n_calls, sizeof(*p->calls));
	for (size_t i = 0; i < p->n_calls; i++) {
		const struct oci_syscall *call = &seccomp->syscalls.v[i];
		uint32_t action = 0;
		int r = action_value(call->action, &call->errno_ret, &action, err);

		if (r == 0)
			r = check_call(call, action, err);
		if (r < 0)
			return err_prefix(err, ERR_AT "linux.seccomp.syscalls[%zu]", i);
		p->calls[i].names = call->names.v;
		p->calls[i].n_names = call->names.n;
		if (action == p->standard)
			continue;
		set_rules(p, call, action, &p->calls[i]);
		p->notifies |= action == SECCOMP_RET_USER_NOTIF;
	}
	return 0;
}

int filter_profile_read(struct arena *arena, const struct oci_seccomp *seccomp,
			struct filter_profile *ret, struct err *err)
{
	int r;

	*ret = (struct filter_profile){ .arena = arena };
	r = set_actions(ret, seccomp, err);
	return r < 0 ? r : set_calls(ret, seccomp, err);
}
