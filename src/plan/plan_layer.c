/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths are shown as copies, and where their changes go. */
#include "src/plan/plan_parts.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/mount_options.h"

/* The annotation's value, only for `run`: engines have layers of their own. */
static const char *layer_word(struct plan_build *b, const char *name)
{
	const struct oci_config *config = b->plan->config;
	const char *value = annotations_find(config->annotations.v, config->annotations.n, name);

	if (!value || !b->plan->options->wait_start)
		return value;
	plan_parts_warn(b, "annotations[\"%s\"]: only `usrun run` supports it, ignored", name);
	return NULL;
}

int plan_layer_build(struct plan_build *b, struct err *err)
{
	const struct plan_options *options = b->plan->options;
	struct layer_plan *layer = &b->plan->layer;
	const char *dir = layer_word(b, ANNOTATIONS_LAYER);

	if (options->layer)
		dir = options->layer;
	if (dir && *dir != '/')
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"" ANNOTATIONS_LAYER
				      "\"]: expected an absolute path, got \"%s\"",
			       dir);
	/* The layer is locked only until usrun exits. */
	if (dir && (options->wait_start || options->detach)) {
		(void)err_set(err, EINVAL, "--overlay=%s: cannot be used with --detach", dir);
		return err_hint(err,
				"usrun holds the lock on the directory while it runs: leave out "
				"--detach, and let the shell run it with &");
	}
	layer->dir = dir ? path_clean(b->arena, dir) : NULL;
	layer->shown = options->show_changes;
	layer->user = plan_parts_in_userns(b->plan) || !b->plan->facts->caller.initial_userns;
	return 0;
}

/* A process that sees the server of an overlay could reach the host's mounts through it. For an
 * overlay that may just as well be a read-only bind, a sandbox does not take that risk. */
static bool may_be_served(const struct plan_build *b)
{
	const struct layer_plan *layer = &b->plan->layer;
	bool worth = b->plan->rootfs.layer;

	for (size_t i = 0; i < layer->n; i++)
		worth |= (layer->dir && !layer->v[i].empty) || layer->v[i].squash;
	return worth && (b->plan->flags & PLAN_MNTNS_NEW) &&
	       plan_parts_creates(b->plan, PLAN_NS_PID);
}

/* A layer inside its own lower directory would be visible, and could be changed, below the
 * overlay. */
int plan_layer_check(struct plan_build *b, struct err *err)
{
	const struct layer_plan *layer = &b->plan->layer;

	for (size_t i = 0; layer->dir && i < layer->n; i++)
		if (!layer->v[i].empty && !str_equal(layer->v[i].lower, "/") &&
		    (path_is_below(layer->dir, layer->v[i].lower) ||
		     path_is_below(layer->v[i].lower, layer->dir))) {
			(void)err_set(err, EINVAL,
				      "--overlay=%s: must be neither inside %s nor above it",
				      layer->dir, layer->v[i].lower);
			return err_hint(err, "choose a directory next to it");
		}
	if (layer->dir && !layer->n)
		return err_set(err, EINVAL,
			       "--overlay=%s: nothing to keep: no directory is shown as a copy",
			       layer->dir);
	if (layer->shown && !layer->n) {
		(void)err_set(err, EINVAL, "--changes: nothing is shown as a copy");
		return err_hint(err, "--rw, --ro and --hide of a directory leave none of it; "
				     "--scratch DIR makes one");
	}
	if (layer->n && (layer->shown || layer->dir))
		b->plan->flags |= PLAN_LAYER;
	b->plan->layer.served = may_be_served(b);
	return 0;
}

static size_t add(struct plan_build *b, const char *lower, bool empty, bool squash)
{
	struct layer_plan *layer = &b->plan->layer;

	layer->v = arena_room(b->arena, layer->v, layer->n, &layer->cap, sizeof(*layer->v));
	layer->v[layer->n++] = (struct layer_use){ lower, empty, squash };
	return layer->n;
}

/* For a path that earlier mounts provide, the lower directory is the path in the container. */
size_t plan_layer_of(struct plan_build *b, const struct mount_entry *m)
{
	if (m->kind != MOUNT_BIND)
		return add(b, m->target, true, false);
	return add(b, m->inside ? m->inside : m->source, false, m->extensions & MOUNT_EXT_SQUASH);
}

int plan_layer_build_overlay(struct plan_build *b, struct err *err)
{
	const char *value = layer_word(b, ANNOTATIONS_OVERLAY);
	struct rootfs_plan *rootfs = &b->plan->rootfs;

	if (value && !str_equal(value, "true") && !str_equal(value, "false"))
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"" ANNOTATIONS_OVERLAY
				      "\"]: expected true or false, got \"%s\"",
			       value);
	if (!b->plan->options->overlay && !str_equal(value, "true"))
		return 0;
	if (!(b->plan->flags & PLAN_MNTNS_NEW))
		return err_set(err, EINVAL,
			       "--overlay: the container needs a mount namespace of its own");
	rootfs->readonly = false;
	rootfs->layer = add(b, rootfs->path, false, false);
	return 0;
}
