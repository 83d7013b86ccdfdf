/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/relay.h"

#include "src/base/str.h"

#include <string.h>

/* Kept free: two end-of-file characters, and keys that were held back. */
enum { RESERVE = 2 + RELAY_MAX_KEYS };

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
	return relay->state == RELAY_OPEN && relay->len + RESERVE < RELAY_BUFFER;
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
	return relay_reads(relay) ? RELAY_BUFFER - RESERVE - relay->len : 0;
}

size_t relay_pending(const struct relay *relay, const char **ret)
{
	*ret = relay->buf + relay->from;
	return relay->len;
}

void relay_end_input(struct relay *relay, struct relay_keys *keys, char end)
{
	size_t n = keys->matched;

	if (relay->state != RELAY_OPEN)
		return;
	memcpy(end_of(relay), keys->keys, n);
	relay_note(relay, RELAY_GOT, n);
	keys->matched = 0;
	n = end == '\0' ? 0 : relay->mid_line ? 2 : 1;
	memset(end_of(relay), end, n);
	relay_note(relay, RELAY_GOT, n);
	relay_note(relay, RELAY_END, 0);
}

/* One key of the list; -1: none. */
static int parse_key(const char *text, size_t len)
{
	static const char control[] = "ctrl-";

	if (len == 1)
		return (unsigned char)text[0];
	if (len != sizeof(control) || !str_starts(text, control))
		return -1;
	if (text[len - 1] >= 'a' && text[len - 1] <= 'z')
		return text[len - 1] - 'a' + 1;
	return text[len - 1] >= '@' && text[len - 1] <= '_' ? text[len - 1] - '@' : -1;
}

int relay_parse_keys(const char *text, struct relay_keys *ret, struct err *err)
{
	struct relay_keys keys = { .n = 0 };
	const char *at = text;

	for (;;) {
		size_t len = strcspn(at, ",");
		int key = parse_key(at, len);

		if (key < 0 || keys.n == RELAY_MAX_KEYS) {
			(void)err_set(err, EINVAL,
				      "--detach-keys: expected up to %d keys such as "
				      "ctrl-p,ctrl-q, got \"%s\"",
				      RELAY_MAX_KEYS, text);
			return -EINVAL;
		}
		keys.keys[keys.n++] = (char)key;
		if (!at[len])
			break;
		at += len + 1;
	}
	*ret = keys;
	return 0;
}

/* The next key does not continue the sequence: gives back the shortest part of what was held that lets the rest
 * be a beginning of it again. */
static size_t give_back(struct relay_keys *keys)
{
	size_t n = 1;

	while (memcmp(keys->keys, keys->keys + n, keys->matched - n) != 0)
		n++;
	keys->matched -= n;
	return n;
}

static void scan_key(struct relay *relay, struct relay_keys *keys, char key)
{
	while (keys->matched && key != keys->keys[keys->matched]) {
		size_t n = give_back(keys);

		memcpy(end_of(relay), keys->keys, n);
		relay_note(relay, RELAY_GOT, n);
	}
	if (key == keys->keys[keys->matched]) {
		keys->matched++;
		return;
	}
	*end_of(relay) = key;
	relay_note(relay, RELAY_GOT, 1);
}

bool relay_scan(struct relay *relay, struct relay_keys *keys, size_t n)
{
	char input[RELAY_BUFFER];

	if (!keys->n) {
		relay_note(relay, RELAY_GOT, n);
		return false;
	}
	memcpy(input, end_of(relay), n);
	for (size_t i = 0; i < n; i++) {
		scan_key(relay, keys, input[i]);
		if (keys->matched == keys->n)
			return true;
	}
	return false;
}
