/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_write.h"
#include "src/layer/layer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Length of the UTF-8 character at s that a terminal shows as it is; 0: there is none. Characters
 * that turn the direction of text, or have no width, make a name look like another one. */
static size_t shown(const unsigned char *s)
{
	uint32_t c;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f && s[0] != '\\';
	if (s[0] >= 0xc2 && s[0] < 0xe0 && (s[1] & 0xc0) == 0x80)
		return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : 2;
	if (s[0] >= 0xe0 && s[0] < 0xf0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
		c = ((s[0] & 0xfu) << 12) | ((s[1] & 0x3fu) << 6) | (s[2] & 0x3fu);
		return c < 0x800 || (c >= 0xd800 && c < 0xe000) || (c >= 0x200b && c <= 0x200f) ||
				       (c >= 0x2028 && c <= 0x202e) ||
				       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
				       (c >= 0xfff9 && c <= 0xfffb)
			       ? 0
			       : 3;
	}
	if (s[0] >= 0xf0 && s[0] < 0xf4 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 &&
	    (s[3] & 0xc0) == 0x80)
		return s[0] == 0xf0 && s[1] < 0x90 ? 0 : 4;
	return 0;
}

void layer_text_name(struct str *out, const char *path)
{
	const unsigned char *s = (const unsigned char *)path;

	while (*s) {
		size_t n = shown(s);

		if (n)
			str_addn(out, (const char *)s, n);
		else
			str_addf(out, "\\%03o", *s);
		s += n ? n : 1;
	}
}

const char *layer_text_path(struct arena *arena, const struct layer_change *change)
{
	if (!*change->name)
		return change->part->lower;
	return arena_strf(arena, "%s/%s", change->part->lower[1] ? change->part->lower : "",
			  change->name);
}

static const char *type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

static void add_what(struct str *out, const struct layer_change *c)
{
	const struct layer_side *now = &c->now, *was = &c->was;

	switch (c->what) {
	case LAYER_ADDED:
		if (S_ISREG(now->mode))
			str_addf(out, " %llu", (unsigned long long)now->size);
		else if (!S_ISDIR(now->mode))
			str_addf(out, " (%s)", type_of(now->mode));
		break;
	case LAYER_MODIFIED:
		if (S_ISREG(now->mode))
			str_addf(out, " %llu -> %llu", (unsigned long long)was->size,
				 (unsigned long long)now->size);
		else
			str_addf(out, " (%s)", type_of(now->mode));
		break;
	case LAYER_RETYPED:
		str_addf(out, " %s -> %s", type_of(was->mode), type_of(now->mode));
		break;
	case LAYER_TOUCHED:
		if (now->mode != was->mode)
			str_addf(out, " %o -> %o", was->mode & 07777, now->mode & 07777);
		break;
	case LAYER_DELETED:
		break;
	}
}

static void add_change(struct str *out, const struct layer_change *c)
{
	const struct layer_side *side = c->what == LAYER_DELETED ? &c->was : &c->now;

	str_addf(out, "%c ", c->what);
	layer_text_name(out, c->part->lower[1] ? c->part->lower : "");
	if (*c->name || !c->part->lower[1]) {
		str_add(out, "/");
		layer_text_name(out, c->name);
	}
	if (S_ISDIR(side->mode) && *c->name)
		str_add(out, "/");
	add_what(out, c);
	str_add(out, "\n");
}

static size_t count(const struct layer_changes *changes, enum layer_what what)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		n += changes->v[i].what == what;
	return n;
}

static const struct {
	enum layer_what what;
	const char *word;
} words[] = {
	{ LAYER_ADDED, "added" },          { LAYER_MODIFIED, "modified" },
	{ LAYER_DELETED, "deleted" },      { LAYER_RETYPED, "of another type" },
	{ LAYER_TOUCHED, "mode or time" },
};

void layer_text(struct str *out, const struct layer_changes *changes)
{
	bool some = false;

	for (size_t i = 0; i < changes->n; i++)
		add_change(out, &changes->v[i]);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = count(changes, words[i].what);

		if (n)
			str_addf(out, "%s%zu %s", some ? ", " : "", n, words[i].word);
		some |= n > 0;
	}
	str_add(out, some ? "\n" : "nothing has changed\n");
}

static void write_side(struct json_write *w, const char *key, const struct layer_side *side)
{
	char mode[8];

	(void)snprintf(mode, sizeof(mode), "%04o", side->mode & 07777);
	json_write_object(w, key);
	json_write_string(w, "type", type_of(side->mode));
	json_write_string(w, "mode", mode);
	json_write_uint(w, "size", side->size);
	json_write_end(w);
}

void layer_text_json(struct json_write *w, const struct layer_changes *changes)
{
	static const char *const names[] = { "added", "modified", "deleted", "retyped", "touched" };
	struct arena arena = { 0 };

	json_write_object(w, NULL);
	json_write_array(w, "changes");
	for (size_t i = 0; i < changes->n; i++) {
		const struct layer_change *c = &changes->v[i];

		json_write_object(w, NULL);
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (words[k].what == c->what)
				json_write_string(w, "change", names[k]);
		json_write_message(w, "path", layer_text_path(&arena, c));
		if (c->what != LAYER_DELETED)
			write_side(w, "now", &c->now);
		if (c->what != LAYER_ADDED)
			write_side(w, "was", &c->was);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
	arena_free(&arena);
}
