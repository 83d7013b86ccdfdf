/* SPDX-License-Identifier: Apache-2.0 */
#include "src/do/do_places.h"

#include "src/base/path.h"
#include "src/base/str.h"

#include <stdlib.h>
#include <string.h>

/* Below these directories of / everything is the sandbox's own, or the kernel's. */
static const char not_shown[][12] = { "/proc", "/sys",  "/dev",  "/tmp",
				      "/run",  "/home", "/root", "/lost+found" };

static bool is_automount(const struct do_builder *b, const char *path)
{
	const struct machine *m = b->request->machine;

	for (size_t i = 0; i < m->n_automounts; i++)
		if (str_equal(m->automounts[i], path))
			return true;
	return false;
}

static bool is_shown(const struct machine_entry *entry)
{
	for (size_t i = 0; i < sizeof(not_shown) / sizeof(not_shown[0]); i++)
		if (str_equal(entry->path, not_shown[i]))
			return entry->kind == MACHINE_LINK;
	return true;
}

static void add_root(struct do_builder *b)
{
	const struct machine *m = b->request->machine;

	do_place_tmpfs(b, "/", "mode=755", 1);
	for (size_t i = 0; i < m->n_entries; i++) {
		const struct machine_entry *entry = &m->entries[i];

		if (!is_shown(entry))
			continue;
		if (entry->kind == MACHINE_LINK)
			do_place_link(b, entry->path);
		else if (entry->kind == MACHINE_FILE)
			(void)do_place_file(b, entry->path, entry->path, false);
		else if (!is_automount(b, entry->path))
			(void)do_place_tree(b, entry->path, entry->path, false);
	}
	for (size_t i = 0; i < m->n_automounts; i++)
		if (do_places_find(b->places, m->automounts[i], false)->cover == DO_COVER_HOST ||
		    do_place_depth(m->automounts[i]) == 1)
			(void)do_place_empty(b, m->automounts[i]);
}

/* From here on, whatever is missing is created in the copy. */
static void begin_copy(struct do_builder *b)
{
	for (size_t i = 0; i < b->places->n; i++)
		if (b->places->v[i].cover == DO_COVER_HOST)
			b->places->v[i].cover = DO_COVER_OWN;
	b->phase = DO_PHASE_ABOVE;
}

/* Whether the place is a tree of the host, or a copy of one. */
static bool is_of_host(const struct do_builder *b, const struct do_place *place)
{
	return place->cover == DO_COVER_HOST ||
	       (b->request->root && place->phase == DO_PHASE_BELOW &&
		str_equal(place->type, "bind"));
}

/* Creates nothing in a tree that is not a copy, except the places that every program expects.
 * Directories above a shown path are the tree's own, not this machine's of that name. */
static void add_rootfs(struct do_builder *b)
{
	/* An overlay in a user namespace allows no devices. For others they work as outside, and
	 * root unpacks them from archives. */
	(void)do_place_add(b, (struct do_place){
				      .target = "/",
				      .type = b->request->overlay ? NULL : "bind",
				      .source = b->request->rootfs,
				      .words = { "rbind", "rnosuid", "rnodev" },
				      .cover = b->request->overlay ? DO_COVER_OWN : DO_COVER_HOST,
			      });
}

struct kernel_place { /* of the kernel's file systems; the source is the type */
	char target[16], type[8];
	bool own; /* mount points can be created there */
	char words[5][16];
};

static void add_of_kernel(struct do_builder *b, const struct kernel_place *from)
{
	struct do_place place = { .target = from->target,
				  .type = from->type,
				  .source = from->type,
				  .cover = from->own ? DO_COVER_OWN : DO_COVER_NONE };

	for (size_t i = 0; i < 5 && *from->words[i]; i++)
		place.words[i] = from->words[i];
	(void)do_place_add(b, place);
}

static void add_kernel(struct do_builder *b)
{
	static const struct kernel_place table[] = {
		{ "/proc", "proc", false, { "nosuid", "noexec", "nodev" } },
		{ "/dev", "tmpfs", true, { "nosuid", "strictatime", "mode=755", "size=1m" } },
		{ "/dev/pts",
		  "devpts",
		  false,
		  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
		{ "/dev/mqueue", "mqueue", false, { "nosuid", "noexec", "nodev" } },
		{ "/sys", "sysfs", false, { "nosuid", "noexec", "nodev", "ro" } },
	};
	enum net_kind net = b->request->net.kind;
	/* Only the owner of the network namespace can mount a new sysfs. */
	bool bound = net == NET_HOST || net == NET_PATH;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) - bound; i++)
		add_of_kernel(b, &table[i]);
	if (bound)
		do_place_tree(b, "/sys", "/sys", false)->cover = DO_COVER_NONE;
	do_place_tmpfs(b, "/dev/shm", "mode=1777", 25);
}

/* Whether a mount point exists at the path, or can be created there. */
static bool can_hold(const struct do_builder *b, const char *path, bool there)
{
	const struct do_place *cover = do_places_find(b->places, path, false);

	return cover && (cover->cover == DO_COVER_OWN || (cover->cover == DO_COVER_HOST && there));
}

static void add_home(struct do_builder *b)
{
	const struct machine *m = b->request->machine;
	bool usable = m->home && !do_home_is_of_system(m->home);

	b->places->home = "/tmp";
	if (b->request->root) {
		b->places->home = "/root";
		do_place_kept(b, "/root", "mode=700", b->request->layer != NULL);
		usable = usable && !str_equal(m->home, "/root");
	}
	if (usable && b->request->root) {
		do_place_kept(b, m->home, "mode=700", false);
	} else if (usable && can_hold(b, m->home, m->home_there)) {
		b->places->home = m->home;
		if (b->request->home == DO_HOME_READ && m->home_there)
			(void)do_place_tree(b, m->home, m->home, false);
		else if (b->request->home == DO_HOME_SCRATCH && m->home_there)
			(void)do_place_scratch(b, m->home, m->home, b->request->home_squash);
		else
			do_place_kept(b, m->home, "mode=700", b->request->layer != NULL);
	}
	if (m->home && !usable && !b->request->root)
		do_say(b, arena_strf(b->arena, "%s is no home directory: HOME is %s inside",
				     m->home, b->places->home));
	if (m->passwd_home && m->passwd_home_there && !do_home_is_of_system(m->passwd_home) &&
	    is_of_host(b, do_places_find(b->places, m->passwd_home, true)))
		(void)do_place_empty(b, m->passwd_home);
}

static void add_private(struct do_builder *b)
{
	const char *runtime = arena_strf(b->arena, "/run/user/%u", b->request->machine->uid);

	do_place_kept(b, "/tmp", "mode=1777", false);
	if (can_hold(b, "/var/tmp", b->request->machine->has_var_tmp))
		do_place_kept(b, "/var/tmp", "mode=1777", false);
	do_place_tmpfs(b, "/run", "mode=755", 5);
	do_place_tmpfs(b, "/run/lock", "mode=1777", 1);
	do_place_tmpfs(b, runtime, "mode=700", 5);
}

static struct do_place *add_path(struct do_builder *b, const struct do_path *path)
{
	const enum do_phase phase = b->phase;
	struct do_place *place;

	/* What is missing from the copied tree cannot be uncovered. */
	if (path->how == DO_HIDE)
		b->phase = do_places_find(b->places, path->target, false)->phase;

	if (path->how == DO_SCRATCH)
		place = do_place_scratch(b, path->source, path->target, path->squash);
	else if (path->how != DO_HIDE)
		place = path->directory ? do_place_tree(b, path->source, path->target,
							path->how == DO_WRITE)
					: do_place_file(b, path->source, path->target,
							path->how == DO_WRITE);
	else if (path->directory)
		place = do_place_empty(b, path->target);
	else
		place = do_place_add(
			b, (struct do_place){ .target = path->target,
					      .type = "bind",
					      .source = "/dev/null",
					      .words = { "bind", "ro", "nosuid", "noexec" },
					      .cover = DO_COVER_NONE,
					      .file = true });
	b->phase = phase;
	place->option = path->option;
	place->there = path->there;
	return place;
}

/* If an option mounted something else there, or made the directory read-only, there is nothing to
 * guard. */
static void add_guards(struct do_builder *b)
{
	for (size_t i = 0; i < b->request->n_guards; i++) {
		const struct do_path *guard = &b->request->guards[i];
		const struct do_place *place = do_places_find(b->places, guard->target, true);

		if (place->writable && !str_equal(place->target, guard->target))
			(void)add_path(b, guard);
	}
}

static const char *parent_of(struct do_builder *b, const char *path)
{
	return arena_strndup(b->arena, path, (size_t)(strrchr(path, '/') - path));
}

/* Only a mount point cannot be renamed, so the writable directories above become mount points, too:
 * otherwise they could be moved aside on the host and created anew. The path of a volume may
 * contain links. */
static void pin_parents(struct do_builder *b, const struct do_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *dir = paths[i].target;

		if (paths[i].how == DO_WRITE || !str_equal(paths[i].source, dir))
			continue;
		while (*(dir = parent_of(b, dir))) {
			const struct do_place *place = do_places_find(b->places, dir, true);

			if (!place->writable || place->cover != DO_COVER_HOST)
				break;
			if (!str_equal(place->target, dir))
				(void)do_place_tree(b, dir, dir, true);
		}
	}
}

static int add_paths(struct do_builder *b, struct err *err)
{
	const struct do_request *q = b->request;

	for (size_t i = 0; i < q->n_hidden; i++)
		if (is_of_host(b, do_places_find(b->places, q->hidden[i].target, false)))
			(void)add_path(b, &q->hidden[i]);
	for (size_t i = 0; i < q->n_tools; i++)
		(void)add_path(b, &q->tools[i]);
	for (size_t i = 0; i < q->n_devices; i++)
		(void)do_place_add(b, (struct do_place){ .target = q->devices[i],
							 .type = "bind",
							 .source = q->device_sources[i],
							 .words = { "bind", "nosuid", "noexec" },
							 .cover = DO_COVER_NONE,
							 .option = "--device",
							 .there = true });
	for (size_t i = 0; i < q->n_paths; i++) {
		int r = do_check_target(&q->paths[i], err);

		if (r < 0)
			return r;
		(void)add_path(b, &q->paths[i]);
	}
	add_guards(b);
	pin_parents(b, q->paths, q->n_paths);
	pin_parents(b, q->guards, q->n_guards);
	return 0;
}

static void say_copy(struct do_builder *b, const char *cwd)
{
	do_say(b, arena_strf(b->arena,
			     b->request->layer ? "changes in %s are kept in %s"
					       : "changes in %s are discarded at the end: --rw . "
						 "keeps them",
			     cwd, b->request->layer));
}

/* A copy in which the user cannot write is useless: that of others' directory or, if the kernel
 * makes it, of one whose group cannot be mapped. */
static void add_own_cwd(struct do_builder *b, const char *cwd, const struct do_place *cover)
{
	const struct machine *m = b->request->machine;

	if (m->cwd_own && (!m->cwd_group || !b->request->unserved)) {
		(void)do_place_scratch(b, cwd, cwd, m->cwd_group || m->cwd_mixed);
		say_copy(b, cwd);
		return;
	}
	if (cover->cover == DO_COVER_OWN)
		(void)do_place_tree(b, cwd, cwd, false);
	if (m->cwd_group)
		do_say(b,
		       arena_strf(
			       b->arena,
			       "%s is read-only inside: it belongs to the group %s, which cannot "
			       "be mapped, and %s; --rw . makes it writable",
			       cwd, m->cwd_group, b->request->unserved));
	else
		do_say(b, arena_strf(b->arena, "%s is read-only inside: --rw . makes it writable",
				     cwd));
}

/* Shows the caller's directory at its own path, unchanged unless an option asks otherwise. */
static void add_cwd(struct do_builder *b)
{
	const char *cwd = b->request->machine->cwd;
	const struct do_place *place = cwd ? do_places_find(b->places, cwd, true) : NULL;

	b->places->cwd = cwd;
	if (!place || (place->cover == DO_COVER_NONE && !place->option)) {
		b->places->cwd = b->places->home;
		do_say(b, arena_strf(b->arena, "%s is not visible inside: the program starts in %s",
				     cwd ? cwd : "the current directory", b->places->home));
		return;
	}
	if (b->request->root && is_of_host(b, place))
		say_copy(b, cwd);
	if (place->option || place->writable || str_equal(cwd, "/") ||
	    (b->request->root && is_of_host(b, place)))
		return;
	if (str_equal(place->target, cwd) && place->cover == DO_COVER_OWN) {
		do_say(b,
		       arena_strf(b->arena,
				  "%s is empty inside, and discarded at the end: --ro . or --rw . "
				  "shows the real one",
				  cwd));
		return;
	}
	add_own_cwd(b, cwd, place);
}

/* In another tree, only what an option shows of this machine exists. */
static void set_tree_cwd(struct do_builder *b)
{
	const char *cwd = b->request->machine->cwd;
	const struct do_place *place = cwd ? do_places_find(b->places, cwd, true) : NULL;

	b->places->home = "/root";
	b->places->cwd = place && place->option ? cwd : "/";
}

static int set_workdir(struct do_builder *b, struct err *err)
{
	const char *dir = b->request->workdir;
	const struct do_place *place = dir ? do_places_find(b->places, dir, true) : NULL;

	if (!dir)
		return 0;
	/* A missing one would have to be created, perhaps in a directory of the user's. Only a
	 * layer may have what the host lacks. */
	if (!b->request->workdir_there &&
	    !(b->request->layer && place && place->cover == DO_COVER_OWN))
		return err_set(err, ENOTDIR, "--workdir %s: no such directory", dir);
	b->places->cwd = dir;
	return 0;
}

/* With the host's network, names are resolved as on the host, wherever the links of resolv.conf
 * lead. */
static void add_resolver(struct do_builder *b)
{
	const struct machine *m = b->request->machine;
	bool hosts = b->request->net.kind == NET_HOST;

	if (b->request->rootfs) {
		if (hosts && b->request->rootfs_resolv && m->resolver_real)
			(void)do_place_file(b, m->resolver_real, "/etc/resolv.conf", false);
		return;
	}
	for (size_t i = 0; hosts && i < m->n_resolver; i++) {
		const struct machine_entry *hop = &m->resolver[i];
		const struct do_place *place = do_places_find(b->places, hop->path, true);

		if (place->cover != DO_COVER_OWN || is_of_host(b, place) ||
		    str_equal(place->target, hop->path))
			continue;
		if (hop->kind == MACHINE_LINK)
			do_place_link(b, hop->path);
		else if (hop->kind == MACHINE_FILE && m->resolver_real)
			(void)do_place_file(b, m->resolver_real, hop->path, false);
	}
}

/* Whoever can write to the layer from inside can forge the kernel's attributes. */
static int check_layer(const struct do_builder *b, struct err *err)
{
	const char *layer = b->request->layer;
	const struct do_place *place = layer ? do_places_find(b->places, layer, true) : NULL;

	if (layer && b->request->root && is_of_host(b, place))
		return err_set(err, EINVAL,
			       "--overlay=%s: it would be seen inside, in %s: choose a directory "
			       "in the home directory",
			       layer, place->target);
	if (!place || !place->writable)
		return 0;
	(void)err_set(err, EINVAL, "--overlay=%s: it would be writable inside, because of %s %s",
		      layer, place->option ? place->option : "--rw", place->target);
	return err_hint(err, "choose a directory outside it");
}

static int check_place(const struct do_builder *b, const struct do_place *place, struct err *err)
{
	const struct do_place *cover = do_places_find(b->places, place->target, false);

	if (!place->option || !cover || cover->cover == DO_COVER_OWN ||
	    (cover->cover == DO_COVER_HOST && place->there))
		return 0;
	if (cover->cover == DO_COVER_HOST) {
		(void)err_set(err, EINVAL,
			      "%s: %s does not exist, and no mount point is created in the %s %s",
			      place->option, place->target, b->request->rootfs ? "tree" : "host's",
			      b->request->rootfs ? b->request->rootfs : cover->target);
		return b->request->rootfs
			       ? err_hint(err,
					  "choose a path that exists in the tree, or add --overlay")
			       : err_hint(err,
					  "choose a path below /tmp, /run or the home directory");
	}
	return err_set(err, EINVAL, "%s: %s is in %s, which %s, so nothing can be mounted there",
		       place->option, place->target, cover->target,
		       cover->cover == DO_COVER_ELSEWHERE ? "shows another directory of the host"
							  : "is a file, a link or the kernel's");
}

static int compare(const void *a, const void *b)
{
	const struct do_place *x = a, *y = b;

	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

int do_places_build(struct arena *arena, const struct do_request *request, struct do_places *places,
		    struct do_result *said, struct err *err)
{
	struct do_builder b = { DO_PHASE_BELOW, arena, request, places, said };
	int r;

	*places = (struct do_places){ 0 };
	if (request->rootfs)
		add_rootfs(&b);
	else
		add_root(&b);
	if (request->root)
		begin_copy(&b);
	add_kernel(&b);
	if (request->rootfs) {
		do_place_tmpfs(&b, "/run", "mode=755", 5);
	} else {
		add_private(&b);
		add_home(&b);
	}
	r = add_paths(&b, err);
	if (r < 0)
		return r;
	if (request->rootfs)
		set_tree_cwd(&b);
	else
		add_cwd(&b);
	r = set_workdir(&b, err);
	if (r == 0)
		r = check_layer(&b, err);
	if (r == 0)
		r = do_state_hide(&b, err);
	add_resolver(&b);
	if (request->root)
		do_place_copy(&b);
	for (size_t i = 0; r == 0 && i < places->n; i++)
		r = check_place(&b, &places->v[i], err);
	qsort(places->v, places->n, sizeof(*places->v), compare);
	return r;
}
