/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a seccomp program from its last instruction to its first. Every jump of a filter leads
 * forward, so what it leads to exists already when it is written, and distances are known at once.
 * Pure. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FILTER_EMIT_MAX = BPF_MAXINSNS, /* the kernel takes no longer program */
	FILTER_EMIT_RETURNS = 32,
	FILTER_EMIT_TESTS = 256,
	FILTER_EMIT_BRIDGES = 64,
};

/* Zero-initialise, then set code. A place in the program is called by its distance from the end: the
 * instruction written first is 1. */
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
