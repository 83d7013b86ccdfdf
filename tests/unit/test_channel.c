/* SPDX-License-Identifier: Apache-2.0 */
/* What one process of a start hears of the others. */
#include "src/run/channel.h"

#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;
static struct err err;

static struct channels *open_channels(struct run *run)
{
	static const struct plan plan;
	struct channels *channels = NULL;

	err = (struct err){ 0 };
	run_init(run, &plan, &arena);
	CHECK_INT(channel_open(&arena, &channels, &err), 0);
	return channels;
}

static void fail_as_init(struct channels *channels)
{
	struct err why = { 0 };

	(void)err_set(&why, EIO, "what went wrong");
	channel_fail(channels, ACTOR_INIT, &why);
	channel_keep_own(channels, ACTOR_PARENT); /* the init process is gone */
}

TEST(a_failure_is_heard)
{
	struct run run;
	struct channels *channels = open_channels(&run);
	int fd = -1;

	fail_as_init(channels);
	CHECK_INT(channel_await(channels, &run, ACTOR_INIT, 3, &fd, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	channel_close(channels);
}

/* It had not read our word when it failed. */
TEST(a_failure_is_heard_over_a_reset)
{
	struct run run;
	struct channels *channels = open_channels(&run);
	int fd = -1;

	CHECK_INT(channel_tell(channels, &run, ACTOR_INIT, 2, -1, &err), 0);
	fail_as_init(channels);
	CHECK_INT(channel_await(channels, &run, ACTOR_INIT, 3, &fd, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	channel_close(channels);
	/* The same, noticed when the next word is sent. */
	channels = open_channels(&run);
	CHECK_INT(channel_tell(channels, &run, ACTOR_INIT, 2, -1, &err), 0);
	fail_as_init(channels);
	CHECK_INT(channel_tell(channels, &run, ACTOR_INIT, 4, -1, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	channel_close(channels);
}

TEST(a_death_is_told_from_a_failure)
{
	struct run run;
	struct channels *channels = open_channels(&run);
	int fd = -1;

	CHECK_INT(channel_tell(channels, &run, ACTOR_INIT, 2, -1, &err), 0);
	channel_keep_own(channels, ACTOR_PARENT);
	CHECK_INT(channel_await(channels, &run, ACTOR_INIT, 3, &fd, &err), -ECHILD);
	CHECK(strstr(err.text, "ended without a word") != NULL);
	channel_close(channels);
}
