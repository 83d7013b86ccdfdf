/* SPDX-License-Identifier: Apache-2.0 */
/* Overlays served by a process outside the container. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/host/foreign.h"
#include "src/layer/layer_standins.h"
#include "src/state/status.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static bool must_be_served(const struct layer_plan *layer)
{
	for (size_t i = 0; i < layer->n; i++)
		if (layer->v[i].squash)
			return true;
	return false;
}

/* With owners as on the host, because inside all unmapped ids look alike. An unmapped group cannot
 * be given to a copy either, unless the map contains the kernel's overflow gid; with a single id
 * all files become that id's. */
static void find_mixed(struct start *start)
{
	const struct plan *plan = start->plan;
	const struct caller *caller = &plan->facts->caller;
	const bool single = idmap_is_single(&plan->idmap.uid, caller->uid) &&
			    idmap_is_single(&plan->idmap.gid, caller->gid);
	const uint32_t *groups;
	uint32_t gid;
	size_t n;

	if (!(plan->flags & PLAN_USERNS_NEW) || plan->options->sandbox)
		return;
	n = foreign_groups(start->arena, caller->groups, caller->n_groups, &plan->idmap.gid,
			   &groups);
	start->layer_mixed = arena_array(start->arena, plan->layer.n, sizeof(*start->layer_mixed));
	start->layer_squash =
		arena_array(start->arena, plan->layer.n, sizeof(*start->layer_squash));
	for (size_t i = 0; i < plan->layer.n; i++) {
		const struct layer_use *use = &plan->layer.v[i];

		start->layer_mixed[i] = !use->empty && !use->squash &&
					foreign_find(start->arena, use->lower, groups, n, &gid);
		start->layer_squash[i] = use->squash || (single && start->layer_mixed[i]);
	}
}

/* Where the kernel may serve it, a missing requirement is reported only after the kernel has
 * refused. */
int step_layer_serve(struct start *start, struct err *err)
{
	const char *program;
	uint64_t start_time = 0;
	int r;

	if (!start->plan->layer.served)
		return 0;
	r = layer_serve_find(start->arena, &program, err);

	if (r < 0 && must_be_served(&start->plan->layer))
		return r;
	if (r < 0) {
		start->layer_unserved = arena_new(start->arena, struct err);
		*start->layer_unserved = *err;
		*err = (struct err){ 0 };
		return 0;
	}
	find_mixed(start);
	r = layer_serve_start(program, start->plan->options->id, &start->layer_keeper,
			      &start->layer_sock, err);
	if (r == 0)
		r = status_start_time(start->layer_keeper.pid, &start_time, err);
	start->state->layer_pid = (struct json_int){ start_time != 0, start->layer_keeper.pid };
	start->state->layer_start_time = (struct json_uint){ start_time != 0, start_time };
	return r;
}

int step_layer_leave(struct start *start, struct err *err)
{
	(void)err;
	fd_closep(&start->layer_sock);
	return 0;
}

struct names {
	const char **v;
	size_t n, cap;
};

static void add_name(struct start *start, struct names *names, const char *name)
{
	names->v = arena_room(start->arena, names->v, names->n, &names->cap, sizeof(*names->v));
	names->v[names->n++] = arena_strdup(start->arena, name);
}

/* Adds what / has here and the copy lacks. */
static int add_missing(struct start *start, int tree, struct names *names, struct err *err)
{
	DIR *dir = opendir("/");
	struct dirent *entry;
	int error;

	if (!dir)
		return err_errno(err, errno, "list /");
	while ((entry = io_next_entry(dir, &error)))
		if (faccessat(tree, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			add_name(start, names, entry->d_name);
	(void)closedir(dir);
	return error < 0 ? err_errno(err, -error, "list /") : 0;
}

/* Replaces these directories and files of this machine with empty ones. */
static int hide(struct start *start, const struct step_layer_use *use, int part, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	struct names names = { 0 };
	int r = add_missing(start, use->tree, &names, err);

	for (size_t i = 0; i < rootfs->n_mounts && rootfs->mounts[i].layer != use->layer; i++) {
		const struct mount_entry *m = &rootfs->mounts[i];

		if (m->target[1] && (m->kind != MOUNT_BIND || !str_equal(m->source, m->target)))
			add_name(start, &names, m->target + 1);
	}
	return r < 0 ? r : layer_standins_hide(start->arena, part, names.v, names.n, err);
}

bool step_layer_squash(const struct start *start, size_t layer)
{
	return start->layer_squash ? start->layer_squash[layer - 1]
				   : start->plan->layer.v[layer - 1].squash;
}

int step_layer_served(struct start *start, const struct step_layer_use *use, int part,
		      struct err *err)
{
	const struct process_plan *process = &start->plan->process;
	struct layer_serve_request request = {
		.sock = start->layer_sock,
		.lower = use->tree,
		.part = part,
		.squash = step_layer_squash(start, use->layer),
		.uid = process->uid,
		.gid = process->gid,
		.attrs = use->attrs,
	};

	if (start->layer_sock < 0 && start->layer_unserved) {
		*err = *start->layer_unserved;
		return -err->code;
	}
	if (start->layer_sock < 0)
		return err_set(err, ENODEV,
			       "fuse-overlayfs needs a pid and a mount namespace of the "
			       "container's own");
	/* Only a copy of this machine's root has files that only root may read. */
	if (str_equal(start->plan->layer.v[use->layer - 1].lower, "/") &&
	    (layer_standins_make(start->arena, use->tree, part, err) < 0 ||
	     hide(start, use, part, err) < 0))
		return -err->code;
	return layer_serve_overlay(&request, err);
}
