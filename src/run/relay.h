/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a relay between two terminals: what is read and not yet written, in a bounded
 * buffer. Pure: the caller reads, writes and polls, and reports each result as an event. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	RELAY_BUFFER = 16384,
	RELAY_RESERVE = 16, /* reserved for end-of-file characters and for keys held back */
};

enum relay_state {
	RELAY_OPEN,   /* both ends are open */
	RELAY_ENDED,  /* the source has ended; buffered data is still to be written */
	RELAY_CLOSED, /* nothing more will be written */
};

enum relay_event {
	RELAY_GOT,    /* n bytes were read into relay_space() */
	RELAY_PUT,    /* n bytes of relay_pending() were written */
	RELAY_END,    /* the source has ended */
	RELAY_BROKEN, /* the sink is closed */
};

struct relay { /* zeroed: open and empty */
	enum relay_state state;
	size_t from, len;
	bool mid_line; /* the last byte did not end a line */
	char buf[RELAY_BUFFER];
};

void relay_note(struct relay *relay, enum relay_event event, size_t n);

/* Whether to read from the source, and to write to the sink. */
bool relay_reads(const struct relay *relay);
bool relay_writes(const struct relay *relay);

/* Where to read to and how much, excluding the reserve; what to write and how much. */
size_t relay_space(struct relay *relay, char **ret);
size_t relay_pending(const struct relay *relay, const char **ret);

/* The source has ended, as a person's input does: queues the sink terminal's end-of-file character
 * `end`, twice after an unfinished line, because the first one only flushes that line. */
void relay_end_input(struct relay *relay, char end);
