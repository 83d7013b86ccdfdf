/* SPDX-License-Identifier: Apache-2.0 */
/* The program tests the rules from last to first, because the last match decides:
 *
 *	r1  the context, struct bpf_cgroup_dev_ctx
 *	r2  type, then unused     r3  accesses not yet decided
 *	r4  major   r5  minor     r6  major << 20 | minor, the kernel's own width of a device number
 *
 *	block devices go to the second of two lists; each has, for a rule on all accesses:
 *		if r6 == number goto allow (or deny)
 *	and for one on some of them:
 *		if r6 != number goto next
 *		deny:  if r3 & access goto deny
 *		allow: r3 &= ~access; if r3 == 0 goto allow
 *
 * All jumps lead to two shared exits, which keeps verification linear: with an exit in each rule,
 * as crun and runc emit, it takes ten times as long at every container start. */
#include "src/cgroup/device_program.h"

#include <string.h>

enum {
	R0,
	R1,
	R2,
	R3,
	R4,
	R5,
	R6,
	PER_RULE = 3,     /* instructions per rule and list, at most */
	FRAME = 20,       /* instructions outside of the lists */
	MAX_RULES = 4000, /* two lists of this size stay within the reach of a jump (32767) */
	MAX_MAJOR = 1 << 12,
	MAX_MINOR = 1 << 20,
	TO_ALLOW = -1,
	TO_DENY = -2, /* patched at the end; real offsets are all forward */
};

struct program {
	struct bpf_insn *v;
	size_t n;
};

static void emit(struct program *p, int code, int dst, int src, int off, int imm)
{
	p->v[p->n++] = (struct bpf_insn){ .code = (__u8)code,
					  .dst_reg = (__u8)(dst & 15),
					  .src_reg = (__u8)(src & 15),
					  .off = (__s16)off,
					  .imm = imm };
}

static void jump_if(struct program *p, int op, int reg, uint32_t value, int off)
{
	emit(p, BPF_JMP32 | op | BPF_K, reg, 0, off, (int)value);
}

static void load(struct program *p, int reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_W | BPF_MEM, reg, R1, (int)offset, 0);
}

static void prologue(struct program *p)
{
	load(p, R2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	load(p, R4, offsetof(struct bpf_cgroup_dev_ctx, major));
	load(p, R5, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(p, BPF_ALU | BPF_MOV | BPF_X, R3, R2, 0, 0);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, R3, 0, 0, 16);
	emit(p, BPF_ALU | BPF_AND | BPF_K, R2, 0, 0, 0xffff);
	emit(p, BPF_ALU | BPF_MOV | BPF_X, R6, R4, 0, 0);
	emit(p, BPF_ALU | BPF_LSH | BPF_K, R6, 0, 0, 20);
	emit(p, BPF_ALU | BPF_OR | BPF_X, R6, R5, 0, 0);
}

/* The comparison that selects the rule's devices, as register and value; false if the rule applies
 * to every device. */
static bool rule_key(const struct cgroup_device_rule *rule, int *ret_reg, uint32_t *ret_value)
{
	bool major = rule->major != CGROUP_DEVICE_ANY, minor = rule->minor != CGROUP_DEVICE_ANY;

	*ret_reg = major && minor ? R6 : major ? R4 : R5;
	*ret_value = major && minor ? rule->major << 20 | rule->minor
		     : major        ? rule->major
				    : rule->minor;
	return major || minor;
}

/* No device has such numbers, and the packed key would match another device. */
static bool is_impossible(const struct cgroup_device_rule *rule)
{
	return (rule->major != CGROUP_DEVICE_ANY && rule->major >= MAX_MAJOR) ||
	       (rule->minor != CGROUP_DEVICE_ANY && rule->minor >= MAX_MINOR);
}

/* Returns whether the rule decides every access that reaches it: earlier rules cannot matter
 * then. */
static bool emit_rule(struct program *p, const struct cgroup_device_rule *rule)
{
	int to = rule->allow ? TO_ALLOW : TO_DENY, reg;
	bool whole = (rule->access & CGROUP_ACCESS_ALL) == CGROUP_ACCESS_ALL;
	uint32_t value;
	bool keyed = rule_key(rule, &reg, &value);

	if (whole && !keyed) {
		emit(p, BPF_JMP | BPF_JA, 0, 0, to, 0);
		return true;
	}
	if (whole) {
		jump_if(p, BPF_JEQ, reg, value, to);
		return false;
	}
	if (keyed)
		jump_if(p, BPF_JNE, reg, value, rule->allow ? 2 : 1);
	if (rule->allow) {
		emit(p, BPF_ALU | BPF_AND | BPF_K, R3, 0, 0,
		     (int)(CGROUP_ACCESS_ALL & ~rule->access));
		jump_if(p, BPF_JEQ, R3, 0, to);
	} else {
		jump_if(p, BPF_JSET, R3, rule->access, to);
	}
	return false;
}

static void emit_list(struct program *p, const struct cgroup_device_rule *rules, size_t n,
		      char type)
{
	for (size_t i = n; i-- > 0;) {
		const struct cgroup_device_rule *rule = &rules[i];

		if ((rule->type != type && rule->type != 'a') || is_impossible(rule))
			continue;
		if (emit_rule(p, rule))
			return;
	}
	emit(p, BPF_JMP | BPF_JA, 0, 0, TO_DENY, 0);
}

/* Emits an exit, unless no jump leads to it: the verifier rejects unreachable instructions. */
static void emit_exit(struct program *p, int to, int verdict)
{
	size_t at = p->n;
	bool used = false;

	for (size_t i = 0; i < at; i++) {
		struct bpf_insn *insn = &p->v[i];
		bool jumps = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;

		if (!jumps || insn->off != to)
			continue;
		insn->off = (__s16)(at - i - 1);
		used = true;
	}
	if (!used)
		return;
	emit(p, BPF_ALU | BPF_MOV | BPF_K, R0, 0, 0, verdict);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int device_program_compile(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			   const struct bpf_insn **ret, size_t *ret_n, struct err *err)
{
	struct program p = { 0 };
	size_t branch;

	if (n > MAX_RULES)
		return err_set(err, E2BIG,
			       ERR_AT "linux.resources.devices: %zu rules, but a device program "
				      "can hold at most %d",
			       n, MAX_RULES);
	p.v = arena_array(arena, 2 * PER_RULE * n + FRAME, sizeof(*p.v));
	prologue(&p);
	branch = p.n;
	jump_if(&p, BPF_JEQ, R2, BPF_DEVCG_DEV_BLOCK, 0);
	emit_list(&p, rules, n, 'c');
	p.v[branch].off = (__s16)(p.n - branch - 1);
	emit_list(&p, rules, n, 'b');
	emit_exit(&p, TO_ALLOW, 1);
	emit_exit(&p, TO_DENY, 0);
	*ret = p.v;
	*ret_n = p.n;
	return 0;
}
