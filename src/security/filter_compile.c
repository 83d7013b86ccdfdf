/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_compile.h"

#include "src/base/str.h"
#include "src/security/filter_tree.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

/* Absent from older kernel headers. */
enum { FLAG_TSYNC_ESRCH = 1 << 4, FLAG_WAIT_KILLABLE_RECV = 1 << 5 };

struct compile {
	struct arena *arena;
	const struct oci_seccomp *seccomp;
	struct filter_archs archs;
	struct filter_actions actions;
	struct filter_call *calls; /* one for each of seccomp->syscalls */
	const char **unknown;
	size_t n_unknown, cap_unknown;
};

static int action_value(int action, const struct json_uint *errno_ret, uint32_t *ret, struct err *err)
{
	uint64_t data = errno_ret->set ? errno_ret->v : EPERM;

	if (errno_ret->set && action != OCI_SECCOMP_ERRNO && action != OCI_SECCOMP_TRACE)
		return err_set(err, EINVAL,
			       "an error number is given, but only SCMP_ACT_ERRNO and "
			       "SCMP_ACT_TRACE have one");
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
	return err_set(err, EINVAL, "there is no action");
}

/* A C library that meets EPERM where it expects ENOSYS does not fall back to the older call. So what
 * is newer than the profile looks as on an older kernel, unless calls pass by default. */
static int set_actions(struct compile *c, struct err *err)
{
	const struct oci_seccomp *seccomp = c->seccomp;
	uint32_t standard;
	int r = action_value(seccomp->default_action, &seccomp->default_errno_ret, &standard, err);

	if (r < 0)
		return err_prefix(err, "config.json: linux.seccomp.defaultAction");
	if (standard == SECCOMP_RET_USER_NOTIF)
		return err_set(err, EINVAL,
			       "config.json: linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot "
			       "be used as default action");
	c->actions.standard = c->actions.newer = standard;
	if (standard != SECCOMP_RET_ALLOW && standard != SECCOMP_RET_LOG &&
	    (standard & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE)
		c->actions.newer = SECCOMP_RET_ERRNO | ENOSYS;
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

/* Conditions on different arguments must all hold. As soon as two are on the same argument, each of
 * them is a rule of its own: what the other runtimes do, and profiles count on. */
static void set_rules(struct compile *c, const struct oci_syscall *call, uint32_t action,
		      struct filter_call *ret)
{
	bool separate = repeats_argument(call);
	struct filter_rule *rules;

	ret->n_rules = separate ? call->args.n : 1;
	ret->rules = rules = arena_array(c->arena, ret->n_rules, sizeof(*rules));
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
		    arg->op > OCI_SECCOMP_MASKED_EQ)
			return err_set(err, EINVAL,
				       "args[%zu]: a system call has the arguments 0 to %d, "
				       "and the comparison must have an operator",
				       i, FILTER_RULES_ARGS - 1);
	}
	/* runc reports its descriptor by write(2), and refuses this; agents are written for that. */
	for (size_t i = 0; action == SECCOMP_RET_USER_NOTIF && i < call->names.n; i++)
		if (strcmp(call->names.v[i], "write") == 0)
			return err_set(err, EINVAL,
				       "SCMP_ACT_NOTIFY cannot be used for the write syscall");
	return 0;
}

static int set_calls(struct compile *c, struct filter_program *ret, struct err *err)
{
	size_t n = c->seccomp->syscalls.n;

	c->calls = arena_array(c->arena, n, sizeof(*c->calls));
	for (size_t i = 0; i < n; i++) {
		const struct oci_syscall *call = &c->seccomp->syscalls.v[i];
		uint32_t action = 0;
		int r = action_value(call->action, &call->errno_ret, &action, err);

		if (r == 0)
			r = check_call(call, action, err);
		if (r < 0)
			return err_prefix(err, "config.json: linux.seccomp.syscalls[%zu]", i);
		c->calls[i].names = call->names.v;
		c->calls[i].n_names = call->names.n;
		if (action == c->actions.standard)
			continue;
		set_rules(c, call, action, &c->calls[i]);
		ret->needs_listener |= action == SECCOMP_RET_USER_NOTIF;
	}
	return 0;
}

static void note_unknown(struct compile *c, const char *name)
{
	for (size_t i = 0; i < c->n_unknown; i++)
		if (strcmp(c->unknown[i], name) == 0)
			return;
	if (c->n_unknown == c->cap_unknown) {
		c->cap_unknown = c->cap_unknown ? 2 * c->cap_unknown : 16;
		c->unknown = arena_grow(c->arena, c->unknown, c->n_unknown, c->cap_unknown,
					sizeof(*c->unknown));
	}
	c->unknown[c->n_unknown++] = name;
}

/* Where no program may pass: libseccomp's answer to architectures that the profile does not list. */
static void refuse_from(struct compile *c, uint32_t first, struct filter_ranges *ranges)
{
	filter_rules_plain(c->arena, first, SECCOMP_RET_KILL_THREAD, ranges);
}

/* All ranges of one audit value. Only that of x86-64 has two parts. */
static void set_ranges(struct compile *c, uint32_t audit, struct filter_ranges *ranges)
{
	const struct filter_arch *low = filter_arch_find(&c->archs, audit, 0);
	const struct filter_arch *x32 = filter_arch_find(&c->archs, audit, FILTER_ARCH_X32_BIT);
	size_t n = c->seccomp->syscalls.n;

	if (low)
		filter_rules_ranges(c->arena, low, c->calls, n, &c->actions, ranges);
	else
		refuse_from(c, 0, ranges);
	if (x32) {
		filter_rules_ranges(c->arena, x32, c->calls, n, &c->actions, ranges);
	} else if (low->token == FILTER_ARCH_X86_64) {
		refuse_from(c, FILTER_ARCH_X32_BIT, ranges);
		/* A tracer skips a call by making its number -1; that is no call of x32. */
		filter_rules_plain(c->arena, UINT32_MAX, c->actions.newer, ranges);
	}
}

static bool passes(const struct compile *c, const struct filter_ranges *ranges, const char *name)
{
	struct filter_number nr;
	const struct filter_range *range = ranges->v;

	(void)filter_arch_resolve(&c->archs.v[0], name, &nr);
	if (nr.direct < 0)
		return false;
	for (size_t i = 0; i < ranges->n && ranges->v[i].first <= (uint32_t)nr.direct; i++)
		range = &ranges->v[i];
	return !range->n_rules &&
	       (range->action == SECCOMP_RET_ALLOW || range->action == SECCOMP_RET_LOG);
}

/* bypass4netns, for one, wants to see sendmsg, and it cannot answer before it has its descriptor. */
static int set_handover(const struct compile *c, const struct filter_ranges *native,
			struct filter_program *ret, struct err *err)
{
	if (!ret->needs_listener)
		return 0;
	if (passes(c, native, "sendmsg"))
		ret->handover = FILTER_HANDOVER_SENDMSG;
	else if (passes(c, native, "sendmmsg"))
		ret->handover = FILTER_HANDOVER_SENDMMSG;
	if (ret->handover)
		return 0;
	(void)err_set(err, EINVAL,
		      "config.json: linux.seccomp: SCMP_ACT_NOTIFY is used, but neither sendmsg nor "
		      "sendmmsg is allowed without conditions, and one of them must carry the "
		      "descriptor to the agent");
	err_hint(err, "allow sendmmsg in the profile");
	return -EINVAL;
}

/* Writes the part of each audit value, the native one last, so that it stands first, and in front of
 * them what tells them apart. */
static int write_program(struct compile *c, struct filter_emit *e, struct filter_program *ret,
			 struct err *err)
{
	unsigned int parts[FILTER_ARCH_MAX], place;
	bool overflow = false;

	for (size_t i = c->archs.n; i > 0; i--) {
		uint32_t audit = c->archs.v[i - 1].audit;
		struct filter_ranges ranges = { 0 };
		int r;

		parts[i - 1] = 0;
		if (filter_arch_is_repeated(&c->archs, i - 1))
			continue;
		set_ranges(c, audit, &ranges);
		overflow |= ranges.overflow;
		r = i == 1 ? set_handover(c, &ranges, ret, err) : 0;
		if (r < 0)
			return r;
		place = filter_tree_write(e, ranges.v, ranges.n);
		parts[i - 1] = filter_emit_load(e, offsetof(struct seccomp_data, nr), place);
	}
	place = filter_emit_return(e, SECCOMP_RET_KILL_THREAD);
	for (size_t i = c->archs.n; i > 0; i--)
		if (parts[i - 1])
			place = filter_emit_branch(e, BPF_JEQ, c->archs.v[i - 1].audit,
						   parts[i - 1], place);
	(void)filter_emit_load(e, offsetof(struct seccomp_data, arch), place);
	if (e->full || overflow)
		return err_set(err, E2BIG,
			       "config.json: linux.seccomp: the profile needs more than the %d "
			       "instructions that the kernel takes",
			       FILTER_EMIT_MAX);
	return 0;
}

static void set_flags(const struct oci_seccomp *seccomp, struct filter_program *ret)
{
	for (size_t i = 0; i < seccomp->flags.n; i++)
		ret->flags |= (unsigned int)seccomp->flags.v[i];
	ret->flags_implied = !seccomp->flags.v;
	if (ret->flags_implied)
		ret->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	if (!ret->needs_listener) {
		/* How to wait for a listener: refused by the kernel where there is none. */
		ret->flags &= ~(unsigned int)FLAG_WAIT_KILLABLE_RECV;
		return;
	}
	ret->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Both want the return value for themselves, unless the failure to synchronise is an errno. */
	if (ret->flags & SECCOMP_FILTER_FLAG_TSYNC)
		ret->flags |= FLAG_TSYNC_ESRCH;
}

static int compile(struct compile *c, struct filter_program *ret, struct err *err)
{
	struct filter_emit e = { 0 };
	int r;

	e.code = arena_array(c->arena, FILTER_EMIT_MAX, sizeof(*e.code));
	r = write_program(c, &e, ret, err);
	if (r < 0)
		return r;
	ret->insns = filter_emit_program(&e);
	ret->n = (unsigned short)e.n;
	ret->unknown = c->unknown;
	ret->n_unknown = c->n_unknown;
	set_flags(c->seccomp, ret);
	return 0;
}
