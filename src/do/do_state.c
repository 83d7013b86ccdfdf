/* SPDX-License-Identifier: Apache-2.0 */
/* usrun's state directories are never shown: later commands act outside on what they read there,
 * pids, mounts and hooks, and the sockets in them configure other containers. */
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/do/do_places.h"

#include <string.h>

static int refuse(const struct do_place *place, const char *state, struct err *err)
{
	return err_set(err, EINVAL, "%s %s: it is in usrun's state directory, %s", place->option,
		       place->source, state);
}

/* The path of the state directory below another path of a directory that contains it. */
static const char *path_in(struct do_builder *b, const char *dir, const char *below)
{
	return arena_strf(b->arena, "%s%s", str_equal(dir, "/") ? "" : dir, below);
}

/* Only a mount point cannot be renamed: a directory above it could be replaced, with a state
 * directory of the program's own in it. */
static void pin(struct do_builder *b, const struct do_place *place, const char *below)
{
	for (const char *end = strchr(below + 1, '/'); end; end = strchr(end + 1, '/')) {
		const char *part = arena_strndup(b->arena, below, (size_t)(end - below));
		struct do_place *dir = do_place_tree(b, path_in(b, place->source, part),
						     path_in(b, place->target, part), true);

		dir->there = true;
	}
}

static void hide(struct do_builder *b, const struct do_place *place, const char *below)
{
	const char *target = path_in(b, place->target, below);

	if (!str_equal(do_places_find(b->places, target, true)->target, place->target))
		return; /* something else is mounted there */
	b->phase = place->phase;
	if (place->writable)
		pin(b, place, below);
	do_place_empty(b, target)->there = true;
}

static int hide_one(struct do_builder *b, const char *state, struct err *err)
{
	size_t n = b->places->n;

	for (size_t i = 0; i < n; i++) {
		const struct do_place place =
			b->places->v[i]; /* by value, because the list moves */

		if (!place.source || *place.source != '/' || place.file)
			continue;
		if (path_is_below(place.source, state) && place.option)
			return refuse(&place, state, err);
		if (path_is_below(place.source, state))
			hide(b, &place, "");
		else if (path_is_below(state, place.source))
			hide(b, &place,
			     str_equal(place.source, "/") ? state : state + strlen(place.source));
	}
	return 0;
}

int do_state_hide(struct do_builder *b, struct err *err)
{
	const struct do_texts *states = &b->request->states;
	const enum do_phase phase = b->phase;
	int r = 0;

	for (size_t i = 0; r == 0 && i < states->n; i++)
		r = hide_one(b, states->v[i], err);
	b->phase = phase;
	return r;
}
