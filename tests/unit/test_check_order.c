/* SPDX-License-Identifier: Apache-2.0 */
/* The order of both sequences, for every set of flags that the planner can produce; and whether the
 * checker would notice: rows are dropped, swapped and moved, and most changes must be found. */
#include "src/run/check.h"
#include "src/state/undo_list.h"
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What `exec` can be: a plan without namespaces, hooks or mounts of its own. */
enum {
	EXEC_FLAGS = PLAN_USERNS_JOIN | PLAN_NS_JOIN | PLAN_STAGER | PLAN_CGROUP | PLAN_TERMINAL |
		     PLAN_CONSOLE_SOCKET | PLAN_SECCOMP | PLAN_NO_NEW_PRIVS,
};

static bool possible(const struct sequence *sequence, uint32_t flags)
{
	if (sequence == &sequence_exec && (flags & ~(uint32_t)EXEC_FLAGS))
		return false;
	return plan_flags_consistent(flags);
}

/* 0 when every combination passes. */
static int check_all(const struct sequence *sequence, const struct row *rows, size_t n,
		     unsigned int *ret_n, struct err *err)
{
	unsigned int count = 0;

	for (uint32_t flags = 0; flags < 1u << PLAN_FLAG_BITS; flags++) {
		if (!possible(sequence, flags))
			continue;
		count++;
		if (check_order(rows, n, flags, err) < 0)
			return -1;
	}
	*ret_n = count;
	return 0;
}

static void check_sequence(const char *name, const struct sequence *sequence)
{
	struct timespec a, b;
	struct err err = { 0 };
	unsigned int n = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	if (check_all(sequence, sequence->rows, sequence->n, &n, &err) < 0)
		printf("%s: %s\n", name, err.text);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_STR(err.text, "");
	CHECK(n > 0);
	printf("%s: %zu rows, %u combinations, %.0f ms\n", name, sequence->n, n,
	       (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
}

TEST(create_is_in_order)
{
	check_sequence("create", &sequence_create);
}

TEST(exec_is_in_order)
{
	check_sequence("exec", &sequence_exec);
}

/* A sample of combinations is enough to notice a change: each bit alone, and pseudo-random ones. */
static bool noticed(const struct sequence *sequence, const struct row *rows, size_t n)
{
	uint32_t seed = 1;
	struct err err;

	for (int i = 0; i < 20000; i++) {
		uint32_t flags;

		seed = seed * 1664525u + 1013904223u;
		flags = (seed >> 8) & ((1u << PLAN_FLAG_BITS) - 1);
		if (i < PLAN_FLAG_BITS)
			flags = 1u << i;
		if (possible(sequence, flags) && check_order(rows, n, flags, &err) < 0)
			return true;
	}
	return false;
}

static void move(struct row *out, const struct row *rows, size_t n, size_t from, size_t to)
{
	memcpy(out, rows, n * sizeof(*out));
	if (from < to)
		memmove(out + from, out + from + 1, (to - from) * sizeof(*out));
	else
		memmove(out + to + 1, out + to, (from - to) * sizeof(*out));
	out[to] = rows[from];
}

TEST(mutations_are_noticed)
{
	const struct sequence *s = &sequence_create;
	struct row *rows = malloc(s->n * sizeof(*rows));
	size_t dropped = 0, swapped = 0, moved = 0, moves = 0;

	CHECK(rows != NULL);
	if (!rows)
		return;
	for (size_t i = 0; i < s->n; i++) {
		move(rows, s->rows, s->n, i, s->n - 1);
		dropped += noticed(s, rows, s->n - 1);
	}
	for (size_t i = 0; i + 1 < s->n; i++) {
		move(rows, s->rows, s->n, i, i + 1);
		swapped += noticed(s, rows, s->n);
	}
	for (size_t i = 0; i < s->n; i += 3)
		for (size_t k = 0; k < s->n; k += 2) {
			move(rows, s->rows, s->n, i, k);
			moves += i != k;
			moved += i != k && noticed(s, rows, s->n);
		}
	printf("noticed: dropped rows %zu of %zu, swapped neighbours %zu of %zu, moved rows %zu of "
	       "%zu\n",
	       dropped, s->n, swapped, s->n - 1, moved, moves);
	CHECK(dropped * 100 >= s->n * 50);
	CHECK(moved * 100 >= moves * 50);
	free(rows);
}

TEST(every_row_that_leaves_something_can_be_undone)
{
	size_t n = 0;

	for (size_t i = 0; i < sequence_create.n; i++) {
		if (!sequence_create.rows[i].undo)
			continue;
		n++;
		CHECK(undo_list_has(sequence_create.rows[i].name));
	}
	CHECK_INT(n, 4);
	for (size_t i = 0; i < sequence_exec.n; i++)
		CHECK(!sequence_exec.rows[i].undo);
}
