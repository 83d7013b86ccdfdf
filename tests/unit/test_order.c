/* SPDX-License-Identifier: Apache-2.0 */
/* The order of all sequences, for every set of flags that the planner can produce; and whether the
 * checker would notice: rows are dropped, swapped and moved, and most changes must be found. */
#include "src/run/walk.h"
#include "src/state/undo_list.h"
#include "tests/lib/check.h"
#include "tests/lib/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What `exec` can be: a plan without namespaces, hooks or mounts of its own. */
enum {
	EXEC_FLAGS = PLAN_USERNS_JOIN | PLAN_NS_JOIN | PLAN_STAGER | PLAN_CGROUP | PLAN_TERMINAL |
		     PLAN_CONSOLE_SOCKET | PLAN_SECCOMP | PLAN_SECCOMP_EARLY | PLAN_SECCOMP_NOTIFY |
		     PLAN_CGROUP_UNIT,
};

static bool possible(const struct sequence *sequence, uint32_t flags)
{
	if (sequence == &sequence_exec && (flags & ~(uint32_t)EXEC_FLAGS))
		return false;
	if (sequence == &sequence_restore && (flags & PLAN_WAIT_START))
		return false;
	return order_has_flags(flags);
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
		if (order_check(rows, n, flags, err) < 0)
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

TEST(restore_is_in_order)
{
	check_sequence("restore", &sequence_restore);
}

/* A stager that need not wait for its score would clone an init without it, once in three
 * starts. */
TEST(what_a_clone_inherits_comes_before_it)
{
	const struct sequence *sequence = &sequence_create;
	struct row *rows = calloc(sequence->n, sizeof(*rows));
	uint32_t flags = PLAN_STAGER | PLAN_NS_JOIN;
	struct err err;
	size_t n = 0;

	CHECK(order_has_flags(flags));
	for (size_t i = 0; i < sequence->n; i++)
		if (strcmp(sequence->rows[i].name, "prepared") != 0)
			rows[n++] = sequence->rows[i];
	CHECK_INT(n, sequence->n - 1);
	CHECK_INT(order_check(rows, n, flags, &err), -EINVAL);
	CHECK(strstr(err.text, "would not inherit") != NULL);
	free(rows);
}

static size_t find_row(const struct row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return i;
	CHECK(!"a row of that name");
	return 0;
}

/* The neighbours of who is born among them may trace it: its rights must be theirs by then. */
static void check_rights_first(const struct sequence *sequence, uint32_t flags)
{
	struct row *rows = calloc(sequence->n, sizeof(*rows)), drop;
	size_t from = find_row(sequence->rows, sequence->n, "privs-drop");
	size_t to = find_row(sequence->rows, sequence->n, "session-lead");
	struct err err;

	CHECK(order_has_flags(flags));
	memcpy(rows, sequence->rows, sequence->n * sizeof(*rows));
	drop = rows[from];
	drop.who = ACTOR_INIT;
	memmove(&rows[from], &rows[from + 1], (to - from) * sizeof(*rows));
	rows[to] = drop;
	for (size_t i = 0; i < sequence->n; i++) /* what the row of the clone says itself */
		if (rows[i].kind == ROW_SPAWN)
			rows[i].needs &= ~M_PRIVS_DROPPED;
	CHECK_INT(order_check(rows, sequence->n, flags, &err), -EINVAL);
	CHECK(strstr(err.text, "rights") != NULL);
	free(rows);
}

TEST(who_is_born_among_others_has_no_rights_of_ours)
{
	check_rights_first(&sequence_create, PLAN_STAGER | PLAN_NS_JOIN | PLAN_PIDNS_JOIN);
	check_rights_first(&sequence_exec, PLAN_STAGER | PLAN_NS_JOIN);
}

/* Every n-th consistent combination; all of them with USRUN_MUTATE=full in the environment,
 * which also names the mutants that nobody notices. */
struct mutation_run {
	const struct sequence *sequence;
	struct row *rows;
	uint32_t *flags;
	size_t n_flags;
	bool full;
};

static void mutation_run_init(struct mutation_run *m, const struct sequence *sequence)
{
	const char *wanted = getenv("USRUN_MUTATE");
	size_t stride, n = 0;

	*m = (struct mutation_run){ .sequence = sequence };
	m->full = wanted && strcmp(wanted, "full") == 0;
	stride = m->full || sequence == &sequence_exec ? 1 : 1009;
	m->rows = malloc(sequence->n * sizeof(*m->rows));
	m->flags = malloc(((1u << PLAN_FLAG_BITS) / stride + 1) * sizeof(*m->flags));
	if (!m->rows || !m->flags)
		abort();
	/* An odd factor visits all, near ones far apart: so that an early one notices. */
	for (uint32_t i = 0; i < 1u << PLAN_FLAG_BITS; i++) {
		uint32_t flags = (i * 2654435761u) & ((1u << PLAN_FLAG_BITS) - 1);

		if (possible(sequence, flags) && n++ % stride == 0)
			m->flags[m->n_flags++] = flags;
	}
}

static void mutation_run_done(struct mutation_run *m)
{
	free(m->rows);
	free(m->flags);
}

static bool noticed(const struct mutation_run *m, size_t n)
{
	struct err err;

	for (size_t i = 0; i < m->n_flags; i++)
		if (order_check(m->rows, n, m->flags[i], &err) < 0)
			return true;
	return false;
}

struct score {
	size_t n, killed;
};

static void judge(struct mutation_run *m, size_t n, struct score *score, const char *what,
		  const char *first, const char *second)
{
	bool killed = noticed(m, n);

	score->n++;
	score->killed += killed;
	if (m->full && !killed)
		printf("not noticed: %s %s %s\n", what, first, second);
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

static struct score drop_rows(struct mutation_run *m)
{
	const struct sequence *s = m->sequence;
	struct score score = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		move(m->rows, s->rows, s->n, i, s->n - 1);
		judge(m, s->n - 1, &score, "dropped", s->rows[i].name, "");
	}
	return score;
}

/* Each row to each place, or what is looked at would be a matter of how many there are. */
static struct score move_rows(struct mutation_run *m)
{
	const struct sequence *s = m->sequence;
	struct score score = { 0 };

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->n; k++) {
			if (i == k)
				continue;
			move(m->rows, s->rows, s->n, i, k);
			judge(m, s->n, &score, "moved", s->rows[i].name, s->rows[k].name);
		}
	return score;
}

static struct score swap_neighbours(struct mutation_run *m)
{
	const struct sequence *s = m->sequence;
	struct score score = { 0 };

	for (size_t i = 0; i + 1 < s->n; i++) {
		move(m->rows, s->rows, s->n, i, i + 1);
		judge(m, s->n, &score, "swapped", s->rows[i].name, s->rows[i + 1].name);
	}
	return score;
}

/* What a row achieves is what others rely on. */
static struct score clear_gives(struct mutation_run *m)
{
	const struct sequence *s = m->sequence;
	struct score score = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		if (!s->rows[i].gives)
			continue;
		memcpy(m->rows, s->rows, s->n * sizeof(*m->rows));
		m->rows[i].gives = 0;
		judge(m, s->n, &score, "gives nothing:", s->rows[i].name, "");
	}
	return score;
}

static void check_score(const char *name, const char *kind, struct score score, size_t floor)
{
	printf("%s: %s: %zu of %zu noticed\n", name, kind, score.killed, score.n);
	CHECK(score.n > 0);
	CHECK(score.killed * 100 >= score.n * floor);
}

static void mutate(const char *name, const struct sequence *sequence)
{
	struct mutation_run m;
	struct timespec a, b;

	mutation_run_init(&m, sequence);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	check_score(name, "dropped rows", drop_rows(&m), 75);
	check_score(name, "swapped neighbours", swap_neighbours(&m), 50);
	check_score(name, "moved rows", move_rows(&m), 92);
	check_score(name, "cleared gives", clear_gives(&m), 100);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%s: %zu combinations, %.0f ms\n", name, m.n_flags,
	       (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	mutation_run_done(&m);
}

TEST(mutations_of_create_are_noticed)
{
	mutate("create", &sequence_create);
}

TEST(mutations_of_exec_are_noticed)
{
	mutate("exec", &sequence_exec);
}

TEST(mutations_of_restore_are_noticed)
{
	mutate("restore", &sequence_restore);
}

static bool can_undo(const char *name)
{
	const struct undo_list_entry *e = undo_list_entries;

	while (e->name && strcmp(e->name, name) != 0)
		e++;
	return e->name;
}

TEST(every_row_that_leaves_something_can_be_undone)
{
	size_t n = 0;

	for (size_t i = 0; i < sequence_create.n; i++) {
		if (!sequence_create.rows[i].undo)
			continue;
		n++;
		CHECK(can_undo(sequence_create.rows[i].name));
	}
	CHECK_INT(n, 10);
	for (size_t i = 0; i < sequence_restore.n; i++)
		CHECK(!sequence_restore.rows[i].undo || can_undo(sequence_restore.rows[i].name));
	for (size_t i = 0; i < sequence_exec.n; i++)
		CHECK(!sequence_exec.rows[i].undo);
}

/* Undone from the last to the first: the state must go last. */
TEST(the_state_is_undone_last_and_nothing_twice)
{
	static const uint32_t flags[] = { 0, PLAN_CGROUP, PLAN_CGROUP | PLAN_CGROUP_LATE,
					  PLAN_CGROUP | PLAN_CGROUP_UNIT };
	struct arena arena = { 0 };

	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
		const char *const *names;
		bool group = false;
		size_t n;

		walk_undo_names(&sequence_create, flags[f], &arena, &names, &n);
		CHECK_STR(names[0], "state-reserve");
		for (size_t i = 0; i < n; i++) {
			group |= strncmp(names[i], "cgroup-", 7) == 0;
			for (size_t k = 0; k < i; k++)
				CHECK(strcmp(names[i], names[k]) != 0);
		}
		CHECK_INT(group, (flags[f] & PLAN_CGROUP) != 0);
	}
	arena_free(&arena);
}
