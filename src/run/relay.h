/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a relay between two terminals: what is read and not yet written, in a bounded
 * buffer. Pure: the caller reads, writes and polls, and reports each result as an event. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	RELAY_BUFFER = 16384,
	RELAY_RESERVE = 16, /* kept free: for end-of-file characters, and keys that were held */
};

enum relay_state {
	RELAY_OPEN,   /* both ends are there */
	RELAY_ENDED,  /* the source has ended; what it gave is still to be written */
	RELAY_CLOSED, /* nothing more will be written */
};

enum relay_event {
	RELAY_GOT,    /* n bytes were read into relay_space() */
	RELAY_PUT,    /* n bytes of relay_pending() were written */
	RELAY_END,    /* the source gives no more */
	RELAY_BROKEN, /* the sink takes no more */
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

/* Where to read to, and how much, before the reserve; what to write, and how much. */
size_t relay_space(struct relay *relay, char **ret);
size_t relay_pending(const struct relay *relay, const char **ret);

/* The source ended as a person's input does: with the character `end` of the terminal that is the
 * sink, twice behind an unfinished line, for the first one only hands that over. */
void relay_end_input(struct relay *relay, char end);
