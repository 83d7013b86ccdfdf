/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a row fail: this is linked with the program in front of walk_sequence(), and gives it a
 * copy of the table in which the rows that USRUN_FAIL_AT names do nothing but fail. */
#include "src/run/walk.h"

#include <stdlib.h>
#include <string.h>

int __real_walk_sequence(const struct sequence *sequence, struct start *start, struct err *err);
int __wrap_walk_sequence(const struct sequence *sequence, struct start *start, struct err *err);

static int fail(struct start *start, struct err *err)
{
	(void)start;
	return err_set(err, EIO, "injected at %s", getenv("USRUN_FAIL_AT"));
}

int __wrap_walk_sequence(const struct sequence *sequence, struct start *start, struct err *err)
{
	const char *name = getenv("USRUN_FAIL_AT");
	struct row *rows = arena_array(start->arena, sequence->n, sizeof(*rows));
	int (*acts[ACT_COUNT])(struct start *, struct err *) = { [ACT_NONE] = fail };
	const struct sequence failing = { .rows = rows, .n = sequence->n, .acts = acts };

	memcpy(&acts[ACT_NONE + 1], &sequence->acts[ACT_NONE + 1], sizeof(acts) - sizeof(acts[0]));
	memcpy(rows, sequence->rows, sequence->n * sizeof(*rows));
	for (size_t i = 0; name && i < sequence->n; i++)
		if (rows[i].kind == ROW_ACT && strcmp(rows[i].name, name) == 0)
			rows[i].act = ACT_NONE;
	return __real_walk_sequence(&failing, start, err);
}
