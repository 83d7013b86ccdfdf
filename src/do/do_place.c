/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of places in a sandbox, and how to add them. */
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/do/do_places.h"

size_t do_place_depth(const char *path)
{
	size_t n = 0;

	for (const char *c = path; *c; c++)
		n += *c == '/' && c[1];
	return n;
}

static struct do_place *do_place_push(struct do_builder *b, struct do_place place)
{
	struct do_places *p = b->places;

	p->v = arena_room(b->arena, p->v, p->n, &p->cap, sizeof(*p->v));
	place.depth = do_place_depth(place.target);
	place.order = p->n;
	p->v[p->n] = place;
	return &p->v[p->n++];
}

/* Replaces an earlier place of the same path. */
struct do_place *do_place_add(struct do_builder *b, struct do_place place)
{
	struct do_places *p = b->places;
	size_t i = 0;

	while (i < p->n && !str_equal(p->v[i].target, place.target))
		i++;
	if (i == p->n) {
		p->v = arena_room(b->arena, p->v, p->n, &p->cap, sizeof(*p->v));
		p->n++;
	}
	place.depth = do_place_depth(place.target);
	place.order = i;
	place.phase = b->phase;
	p->v[i] = place;
	return &p->v[i];
}

/* The deepest place at the path or above it. */
const struct do_place *do_places_find(const struct do_places *p, const char *path, bool at_too)
{
	const struct do_place *found = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (path_is_below(path, p->v[i].target) &&
		    (at_too || !str_equal(path, p->v[i].target)) &&
		    (!found || p->v[i].depth > found->depth))
			found = &p->v[i];
	return found;
}

/* With a memory limit, a file system in memory must fill up first: a program can handle ENOSPC, but
 * not the OOM killer. */
static const char *size_word(struct do_builder *b, unsigned int percent)
{
	int64_t memory = b->request->memory;

	if (memory <= 0)
		return arena_strf(b->arena, "size=%u%%", percent);
	return arena_strf(b->arena, "size=%lld", (long long)(memory / 100 * percent));
}

static const char *layer_size(struct do_builder *b)
{
	int64_t size = b->request->layer_size;

	return size ? arena_strf(b->arena, "size=%lld", (long long)size) : size_word(b, 25);
}

void do_place_tmpfs(struct do_builder *b, const char *target, const char *mode,
		    unsigned int percent)
{
	(void)do_place_add(b, (struct do_place){
				      .target = target,
				      .type = "tmpfs",
				      .source = "tmpfs",
				      .words = { "nosuid", "nodev", mode, size_word(b, percent) },
				      .cover = DO_COVER_OWN,
			      });
}

/* The same as part of the layer: listed at the end, or kept for the next time. */
void do_place_kept(struct do_builder *b, const char *target, const char *mode, bool kept)
{
	if (!kept && !b->request->all_changes) {
		do_place_tmpfs(b, target, mode, 25);
		return;
	}
	(void)do_place_add(
		b, (struct do_place){
			   .target = target,
			   .type = "tmpfs",
			   .source = "tmpfs",
			   .words = { "scratch", "nosuid", "nodev", mode, size_word(b, 25) },
			   .cover = DO_COVER_OWN,
		   });
}

struct do_place *do_place_empty(struct do_builder *b, const char *target)
{
	/* A directory to be copied is not written to, and is covered when mounts are made
	 * read-only. */
	bool below = b->request->root && b->phase == DO_PHASE_BELOW;

	return do_place_add(b, (struct do_place){
				       .target = target,
				       .type = "tmpfs",
				       .source = "tmpfs",
				       .words = { below ? "rw" : "ro", "nosuid", "nodev", "noexec",
						  "mode=555", "size=4k" },
				       .cover = DO_COVER_OWN,
			       });
}

/* Device nodes that somebody keeps in a tree are not for the sandbox, whoever owns them. */
struct do_place *do_place_tree(struct do_builder *b, const char *source, const char *target,
			       bool writable)
{
	return do_place_add(
		b, (struct do_place){
			   .target = target,
			   .type = "bind",
			   .source = source,
			   .words = { "rbind", "rnosuid", "rnodev", writable ? NULL : "rro" },
			   .cover = str_equal(source, target) ? DO_COVER_HOST : DO_COVER_ELSEWHERE,
			   .writable = writable,
		   });
}

struct do_place *do_place_file(struct do_builder *b, const char *source, const char *target,
			       bool writable)
{
	return do_place_add(b,
			    (struct do_place){
				    .target = target,
				    .type = "bind",
				    .source = source,
				    .words = { "bind", "nosuid", "nodev", writable ? NULL : "ro" },
				    .cover = DO_COVER_NONE,
				    .file = true,
			    });
}

void do_place_link(struct do_builder *b, const char *path)
{
	(void)do_place_add(b, (struct do_place){
				      .target = path,
				      .type = "bind",
				      .source = path,
				      .words = { "bind", "copy-symlink" },
				      .cover = DO_COVER_NONE,
			      });
}

/* Mount points in it are created in the layer. */
struct do_place *do_place_scratch(struct do_builder *b, const char *source, const char *target,
				  bool squash)
{
	return do_place_add(b, (struct do_place){
				       .target = target,
				       .type = "bind",
				       .source = source,
				       .words = { "rbind", "scratch", "rnosuid", "rnodev",
						  layer_size(b), squash ? "squash" : NULL },
				       .cover = DO_COVER_OWN,
			       });
}

/* Hides paths also in the tree that is copied: its server must see no more than the sandbox. */
static void add_place_for(struct do_builder *b, const struct do_place *place)
{
	const struct do_place *cover = NULL;
	const char *mode = "mode=755";

	for (size_t i = 0; i < b->places->n; i++) {
		const struct do_place *v = &b->places->v[i];

		if (!str_equal(v->target, place->target) &&
		    path_is_below(place->target, v->target) && (!cover || v->depth >= cover->depth))
			cover = v;
	}
	if (!cover || cover->phase != DO_PHASE_BELOW || place->phase != DO_PHASE_ABOVE ||
	    place->file || str_equal(place->target, "/proc") ||
	    (!str_equal(cover->target, "/") && !place->there))
		return;
	for (size_t i = 0; i < DO_MAX_WORDS && place->words[i]; i++)
		if (str_starts(place->words[i], "mode="))
			mode = place->words[i];
	do_place_push(b, (struct do_place){
				 .target = place->target,
				 .type = "tmpfs",
				 .source = "tmpfs",
				 .words = { "nosuid", "nodev", "noexec", mode, "size=4k" },
				 .cover = DO_COVER_OWN,
				 .phase = DO_PHASE_BELOW,
			 });
}

void do_place_copy(struct do_builder *b)
{
	const char *size = layer_size(b);
	size_t n = b->places->n;

	for (size_t i = 0; i < n; i++) {
		struct do_place place = b->places->v[i]; /* by value, because the list moves */

		add_place_for(b, &place);
	}
	do_place_push(b,
		      (struct do_place){
			      .target = "/",
			      .type = "bind",
			      .source = DO_ANY_DIRECTORY,
			      .words = { "rbind", "scratch", "squash", "rnosuid", "rnodev", size },
			      .cover = DO_COVER_OWN,
			      .phase = DO_PHASE_COPY,
		      });
}

int do_check_target(const struct do_path *path, struct err *err)
{
	static const char *const kernel[] = { "/proc", "/sys", "/dev" };

	if (str_equal(path->target, "/")) {
		(void)err_set(err, EINVAL, "%s /: the root itself cannot be shown or hidden",
			      path->option);
		return err_hint(err, "name directories in it, such as %s /srv", path->option);
	}
	for (size_t i = 0; i < 3; i++)
		if (str_equal(path->target, kernel[i]))
			return err_set(err, EINVAL, "%s %s: the sandbox has its own", path->option,
				       path->target);
	return 0;
}

void do_note(struct arena *arena, struct do_result *said, const char *note)
{
	said->notes = arena_room(arena, said->notes, said->n_notes, &said->cap_notes, sizeof(note));
	said->notes[said->n_notes++] = note;
}

void do_say(struct do_builder *b, const char *note)
{
	do_note(b->arena, b->said, note);
}
