/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/idmap.h"

#include "src/base/json_text.h"
#include "src/base/parse.h"
#include "src/base/str.h"

#include <stdio.h>
#include <string.h>

/* The last valid id is 2^32-2: (uid_t)-1 means "no id", and the kernel refuses a range that
 * contains it. */
static const uint64_t ids_end = UINT32_MAX;

static int64_t translate(uint32_t id, uint32_t from, uint32_t to, uint32_t count)
{
	if (id < from || id - from >= count)
		return -1;
	return (int64_t)to + (id - from);
}

int64_t idmap_to_host(const struct idmap *map, uint32_t inside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->v[i];
		int64_t id = translate(inside, r->inside, r->outside, r->count);

		if (id >= 0)
			return id;
	}
	return -ERANGE;
}

int64_t idmap_to_container(const struct idmap *map, uint32_t outside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->v[i];
		int64_t id = translate(outside, r->outside, r->inside, r->count);

		if (id >= 0)
			return id;
	}
	return -ERANGE;
}

static int check_range(const struct idmap_range *r, const char *what, const char *path, size_t i,
		       struct err *err)
{
	if (r->count == 0)
		return err_set(err, EINVAL, "%s[%zu]: the size is 0, which maps no %s", path, i,
			       what);
	if ((uint64_t)r->inside + r->count > ids_end) {
		return err_set(
			err, EINVAL,
			"%s[%zu]: %u container %ss from %u on exceed the maximum, 4294967294", path,
			i, r->count, what, r->inside);
	}
	if ((uint64_t)r->outside + r->count > ids_end) {
		return err_set(err, EINVAL,
			       "%s[%zu]: %u host %ss from %u on exceed the maximum, 4294967294",
			       path, i, r->count, what, r->outside);
	}
	return 0;
}

/* Whether two ranges of ids overlap, and the first and last id they share. */
static bool shared(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count, uint64_t *ret_first,
		   uint64_t *ret_last)
{
	uint64_t a_end = (uint64_t)a + a_count, b_end = (uint64_t)b + b_count;
	uint64_t first = a > b ? a : b, end = a_end < b_end ? a_end : b_end;

	if (first >= end)
		return false;
	*ret_first = first;
	*ret_last = end - 1;
	return true;
}

static int check_pair(const struct idmap *map, size_t i, size_t j, const char *words[2],
		      struct err *err)
{
	const struct idmap_range *a = &map->v[i], *b = &map->v[j];
	const char *side = "container";
	uint64_t first, last;

	if (!shared(a->inside, a->count, b->inside, b->count, &first, &last)) {
		side = "host";
		if (!shared(a->outside, a->count, b->outside, b->count, &first, &last))
			return 0;
	}
	(void)err_set(err, EINVAL, "%s[%zu] and %s[%zu] overlap: both map the %s %ss %llu to %llu",
		      words[1], i, words[1], j, side, words[0], (unsigned long long)first,
		      (unsigned long long)last);
	return err_hint(err, "map each id only once: shorten or move one of the two");
}

int idmap_check(const struct idmap *map, const char *what, const char *path, struct err *err)
{
	const char *words[2] = { what, path };

	if (map->n > IDMAP_MAX_RANGES)
		return err_set(err, EINVAL, "%s: %zu ranges, but the kernel takes at most %d", path,
			       map->n, IDMAP_MAX_RANGES);
	for (size_t i = 0; i < map->n; i++) {
		int r = check_range(&map->v[i], what, path, i, err);

		for (size_t j = 0; r == 0 && j < i; j++)
			r = check_pair(map, j, i, words, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A growing list of ranges. */
struct builder {
	struct arena *arena;
	struct idmap_range *v;
	size_t n, cap;
};

static void builder_add(struct builder *b, uint32_t inside, uint32_t outside, uint32_t count)
{
	b->v = arena_room(b->arena, b->v, b->n, &b->cap, sizeof(*b->v));
	b->v[b->n++] = (struct idmap_range){ .inside = inside, .outside = outside, .count = count };
}

static const struct idmap_range *parent_range(const struct idmap *parent, uint64_t id)
{
	for (size_t i = 0; i < parent->n; i++)
		if (id >= parent->v[i].inside && id - parent->v[i].inside < parent->v[i].count)
			return &parent->v[i];
	return NULL;
}

static int split_range(struct builder *b, const struct idmap_range *r, const struct idmap *parent,
		       struct err *err)
{
	for (uint64_t done = 0; done < r->count;) {
		uint64_t id = r->outside + done, left = r->count - done, here;
		const struct idmap_range *p = parent_range(parent, id);

		if (!p) {
			return err_set(err, ERANGE,
				       "id %llu (of the range %u %u %u) is not mapped in the user "
				       "namespace that usrun runs in",
				       (unsigned long long)id, r->inside, r->outside, r->count);
		}
		here = (uint64_t)p->inside + p->count - id;
		here = here < left ? here : left;
		builder_add(b, (uint32_t)(r->inside + done), (uint32_t)id, (uint32_t)here);
		done += here;
	}
	return 0;
}

int idmap_split(struct arena *arena, const struct idmap *map, const struct idmap *parent,
		struct idmap *ret, struct err *err)
{
	struct builder b = { .arena = arena };

	for (size_t i = 0; i < map->n; i++) {
		int r = split_range(&b, &map->v[i], parent, err);

		if (r < 0)
			return r;
	}
	if (b.n > IDMAP_MAX_RANGES) {
		return err_set(err, ERANGE,
			       "split at the ranges of the current user namespace, the map has %zu "
			       "ranges; the kernel takes at most %d",
			       b.n, IDMAP_MAX_RANGES);
	}
	*ret = (struct idmap){ .v = b.v, .n = b.n };
	return 0;
}

static const struct idmap_range *range_of_host(const struct builder *b, uint64_t id)
{
	for (size_t i = 0; i < b->n; i++)
		if (id >= b->v[i].outside && id - b->v[i].outside < b->v[i].count)
			return &b->v[i];
	return NULL;
}

/* Finds the first part of [start, end) whose host ids are not in b yet. Files may list ids twice,
 * by name and by number, and a range may contain the caller's own id; the kernel refuses
 * overlaps. */
static bool next_free(const struct builder *b, uint64_t *start, uint64_t end, uint64_t *ret_end)
{
	const struct idmap_range *taken;

	while (*start < end && (taken = range_of_host(b, *start)))
		*start = (uint64_t)taken->outside + taken->count;
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].outside > *start && b->v[i].outside < end)
			end = b->v[i].outside;
	*ret_end = end;
	return *start < end;
}

/* Appends host ids start to end - 1 after the last container id, merging adjacent ranges. The
 * caller's own id stays alone: newuidmap accepts it only as a range of one. false if nothing
 * fits. */
static bool append(struct builder *b, uint64_t start, uint64_t end)
{
	struct idmap_range *last = &b->v[b->n - 1];
	uint64_t inside = (uint64_t)last->inside + last->count;

	if (end - start > ids_end - inside)
		end = start + (ids_end - inside);
	if (start >= end)
		return false;
	if (b->n > 1 && (uint64_t)last->outside + last->count == start) {
		last->count += (uint32_t)(end - start);
		return true;
	}
	if (b->n == IDMAP_MAX_RANGES)
		return false;
	builder_add(b, (uint32_t)inside, (uint32_t)start, (uint32_t)(end - start));
	return true;
}

/* The number of the first ranges that one write takes: less than a page, the smallest of which has
 * 4096 bytes. A line is left for idmap_move_own(). */
static size_t count_fitting(const struct builder *b)
{
	enum { LINE = 33, ROOM = 4096 - LINE };
	size_t fits = 0, len = 0;

	for (; fits < b->n; fits++) {
		const struct idmap_range *r = &b->v[fits];

		len += (size_t)snprintf(NULL, 0, "%u %u %u\n", r->inside, r->outside, r->count);
		if (len >= ROOM)
			break;
	}
	return fits;
}

bool idmap_build_default(struct arena *arena, uint32_t own, const struct idmap_range *ranges,
			 size_t n, struct idmap *ret)
{
	struct builder b = { .arena = arena };
	bool all = true;

	builder_add(&b, 0, own, 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t start = ranges[i].outside, end = start + ranges[i].count, piece_end;

		end = end > ids_end ? ids_end : end;
		while (next_free(&b, &start, end, &piece_end) && append(&b, start, piece_end))
			start = piece_end;
		all &= start >= end;
	}
	*ret = (struct idmap){ .v = b.v, .n = count_fitting(&b) };
	return all && ret->n == b.n;
}

struct idmap idmap_move_own(struct arena *arena, const struct idmap *map, uint32_t inside)
{
	struct builder b = { .arena = arena };

	builder_add(&b, inside, map->v[0].outside, 1);
	for (size_t i = 1; i < map->n; i++) {
		const struct idmap_range *r = &map->v[i];
		uint64_t below = r->inside > inside ? 0 : (uint64_t)inside + 1 - r->inside;

		below = below > r->count ? r->count : below;
		if (below && b.n < IDMAP_MAX_RANGES)
			builder_add(&b, r->inside - 1, r->outside, (uint32_t)below);
		if (below < r->count && b.n < IDMAP_MAX_RANGES)
			builder_add(&b, r->inside + (uint32_t)below, r->outside + (uint32_t)below,
				    r->count - (uint32_t)below);
	}
	return (struct idmap){ .v = b.v, .n = b.n };
}

/* Reads the next number of a line and advances *p past it. */
static int next_number(const char **p, uint32_t *ret)
{
	size_t blanks = strspn(*p, " \t"), len = strspn(*p + blanks, "0123456789");
	char digits[12];

	if (len == 0 || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, *p + blanks, len);
	digits[len] = '\0';
	*p += blanks + len;
	return parse_u32(digits, ret);
}

int idmap_parse(struct arena *arena, const char *text, struct idmap *ret, struct err *err)
{
	struct builder b = { .arena = arena };

	for (const char *p = text; *p;) {
		size_t line = strcspn(p, "\n");
		char shown[JSON_TEXT_QUOTE];
		struct idmap_range r;
		const char *q = p;

		if (next_number(&q, &r.inside) < 0 || next_number(&q, &r.outside) < 0 ||
		    next_number(&q, &r.count) < 0 || q + strspn(q, " \t") != p + line) {
			return err_set(err, EINVAL,
				       "id map: expected \"inside outside count\", got \"%s\"",
				       json_text_shorten(shown, sizeof(shown), p, line));
		}
		builder_add(&b, r.inside, r.outside, r.count);
		p += line + (p[line] == '\n');
	}
	*ret = (struct idmap){ .v = b.v, .n = b.n };
	return 0;
}

char *idmap_format(struct arena *arena, const struct idmap *map)
{
	_cleanup_str_ struct str text = { 0 };

	for (size_t i = 0; i < map->n; i++)
		str_addf(&text, "%u %u %u\n", map->v[i].inside, map->v[i].outside, map->v[i].count);
	return arena_strndup(arena, str_text(&text), text.len);
}

bool idmap_equal(const struct idmap *a, const struct idmap *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].inside != b->v[i].inside || a->v[i].outside != b->v[i].outside ||
		    a->v[i].count != b->v[i].count)
			return false;
	}
	return true;
}

static const struct idmap_range *range_of(const struct idmap_range *v, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= v[i].outside && id - v[i].outside < v[i].count)
			return &v[i];
	return NULL;
}

bool idmap_find_missing(const struct idmap_range *ranges, size_t n, uint32_t start, uint32_t count,
			uint32_t *ret)
{
	const struct idmap_range *range;
	uint64_t id = start, end = id + count;

	while (id < end && (range = range_of(ranges, n, id)))
		id = (uint64_t)range->outside + range->count;
	*ret = (uint32_t)id;
	return id < end;
}
