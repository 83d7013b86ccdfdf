/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/base/json_write.h"
#include "src/layer/layer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Control characters, and those that change the text's direction or have no width, and so make one
 * name look like another. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0, 0x1f },        { '\\', '\\' },       { 0x7f, 0x9f },       { 0xad, 0xad },
	{ 0x34f, 0x34f },   { 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f }, { 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* Length of the UTF-8 character at s if a terminal shows it as it is, otherwise 0. */
static size_t shown(const char *s)
{
	unsigned char lead = (unsigned char)*s;
	size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? lead : lead & (0x7fU >> n);

	if (strnlen(s, n) < n || json_text_find_bad_utf8(s, n) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return 0;
	return n;
}

void layer_text_name(struct str *out, const char *path)
{
	while (*path) {
		size_t n = shown(path);

		if (n)
			str_addn(out, path, n);
		else
			str_addf(out, "\\%03o", (unsigned char)*path);
		path += n ? n : 1;
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
	static const char names[][12] = { "added", "modified", "deleted", "retyped", "touched" };
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
