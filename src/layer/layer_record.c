/* SPDX-License-Identifier: Apache-2.0 */
#include "src/layer/layer_record.h"

#include "src/base/io.h"
#include "src/base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "applied"

enum { MAX_SIZE = 1 << 28 };

static int compare(const void *a, const void *b)
{
	const struct layer_record *x = a, *y = b;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->changed > y->changed) - (x->changed < y->changed);
}

static void sort(struct layer_records *records)
{
	if (records->n)
		qsort(records->v, records->n, sizeof(*records->v), compare);
	records->n_sorted = records->n;
}

static void add(struct arena *arena, struct layer_records *records,
		const struct layer_record *record)
{
	records->v = arena_room(arena, records->v, records->n, &records->cap, sizeof(*records->v));
	records->v[records->n++] = *record;
}

static uint64_t ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

int layer_record_read(struct arena *arena, const struct layer *layer, struct layer_records *ret,
		      struct err *err)
{
	const char *next, *line;
	size_t len;
	char *text;
	int r;

	*ret = (struct layer_records){ 0 };
	if (faccessat(layer->fd, NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	r = io_read_file(layer->fd, NAME, MAX_SIZE, arena, &text, NULL, err);
	if (r < 0)
		return err_prefix(err, "the layer %s", layer->path);
	for (next = text; text_line(&next, &line, &len);) {
		struct layer_record record;

		if (text_field_number(line, len, ' ', 0, &record.part) &&
		    text_field_number(line, len, ' ', 1, &record.inode) &&
		    text_field_number(line, len, ' ', 2, &record.changed))
			add(arena, ret, &record);
	}
	sort(ret);
	return 0;
}

bool layer_record_has(const struct layer_records *records, const struct layer_part *part,
		      uint64_t inode, const struct timespec *changed)
{
	const struct layer_record wanted = { part->number.v, inode, ns(changed) };

	return records->n_sorted &&
	       bsearch(&wanted, records->v, records->n_sorted, sizeof(wanted), compare);
}

void layer_record_note(struct arena *arena, struct layer_records *records,
		       const struct layer_part *part, const struct stat *st)
{
	const struct layer_record record = { part->number.v, st->st_ino, ns(&st->st_ctim) };

	add(arena, records, &record);
}

int layer_record_write(const struct layer *layer, struct layer_records *records, struct err *err)
{
	_cleanup_str_ struct str text = { 0 };
	int r;

	if (records->n == records->n_sorted)
		return 0;
	sort(records);
	for (size_t i = 0; i < records->n; i++) {
		const struct layer_record *v = &records->v[i];
		bool later = i + 1 < records->n && v[1].part == v->part && v[1].inode == v->inode;

		if (!later)
			str_addf(&text, "%llu %llu %llu\n", (unsigned long long)v->part,
				 (unsigned long long)v->inode, (unsigned long long)v->changed);
	}
	r = io_replace_file(layer->fd, NAME, text.s, text.len, 0600, err);
	return r < 0 ? err_prefix(err, "the layer %s", layer->path) : 0;
}

int layer_record_drop(const struct layer *layer)
{
	return unlinkat(layer->fd, NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
}
