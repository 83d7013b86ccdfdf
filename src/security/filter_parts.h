/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this directory: linux.seccomp becomes a program in five parts, each in the file of its
 * name. All pure. A profile is read; an architecture maps its names to numbers; rules become ranges
 * of numbers; ranges become a tree; the tree is emitted. */
#pragma once

#include "src/oci/config.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* filter_profile.c: linux.seccomp in the kernel's terms: actions as return values, conditions with
 * masks. Still by system call name, for any architecture. */

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

/* One entry of linux.seccomp.syscalls: one rule, or, if several conditions are on the same
 * argument, one for each condition. No rule if it repeats the default action. */
struct filter_call {
	const struct filter_rule *rules;
	size_t n_rules;
	const char *const *names;
	size_t n_names;
};

struct filter_profile {
	struct arena *arena;
	uint32_t standard; /* defaultAction */
	uint32_t newer;    /* for calls newer than any that the profile names */
	bool notifies;     /* some rule says SCMP_ACT_NOTIFY */
	struct filter_call *calls;
	size_t n_calls;
};

/* Checks and translates the profile. The result points into seccomp and the arena. */
int filter_profile_read(struct arena *arena, const struct oci_seccomp *seccomp,
			struct filter_profile *ret, struct err *err) MUST_CHECK;

/* filter_arch.c: the architectures of a profile, and what system call names mean on them. Names and
 * numbers are libseccomp's. */

enum {
	FILTER_ARCH_MAX = 24,
	FILTER_ARCH_X32_BIT = 0x40000000, /* set in x32 numbers; x32 shares x86-64's audit value */
};

struct filter_arch {
	uint32_t token;      /* libseccomp's; for x32 it differs from the kernel's */
	uint32_t audit;      /* seccomp_data.arch */
	uint32_t first;      /* system call numbers begin here: 0, or FILTER_ARCH_X32_BIT */
	bool wide;           /* arguments have 64 bits */
	int socketcall, ipc; /* numbers of the multiplexers, or negative */
};

struct filter_archs {
	struct filter_arch v[FILTER_ARCH_MAX]; /* the native one first */
	size_t n;
};

/* The native architecture and those in the profile. Those that cannot exist on this host (the other
 * byte order, or unknown to libseccomp) are skipped: no process could use them. */
int filter_arch_list(const struct oci_seccomp *seccomp, struct filter_archs *ret,
		     struct err *err) MUST_CHECK;

/* The architecture with this audit value whose numbers begin there, or NULL. */
const struct filter_arch *filter_arch_find(const struct filter_archs *archs, uint32_t audit,
					   uint32_t first);

/* Whether an earlier one has the same audit value. */
bool filter_arch_is_repeated(const struct filter_archs *archs, size_t i);

/* What a name means: its own number, a call of a multiplexer (socketcall, ipc), or both. Negative:
 * does not exist here. */
struct filter_number {
	int direct;
	int mux;       /* socketcall or ipc */
	uint32_t call; /* the multiplexer's first argument */
};

/* Returns false if libseccomp does not know the name on any architecture. */
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

/* One rule for one number. */
struct filter_entry {
	uint32_t nr;
	const struct filter_rule *rule;
};

/* Room for the entries of one architecture after the other: each page that is touched for the first
 * time costs as much as the search for ten names. Zero-initialise. */
struct filter_entries {
	struct filter_entry *v, *sorted;
	size_t cap, sorted_cap;
};

enum {
	FILTER_RULES_MAX = 2048
}; /* per number: each rule takes two of the kernel's 4096 instructions */

struct filter_ranges {
	struct filter_range *v;
	size_t n, cap;
	bool overflow;        /* more than FILTER_RULES_MAX: the rest was dropped */
	const char **unknown; /* names that libseccomp does not know on any architecture */
	size_t n_unknown, cap_unknown;
};

/* Appends the ranges of one architecture. */
void filter_rules_ranges(const struct filter_profile *profile, const struct filter_arch *arch,
			 struct filter_entries *room, struct filter_ranges *ranges);

/* Appends a range that begins at `first` and has one action for all its numbers. */
void filter_rules_plain(struct arena *arena, uint32_t first, uint32_t action,
			struct filter_ranges *ranges);

/* filter_emit.c: writes a seccomp program from its last instruction to its first. All jumps in a
 * filter go forward, so a jump's target is already written and its distance known. */

enum {
	FILTER_EMIT_MAX = BPF_MAXINSNS, /* the kernel's limit */
	FILTER_EMIT_RETURNS = 32,
	FILTER_EMIT_TESTS = 256,
	FILTER_EMIT_BRIDGES = 64,
};

/* Zero-initialise, then set code. A place is identified by its distance from the end of the
 * program: the instruction written first is 1. */
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
	} bridges[FILTER_EMIT_BRIDGES];          /* newest jump to a distant place, by hash */
	unsigned short tests[FILTER_EMIT_TESTS]; /* newest test of an argument, by hash */
};

/* One comparison of a 32-bit word of struct seccomp_data. */
struct filter_test {
	uint32_t offset; /* of the word */
	uint32_t mask;   /* UINT32_MAX: all of it */
	uint16_t jump;   /* BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET */
	uint32_t value;
};

/* A return of the action; reused while it is within reach of a conditional jump. */
unsigned int filter_emit_return(struct filter_emit *e, uint32_t action);

/* A conditional jump on the accumulator. Targets out of reach are bridged. */
unsigned int filter_emit_branch(struct filter_emit *e, uint16_t jump, uint32_t value,
				unsigned int yes, unsigned int no);

/* Loads a word, before the place `next`. */
unsigned int filter_emit_load(struct filter_emit *e, uint32_t offset, unsigned int next);

/* Loads, masks and compares; reuses an equal test within reach. */
unsigned int filter_emit_test(struct filter_emit *e, const struct filter_test *test,
			      unsigned int yes, unsigned int no);

/* The program so far: e->n instructions. */
const struct sock_filter *filter_emit_program(const struct filter_emit *e);

/* filter_tree.c: system call ranges as one balanced tree of comparisons, with the rules' conditions
 * at its leaves. */

enum { FILTER_TREE_SEEN = 64 };

/* Zero-initialise, then set emit. */
struct filter_tree {
	struct filter_emit *emit;
	struct {
		const struct filter_range *range;
		unsigned int place;
	} seen[FILTER_TREE_SEEN]; /* the newest list of rules of its kind, by hash */
};

/* Writes the tree for n > 0 ranges, the first of which also covers all smaller numbers. The ranges
 * must not move until the last tree is written. Returns the first instruction, which expects the
 * system call number in the accumulator. */
unsigned int filter_tree_write(struct filter_tree *tree, const struct filter_range *ranges,
			       size_t n);
