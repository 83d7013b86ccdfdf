/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a relay: every event in every state; the keys that leave it, and queries of a terminal. */
#include "src/run/detach.h"
#include "src/run/query.h"
#include "src/run/relay.h"
#include "tests/lib/check.h"

#include <string.h>

static void give(struct relay *relay, const char *text)
{
	char *space;

	CHECK(relay_space(relay, &space) >= strlen(text));
	memcpy(space, text, strlen(text));
	relay_note(relay, RELAY_GOT, strlen(text));
}

/* What is to be written, and takes it. */
static void check_pending(struct relay *relay, const char *wanted)
{
	char text[64] = "";
	const char *at;
	size_t n = relay_pending(relay, &at);

	CHECK(n < sizeof(text));
	memcpy(text, at, n < sizeof(text) ? n : 0);
	CHECK_STR(text, wanted);
	relay_note(relay, RELAY_PUT, n);
}

TEST(every_event_in_every_state)
{
	static const struct {
		enum relay_state state;
		size_t len;
		enum relay_event event;
		size_t n;
		enum relay_state then;
		size_t then_len;
		bool reads, writes;
	} rows[] = {
		{ RELAY_OPEN, 0, RELAY_GOT, 3, RELAY_OPEN, 3, true, true },
		{ RELAY_OPEN, 3, RELAY_GOT, 2, RELAY_OPEN, 5, true, true },
		{ RELAY_OPEN, 3, RELAY_PUT, 2, RELAY_OPEN, 1, true, true },
		{ RELAY_OPEN, 3, RELAY_PUT, 0, RELAY_OPEN, 3, true, true },
		{ RELAY_OPEN, 3, RELAY_PUT, 3, RELAY_OPEN, 0, true, false },
		{ RELAY_OPEN, 0, RELAY_END, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_OPEN, 3, RELAY_END, 0, RELAY_ENDED, 3, false, true },
		{ RELAY_OPEN, 0, RELAY_BROKEN, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_OPEN, 3, RELAY_BROKEN, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_OPEN, RELAY_BUFFER - RELAY_RESERVE, RELAY_GOT, 0, RELAY_OPEN,
		  RELAY_BUFFER - RELAY_RESERVE, false, true },
		{ RELAY_ENDED, 3, RELAY_PUT, 2, RELAY_ENDED, 1, false, true },
		{ RELAY_ENDED, 3, RELAY_PUT, 3, RELAY_CLOSED, 0, false, false },
		{ RELAY_ENDED, 3, RELAY_END, 0, RELAY_ENDED, 3, false, true },
		{ RELAY_ENDED, 3, RELAY_BROKEN, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_CLOSED, 0, RELAY_GOT, 3, RELAY_CLOSED, 0, false, false },
		{ RELAY_CLOSED, 0, RELAY_PUT, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_CLOSED, 0, RELAY_END, 0, RELAY_CLOSED, 0, false, false },
		{ RELAY_CLOSED, 0, RELAY_BROKEN, 0, RELAY_CLOSED, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay relay = { .state = rows[i].state, .len = rows[i].len };

		relay_note(&relay, rows[i].event, rows[i].n);
		CHECK_INT(relay.state, rows[i].then);
		CHECK_INT(relay.len, rows[i].then_len);
		CHECK_INT(relay_reads(&relay), rows[i].reads);
		CHECK_INT(relay_writes(&relay), rows[i].writes);
	}
}

TEST(bytes_come_out_as_they_went_in)
{
	static struct relay relay;
	unsigned char next_in = 0, next_out = 0;
	size_t wrong = 0;

	for (size_t round = 0; round < 5000; round++) {
		const char *text;
		char *space;
		size_t n = relay_space(&relay, &space);

		n = n < round % 700 ? n : round % 700;
		for (size_t i = 0; i < n; i++)
			space[i] = (char)next_in++;
		relay_note(&relay, RELAY_GOT, n);
		n = relay_pending(&relay, &text);
		n = n < round % 600 ? n : round % 600;
		for (size_t i = 0; i < n; i++)
			wrong += (unsigned char)text[i] != next_out++;
		relay_note(&relay, RELAY_PUT, n);
		wrong += relay.len + relay.from > RELAY_BUFFER;
	}
	CHECK_INT(wrong, 0);
	CHECK(next_out != 0 || next_in != 0);
}

TEST(an_unfinished_line_takes_two_ends)
{
	static const struct {
		const char *text, *wanted;
		char end;
	} rows[] = {
		{ "", "\4", 4 },
		{ "hello\n", "hello\n\4", 4 },
		{ "hello", "hello\4\4", 4 },
		{ "hello", "hello\5\5", 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay relay = { .state = RELAY_OPEN };

		give(&relay, rows[i].text);
		relay_end_input(&relay, rows[i].end);
		CHECK(!relay_reads(&relay));
		check_pending(&relay, rows[i].wanted);
		CHECK_INT(relay.state, RELAY_CLOSED);
	}
}

TEST(what_was_written_before_counts_for_the_line)
{
	struct relay relay = { .state = RELAY_OPEN };

	give(&relay, "hello");
	check_pending(&relay, "hello");
	relay_end_input(&relay, 4);
	check_pending(&relay, "\4\4");
}

TEST(keys_that_leave)
{
	static const struct {
		const char *words, *keys; /* keys NULL: refused */
	} rows[] = {
		{ "ctrl-p,ctrl-q", "\20\21" },
		{ "q", "q" },
		{ "ctrl-a,d", "\1d" },
		{ "ctrl-]", "\35" },
		{ "ctrl-_", "\37" },
		{ "", NULL },
		{ "ctrl-", NULL },
		{ "ctrl-1", NULL },
		{ "ctrl-ab", NULL },
		{ "a,,b", NULL },
		{ "a,", NULL },
		{ "ab", NULL },
		{ "a,b,c,d,e,f,g,h", "abcdefgh" },
		{ "a,b,c,d,e,f,g,h,i", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct detach detach = { .n = 0 };
		struct err err = { 0 };
		int r = detach_parse(rows[i].words, &detach, &err);

		CHECK_INT(r < 0, !rows[i].keys);
		if (!rows[i].keys)
			continue;
		CHECK_INT(detach.n, strlen(rows[i].keys));
		CHECK(memcmp(detach.keys, rows[i].keys, detach.n) == 0);
	}
}

/* Typed in pieces: what is passed on is the same as if it had come at once. */
TEST(keys_in_pieces)
{
	static const struct {
		const char *typed, *passed;
		bool left;
	} rows[] = {
		{ "abc", "abc", false }, { "xxq", "", true },       { "axxqb", "a", true },
		{ "xq", "xq", false },   { "xxxq", "x", true },     { "ax", "a", false },
		{ "axx", "a", false },   { "axxb", "axxb", false }, { "xaxxq", "xa", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= 3; piece++) {
			struct detach detach = { .keys = "xxq", .n = 3 };
			size_t len = strlen(rows[i].typed), n = 0;
			char passed[16] = "", text[16];
			bool left = false;

			for (size_t at = 0; at < len && !left; at += piece) {
				size_t take = len - at < piece ? len - at : piece;
				size_t held = detach_resume(&detach, text), got;

				memcpy(text + held, rows[i].typed + at, take);
				got = detach_scan(&detach, text, held + take, &left);
				memcpy(passed + n, text, got);
				n += got;
			}
			passed[n] = '\0';
			CHECK_STR(passed, rows[i].passed);
			CHECK_INT(left, rows[i].left);
		}
}

/* Written in pieces: what is shown is the same as if it had come at once. */
TEST(queries_in_pieces)
{
	static const struct {
		const char *written, *shown;
	} rows[] = {
		{ "word", "word" },
		{ "a\33[6nb", "ab" }, /* the cursor */
		{ "\33[?6n\33[5n", "" },
		{ "\33[>4n", "\33[>4n" },
		{ "\33[c\33[0c\33[>c\33[=cx\33Z", "x" }, /* what it is */
		{ "\33[?0c", "\33[?0c" },
		{ "\33[1;31mred\33[m\33[2J\33[?25h", "\33[1;31mred\33[m\33[2J\33[?25h" },
		{ "\33[?2026$p\33[20$p\33[!p", "\33[!p" },
		{ "\33[18t\33[8;24;80t\33[22;0t", "\33[8;24;80t\33[22;0t" },
		{ "\33[014t\33[4294967310t", "\33[4294967310t" }, /* 14 too, in 32 bits */
		{ "\33[>q\33[2 q\33[?u\33[<u\33[u\33[?4m", "\33[2 q\33[<u\33[u" },
		{ "\33]11;?\7\33]4;1;?\33\\\33]0;title\7\33]0;why?\7",
		  "\33]0;title\7\33]0;why?\7" },
		{ "\33P$qm\33\\\33P+q544e\33\\\33P1$r\33\\", "\33P1$r\33\\" },
		{ "\5x\33\33[6ny", "x\33y" },
		{ "\33[\33[6n", "\33[" },
		{ "\33[6\nn", "\33[6\nn" },
		{ "\33]\7\33]?\7\33P\33\\", "\33]\7\33]?\7\33P\33\\" },
		{ "end\33[6", "end\33[6" }, /* with the last read */
		{ "\303\244\33[6n\303\244", "\303\244\303\244" },
		{ "\33[0000000000000000000001m", "\33[0000000000000000000001m" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= 64; piece++) {
			struct query query = { .n = 0 };
			size_t len = strlen(rows[i].written), n = 0;
			char shown[64] = "", text[64 + QUERY_HELD];

			for (size_t at = 0; at < len; at += piece) {
				size_t take = len - at < piece ? len - at : piece;
				size_t held = query_resume(&query, text), got;

				memcpy(text + held, rows[i].written + at, take);
				got = query_drop(&query, text, held + take);
				memcpy(shown + n, text, got);
				n += got;
			}
			n += query_resume(&query, shown + n);
			shown[n] = '\0';
			CHECK_STR(shown, rows[i].shown);
		}
}
