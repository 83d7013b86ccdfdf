/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_compile.h"

#include "src/security/filter_parts.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

/* Missing from older kernel headers. */
enum { FLAG_TSYNC_ESRCH = 1 << 4, FLAG_WAIT_KILLABLE_RECV = 1 << 5 };

struct compile {
	struct filter_profile profile;
	struct filter_archs archs;
	struct filter_entries room;
};

/* Architectures that the profile does not list: their programs get libseccomp's default answer. */
static void refuse_from(struct compile *c, uint32_t first, struct filter_ranges *ranges)
{
	filter_rules_plain(c->profile.arena, first, SECCOMP_RET_KILL_THREAD, ranges);
}

/* All ranges of one audit value. Only x86-64's has two parts. */
static void set_ranges(struct compile *c, uint32_t audit, struct filter_ranges *ranges)
{
	const struct filter_arch *low = filter_arch_find(&c->archs, audit, 0);
	const struct filter_arch *x32 = filter_arch_find(&c->archs, audit, FILTER_ARCH_X32_BIT);

	if (low)
		filter_rules_ranges(&c->profile, low, &c->room, ranges);
	else
		refuse_from(c, 0, ranges);
	if (x32) {
		filter_rules_ranges(&c->profile, x32, &c->room, ranges);
	} else if (audit == AUDIT_ARCH_X86_64) {
		uint32_t largest = ranges->v[ranges->n - 1].action;

		refuse_from(c, FILTER_ARCH_X32_BIT, ranges);
		/* A tracer skips a call by setting its number to -1, which is not an x32 call. */
		filter_rules_plain(c->profile.arena, UINT32_MAX, largest, ranges);
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

/* Some agents, such as bypass4netns, intercept sendmsg, but cannot answer before they have their
 * descriptor. */
static int set_handover(const struct compile *c, const struct filter_ranges *native,
			struct filter_program *ret, struct err *err)
{
	if (!c->profile.notifies)
		return 0;
	if (passes(c, native, "sendmsg"))
		ret->handover = FILTER_HANDOVER_SENDMSG;
	else if (passes(c, native, "sendmmsg"))
		ret->handover = FILTER_HANDOVER_SENDMMSG;
	if (ret->handover)
		return 0;
	(void)err_set(err, EINVAL,
		      ERR_AT
		      "linux.seccomp: SCMP_ACT_NOTIFY is used, but neither sendmsg nor "
		      "sendmmsg is allowed without conditions, and one of them must carry the "
		      "descriptor to the agent");
	return err_hint(err, "allow sendmmsg in the profile");
}

/* Writes the part of each audit value, preceded by the instructions that tell them apart. The
 * native one is written last, so that it comes first. */
static int write_program(struct compile *c, struct filter_tree *tree, struct filter_program *ret,
			 struct err *err)
{
	struct filter_emit *e = tree->emit;
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
		if (i == 1) {
			ret->unknown = ranges.unknown;
			ret->n_unknown = ranges.n_unknown;
		}
		r = i == 1 ? set_handover(c, &ranges, ret, err) : 0;
		if (r < 0)
			return r;
		place = filter_tree_write(tree, ranges.v, ranges.n);
		parts[i - 1] = filter_emit_load(e, offsetof(struct seccomp_data, nr), place);
	}
	place = filter_emit_return(e, SECCOMP_RET_KILL_THREAD);
	for (size_t i = c->archs.n; i > 0; i--) {
		if (parts[i - 1])
			place = filter_emit_branch(e, BPF_JEQ, c->archs.v[i - 1].audit,
						   parts[i - 1], place);
	}
	(void)filter_emit_load(e, offsetof(struct seccomp_data, arch), place);
	if (e->full || overflow) {
		return err_set(err, E2BIG,
			       ERR_AT "linux.seccomp: the profile compiles to more than the "
				      "kernel's limit of %d instructions",
			       FILTER_EMIT_MAX);
	}
	return 0;
}

/* Sets flags and flags_implied; needs_listener must be set. */
static void set_flags(const struct oci_seccomp *seccomp, struct filter_program *program)
{
	program->flags = 0;
	for (size_t i = 0; i < seccomp->flags.n; i++)
		program->flags |= (unsigned int)seccomp->flags.v[i];
	program->flags_implied = !seccomp->flags.v;
	if (program->flags_implied)
		program->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	if (!program->needs_listener) {
		/* Changes how a listener is waited for: without a listener the kernel refuses the
		 * flag. */
		program->flags &= ~(unsigned int)FLAG_WAIT_KILLABLE_RECV;
		return;
	}
	program->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Both flags use the return value, unless a failure to synchronise is reported as an
	 * errno. */
	if (program->flags & SECCOMP_FILTER_FLAG_TSYNC)
		program->flags |= FLAG_TSYNC_ESRCH;
}

static int compile(struct arena *arena, const struct oci_seccomp *seccomp,
		   struct filter_program *ret, struct err *err)
{
	struct compile c = { 0 };
	struct filter_emit e = { 0 };
	struct filter_tree tree = { .emit = &e };
	int r = filter_profile_read(arena, seccomp, &c.profile, err);

	if (r == 0)
		r = filter_arch_list(seccomp, &c.archs, err);
	if (r < 0)
		return r;
	e.code = arena_array(arena, FILTER_EMIT_MAX, sizeof(*e.code));
	r = write_program(&c, &tree, ret, err);
	if (r < 0)
		return r;
	ret->insns = filter_emit_program(&e);
	ret->n = (unsigned short)e.n;
	ret->needs_listener = c.profile.notifies;
	set_flags(seccomp, ret);
	return 0;
}

int filter_compile(struct arena *arena, const struct oci_seccomp *seccomp,
		   struct filter_program *ret, struct err *err)
{
	struct filter_program program = { 0 };
	int r = compile(arena, seccomp, &program, err);

	if (r == 0)
		*ret = program;
	return r;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Returns the number of decoded bytes, or -EINVAL. */
static ssize_t decode(const char *text, unsigned char *out)
{
	size_t len = strlen(text), pad = 0, n = 0;
	uint32_t bits = 0;

	if (len % 4)
		return -EINVAL;
	while (pad < 2 && len && text[len - 1] == '=') {
		len--;
		pad++;
	}
	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4) /* the first digit leaves 6 bits; each later one completes a byte */
			out[n++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	return (ssize_t)n;
}

static bool notifies(const struct sock_filter *code, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (code[i].code == (BPF_RET | BPF_K) &&
		    (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}

int filter_compile_raw(struct arena *arena, const char *base64, const struct oci_seccomp *seccomp,
		       struct filter_program *ret, struct err *err)
{
	static const struct oci_seccomp none;
	struct filter_program program = { 0 };
	unsigned char *bytes = arena_alloc(arena, strlen(base64) / 4 * 3 + 1);
	ssize_t len = decode(base64, bytes);

	if (len <= 0 || (size_t)len % sizeof(struct sock_filter) ||
	    (size_t)len / sizeof(struct sock_filter) > BPF_MAXINSNS) {
		(void)err_set(err, EINVAL,
			      ERR_AT "annotations: run.oci.seccomp_bpf_data: expected base64 "
				     "of 1 to %d instructions of 8 bytes",
			      BPF_MAXINSNS);
		return -EINVAL;
	}
	program.insns = bytes;
	program.n = (unsigned short)((size_t)len / sizeof(struct sock_filter));
	program.needs_listener = notifies(program.insns, program.n);
	program.handover = program.needs_listener ? FILTER_HANDOVER_SENDMSG : FILTER_HANDOVER_NONE;
	set_flags(seccomp ? seccomp : &none, &program);
	*ret = program;
	return 0;
}
