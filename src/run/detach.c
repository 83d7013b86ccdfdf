/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/detach.h"

#include <string.h>

/* Parses one key; -1: not a key. */
static int key_of(const char *word, size_t len)
{
	if (len == 1)
		return (unsigned char)*word;
	if (len != 6 || strncmp(word, "ctrl-", 5) != 0)
		return -1;
	if (word[5] >= 'a' && word[5] <= 'z')
		return word[5] - 'a' + 1;
	return word[5] >= '@' && word[5] <= '_' ? word[5] - '@' : -1;
}

int detach_parse(const char *words, struct detach *ret, struct err *err)
{
	struct detach detach = { .n = 0 };
	const char *word = words;

	for (;;) {
		size_t len = strcspn(word, ",");
		int key = key_of(word, len);

		if (key < 0 || detach.n == DETACH_MAX)
			return err_set(err, EINVAL,
				       "expected up to %d keys such as ctrl-p,ctrl-q, got \"%s\"",
				       DETACH_MAX, words);
		detach.keys[detach.n++] = (char)key;
		if (!word[len])
			break;
		word += len + 1;
	}
	*ret = detach;
	return 0;
}

size_t detach_resume(struct detach *detach, char *text)
{
	size_t n = detach->held;

	memcpy(text, detach->keys, n);
	detach->held = 0;
	return n;
}

size_t detach_scan(struct detach *detach, const char *text, size_t len, bool *ret_left)
{
	size_t n = detach->n;

	*ret_left = false;
	for (size_t at = 0; n && at < len; at++) {
		size_t rest = len - at < n ? len - at : n;

		if (memcmp(text + at, detach->keys, rest) != 0)
			continue;
		detach->held = rest < n ? rest : 0;
		*ret_left = rest == n;
		return at;
	}
	return len;
}
