/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/last_steps.h"

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/state/last_failure.h"

enum { SHOWN = 8 };

static const struct row *find_row(const struct sequence *sequence, const char *name, uint32_t flags)
{
	for (size_t i = 0; i < sequence->n; i++)
		if (str_equal(sequence->rows[i].name, name) &&
		    sequence_row_active(&sequence->rows[i], flags))
			return &sequence->rows[i];
	return NULL;
}

/* Adds the earlier rows of the same process, which runs them in order; how far the others got is
 * unknown. */
static void add_earlier(const struct sequence *sequence, const struct row *failed, uint32_t flags,
			struct str *out)
{
	enum actor who = sequence_actor(failed->who, flags);
	const char *names[SHOWN];
	size_t n = 0;

	for (const struct row *row = sequence->rows; row < failed; row++)
		if (row->kind == ROW_ACT && sequence_row_active(row, flags) &&
		    sequence_actor(row->who, flags) == who)
			names[n++ % SHOWN] = row->name;
	str_add(out, n ? "before it  " : "");
	for (size_t i = n > SHOWN ? n - SHOWN : 0; i < n; i++)
		str_addf(out, " %s", names[i % SHOWN]);
	str_add(out, n ? "\n" : "");
}

static void describe(const struct sequence *sequence, const struct start *start,
		     const struct err *error, struct str *out)
{
	uint32_t flags = start->plan->flags;
	const struct row *failed = find_row(sequence, error->step, flags);
	char now[CLOCK_STAMP_SIZE];

	clock_stamp(now);
	str_addf(out,
		 "container   %s, whose start failed at %s\nbundle      %s\nerror       %s%s%s\n",
		 start->plan->options->id, now, start->plan->options->bundle, error->path,
		 error->path[0] ? ": " : "", error->text);
	if (error->hint[0])
		str_addf(out, "hint        %s\n", error->hint);
	if (failed) {
		str_addf(out, "step        %s, by %s\n", failed->name,
			 sequence_actor_name(sequence_actor(failed->who, flags)));
		add_earlier(sequence, failed, flags, out);
	}
	str_add(out, start->n_notes ? "departures from the config\n" : "");
	for (size_t i = 0; i < start->n_notes; i++)
		str_addf(out, "  %s\n", start->notes[i]);
}

void last_steps_keep(const struct sequence *sequence, const struct start *start,
		     const struct err *error)
{
	_cleanup_str_ struct str out = { 0 };
	struct err ignored;

	if (!start->reserved) /* an exec, or nothing had been reserved */
		return;
	describe(sequence, start, error, &out);
	if (last_failure_keep(start->store, start->plan->options->id, out.s, &ignored) < 0)
		log_debug("%s", ignored.text);
}
