/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this directory: from linux.seccomp to a program, in five parts, each in the file of
 * its name. All pure. A profile is read; an architecture says which numbers its names mean; rules
 * become ranges of numbers; ranges become a tree; the tree is emitted. */
#pragma once

#include "src/oci/config.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* filter_profile.c: linux.seccomp in the words of the kernel: actions as return values, conditions
 * with masks. Still by name of system call, for any architecture. */

/* (argument & mask) <op> value */
struct filter_arg {
	unsigned int index;
	enum oci_seccomp_op op; /* MASKED_EQ with any mask, the others with UINT64_MAX */
	uint64_t mask, value;
};

enum { FILTER_RULES_ARGS = 6 };

struct filter_rule {
	uint32_t action; /* SECCOMP_RET_* with its data */
	size_t n_args;
	struct filter_arg args[FILTER_RULES_ARGS]; /* ascending, all must hold */
};

/* What one entry of linux.seccomp.syscalls says: one rule, or, with several conditions on the same
 * argument, one for each condition. None where it repeats the default action. */
struct filter_call {
	const struct filter_rule *rules;
	size_t n_rules;
	const char *const *names;
	size_t n_names;
};

struct filter_profile {
	struct arena *arena;
	uint32_t standard; /* defaultAction */
	uint32_t newer;    /* of calls with a larger number than any that the profile names */
	bool notifies;     /* some rule says SCMP_ACT_NOTIFY */
	struct filter_call *calls;
	size_t n_calls;
};

/* Checks and translates. The result points into seccomp and the arena. */
int filter_profile_read(struct arena *arena, const struct oci_seccomp *seccomp,
			struct filter_profile *ret, struct err *err) MUST_CHECK;

/* filter_arch.c: the architectures of a profile, and what its system call names mean on them. Names
 * and numbers are libseccomp's. */

enum {
	FILTER_ARCH_MAX = 24,
	FILTER_ARCH_X32_BIT =
		0x40000000, /* in the numbers of x32, which has the audit value of x86-64 */
};

struct filter_arch {
	uint32_t token;      /* libseccomp's, differs from the kernel's for x32 only */
	uint32_t audit;      /* seccomp_data.arch */
	uint32_t first;      /* system call numbers begin here: 0, or FILTER_ARCH_X32_BIT */
	bool wide;           /* arguments have 64 bits */
	int socketcall, ipc; /* numbers of the multiplexers, or negative */
};

struct filter_archs {
	struct filter_arch v[FILTER_ARCH_MAX]; /* the native one first */
	size_t n;
};

/* The native architecture and those of the profile. Those that cannot exist on this host (the other
 * byte order, or unknown to libseccomp) are left out: no process could use them. */
int filter_arch_list(const struct oci_seccomp *seccomp, struct filter_archs *ret,
		     struct err *err) MUST_CHECK;

/* The architecture with this audit value whose numbers begin there, or NULL. */
const struct filter_arch *filter_arch_find(const struct filter_archs *archs, uint32_t audit,
					   uint32_t first);

/* Whether one before it has the same audit value. */
bool filter_arch_is_repeated(const struct filter_archs *archs, size_t i);

/* What a name means: its own number, the number of a call of a multiplexer (socketcall, ipc), or
 * both. Negative: does not exist here. */
struct filter_number {
	int direct;
	int mux;       /* socketcall or ipc */
	uint32_t call; /* the multiplexer's first argument */
};

/* Returns false where libseccomp knows the name on no architecture. */
bool filter_arch_resolve(const struct filter_arch *arch, const char *name,
			 struct filter_number *ret);

/* filter_rules.c: the rules of a profile for one architecture, as ranges of system call numbers.
 *
 * What holds where several rules name the same call (as in libseccomp):
 * - A rule without conditions beats all rules with conditions; the first such rule counts.
 * - Else the first rule whose conditions all hold, in an order that puts equality before inequality
 *   and the larger value before the smaller, not in the order of the file; see comes_first().
 * - Else, and for calls without a rule, the default action. */

struct filter_range {
	uint32_t first;                   /* up to the next range, or to UINT32_MAX */
	bool wide;                        /* as of the architecture */
	uint32_t action;                  /* where no rule matches */
	const struct filter_rule **rules; /* in order; each has conditions */
	size_t n_rules;
};

enum {
	FILTER_RULES_MAX = 2048
}; /* for one number: each needs two instructions of the kernel's 4096 */

struct filter_ranges {
	struct filter_range *v;
	size_t n, cap;
	bool overflow;        /* more than FILTER_RULES_MAX: the rest is missing */
	const char **unknown; /* names that libseccomp does not know on any architecture */
	size_t n_unknown, cap_unknown;
};

/* Appends the ranges of one architecture. */
void filter_rules_ranges(const struct filter_profile *profile, const struct filter_arch *arch,
			 struct filter_ranges *ranges);

/* Appends a range that begins at `first` and has one action for all its numbers. */
void filter_rules_plain(struct arena *arena, uint32_t first, uint32_t action,
			struct filter_ranges *ranges);

/* filter_emit.c: writes a seccomp program from its last instruction to its first. Every jump of a
 * filter leads forward, so what it leads to exists already when it is written, and distances are
 * known at once. */

enum {
	FILTER_EMIT_MAX = BPF_MAXINSNS, /* the kernel's limit */
	FILTER_EMIT_RETURNS = 32,
	FILTER_EMIT_TESTS = 256,
	FILTER_EMIT_BRIDGES = 64,
};

/* Zero-initialise, then set code. A place in the program is called by its distance from the end:
 * the instruction written first is 1. */
struct filter_emit {
	struct sock_filter *code; /* FILTER_EMIT_MAX of them, filled from the end */
	unsigned int n;           /* written so far */
	bool full;                /* the program did not fit */
	struct {
		uint32_t action;
		unsigned int at;
	} returns[FILTER_EMIT_RETURNS]; /* the newest of each action, by hash */
	struct {
		unsigned int target, at;
	} bridges[FILTER_EMIT_BRIDGES];          /* newest jump to a far place, by hash */
	unsigned short tests[FILTER_EMIT_TESTS]; /* newest test of an argument, by hash */
};

/* One comparison of a 32-bit word of struct seccomp_data. */
struct filter_test {
	uint32_t offset; /* of the word */
	uint32_t mask;   /* UINT32_MAX: all of it */
	uint16_t jump;   /* BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET */
	uint32_t value;
};

/* A return of the action; shared while it is within reach of a conditional jump. */
unsigned int filter_emit_return(struct filter_emit *e, uint32_t action);

/* A conditional jump on what is in the accumulator. Targets out of reach are bridged. */
unsigned int filter_emit_branch(struct filter_emit *e, uint16_t jump, uint32_t value,
				unsigned int yes, unsigned int no);

/* Loads a word in front of the place `next`. */
unsigned int filter_emit_load(struct filter_emit *e, uint32_t offset, unsigned int next);

/* Loads, masks and compares; shared with an equal test within reach. */
unsigned int filter_emit_test(struct filter_emit *e, const struct filter_test *test,
			      unsigned int yes, unsigned int no);

/* The program so far: e->n instructions. */
const struct sock_filter *filter_emit_program(const struct filter_emit *e);

/* filter_tree.c: ranges of system call numbers as one balanced tree of comparisons, with the rules'
 * conditions at its leaves. */

enum { FILTER_TREE_SEEN = 64 };

/* Zero-initialise, then set emit. */
struct filter_tree {
	struct filter_emit *emit;
	struct {
		const struct filter_range *range;
		unsigned int place;
	} seen[FILTER_TREE_SEEN]; /* the newest list of rules of its kind, by hash */
};

/* Writes the tree for n > 0 ranges, the first of which covers all smaller numbers too. They must
 * stay where they are until the last tree is written. Returns the first instruction, which wants
 * the system call number in the accumulator. */
unsigned int filter_tree_write(struct filter_tree *tree, const struct filter_range *ranges,
			       size_t n);
