/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the remains of containers that nobody can finish or use any more. */
#include "src/base/log.h"
#include "src/cmd/common.h"
#include "src/cmd/do_ids.h"
#include "src/cmd/gc_containers.h"
#include "src/cmd/gc_groups.h"
#include "src/layer/layer.h"
#include "src/state/last_failure.h"
#include "src/sys/privs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=,.:@%/"

struct gc_options {
	bool dry_run;
	struct option_list layers;
};

static const struct option options[] = {
	{ 'n', "dry-run", OPTION_FLAG, offsetof(struct gc_options, dry_run), "",
	  "print what would be removed, and remove nothing" },
	{ 0, "layer", OPTION_LIST, offsetof(struct gc_options, layers), "DIR",
	  "remove an unused layer of --overlay=DIR" },
	{ 0 },
};

struct gc {
	struct arena *arena;
	struct store *store;
	bool dry_run;
	struct str said;
};

static int remove_layer(struct gc *gc, struct layer *layer, struct err *err)
{
	int r = do_ids_enter(gc->arena, layer, err);

	if (r == 0)
		return layer_remove(gc->arena, layer, err);
	layer_close(layer);
	return r;
}

/* Without layer.json it is unknown which directories are the layer's, and who owns its files. */
static void hint_damaged(const char *path, struct err *err)
{
	if (err->code != EBADMSG && err->code != EINVAL)
		return;
	err->hint[0] = '\0'; /* nobody can restore the file */
	/* A path that a shell would interpret must not be suggested as an argument of rm. */
	if (*path == '-' || path[strspn(path, PLAIN)])
		path = "DIR";
	err_hint(err, "to remove all of it: %srm -rf %s",
		 privs_uid() == 0 ? "" : "unshare --map-root-user --map-auto ", path);
}

static int remove_layers(struct gc *gc, const struct option_list *layers, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < layers->n; i++) {
		struct layer layer;

		r = layer_open(gc->arena, layers->v[i], 0, &layer, err);
		if (r < 0)
			hint_damaged(layers->v[i], err);
		if (r == 0 && gc->dry_run)
			layer_close(&layer);
		else if (r == 0)
			r = remove_layer(gc, &layer, err);
		if (r == 0)
			str_addf(&gc->said, "%s %s: nobody uses the layer\n",
				 gc->dry_run ? "would remove" : "removed", layers->v[i]);
	}
	return r;
}

static int remove_failure(struct gc *gc, struct err *err)
{
	int r = last_failure_remove(gc->store, gc->dry_run, gc->arena, err);

	if (r > 0)
		str_addf(&gc->said, "%s the steps of the last failed start: a day old\n",
			 gc->dry_run ? "would remove" : "removed");
	return r < 0 ? r : 0;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct gc_options *o = data;
	struct gc gc = { .arena = arena, .dry_run = o->dry_run };
	struct err later;
	int first = 0, r = store_open(globals->root, false, arena, &gc.store, err);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	first = gc_containers(arena, gc.store, gc.dry_run, &gc.said, err);
	r = gc_groups(arena, gc.store, gc.dry_run, &gc.said, first ? &later : err);
	if (r < 0 && first)
		log_notice("%s", later.text);
	else if (r < 0)
		first = r;
	r = remove_failure(&gc, first ? &later : err);
	if (r < 0 && first)
		log_notice("%s", later.text);
	else if (r < 0)
		first = r;
	/* Last: it may switch to other ids than those of the state. */
	r = remove_layers(&gc, &o->layers, first ? &later : err);
	if (r < 0 && first)
		log_notice("%s", later.text);
	else if (r < 0)
		first = r;
	r = common_print_text(&gc.said, first ? &later : err);
	str_done(&gc.said);
	return first ? first : r;
}

const struct cmd cmd_gc = {
	.name = "gc",
	.summary = "clean up after dead containers",
	.arguments = "",
	.options = options,
	.options_size = sizeof(struct gc_options),
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
