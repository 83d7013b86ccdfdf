/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/relay.h"

#include <string.h>

void relay_note(struct relay *relay, enum relay_event event, size_t n)
{
	if (relay->state == RELAY_CLOSED)
		return;
	switch (event) {
	case RELAY_GOT:
		relay->len += n;
		if (n)
			relay->mid_line = relay->buf[relay->from + relay->len - 1] != '\n';
		break;
	case RELAY_PUT:
		relay->from += n;
		relay->len -= n;
		break;
	case RELAY_END:
		relay->state = RELAY_ENDED;
		break;
	case RELAY_BROKEN:
		relay->state = RELAY_CLOSED;
		relay->len = 0;
		break;
	}
	if (!relay->len)
		relay->from = 0;
	if (relay->state == RELAY_ENDED && !relay->len)
		relay->state = RELAY_CLOSED;
}

bool relay_reads(const struct relay *relay)
{
	return relay->state == RELAY_OPEN && relay->len + RELAY_RESERVE < RELAY_BUFFER;
}

bool relay_writes(const struct relay *relay)
{
	return relay->len > 0;
}

static char *end_of(struct relay *relay)
{
	if (relay->from) {
		memmove(relay->buf, relay->buf + relay->from, relay->len);
		relay->from = 0;
	}
	return relay->buf + relay->len;
}

size_t relay_space(struct relay *relay, char **ret)
{
	*ret = end_of(relay);
	return relay_reads(relay) ? RELAY_BUFFER - RELAY_RESERVE - relay->len : 0;
}

size_t relay_pending(const struct relay *relay, const char **ret)
{
	*ret = relay->buf + relay->from;
	return relay->len;
}

void relay_end_input(struct relay *relay, char end)
{
	size_t n = relay->mid_line ? 2 : 1;

	if (relay->state != RELAY_OPEN)
		return;
	memset(end_of(relay), end, n);
	relay_note(relay, RELAY_GOT, n);
	relay_note(relay, RELAY_END, 0);
}
