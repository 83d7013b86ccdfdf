/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts.h"

#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/host/mountinfo.h"
#include "src/sys/compat.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"

/* 0: nothing is there. */
static int type_of(const char *path, uint32_t *ret)
{
	struct statfs fs;

	*ret = 0;
	if (statfs(path, &fs) == 0)
		*ret = (uint32_t)fs.f_type;
	else if (errno != ENOENT && errno != ENOTDIR)
		return -errno;
	return 0;
}

int facts_cgroup_mode(void)
{
	uint32_t type, below = 0;
	int r = type_of(MOUNT, &type);

	if (r == 0 && type == TMPFS_MAGIC)
		r = type_of(MOUNT "/unified", &below);
	if (r < 0)
		return r;
	if (type == CGROUP2_SUPER_MAGIC)
		return FACTS_CGROUP_V2;
	if (type != TMPFS_MAGIC)
		return FACTS_CGROUP_NONE;
	return below == CGROUP2_SUPER_MAGIC ? FACTS_CGROUP_HYBRID : FACTS_CGROUP_V1;
}

static bool piece_has_word(struct mountinfo_piece list, const char *word, size_t len)
{
	struct mountinfo_piece one;

	for (size_t i = 0; text_field(list.s, list.len, ',', i, &one.s, &one.len); i++)
		if (one.len == len && memcmp(one.s, word, len) == 0)
			return true;
	return false;
}

/* The lines of mountinfo (thousands on some machines) that are cgroup file systems, or may cover
 * one. */
struct mounts {
	struct arena *arena;
	struct mountinfo_line *v;
	size_t n, cap;
};

static void keep(struct mounts *mounts, const struct mountinfo_line *mount)
{
	mounts->v =
		arena_room(mounts->arena, mounts->v, mounts->n, &mounts->cap, sizeof(*mounts->v));
	mounts->v[mounts->n++] = *mount;
}

static bool is_prefix(struct mountinfo_piece dir, struct mountinfo_piece path)
{
	if (dir.len > path.len || memcmp(dir.s, path.s, dir.len) != 0)
		return false;
	return dir.len == path.len || dir.len == 1 || path.s[dir.len] == '/';
}

static bool is_cgroup(const struct mountinfo_line *mount)
{
	return mountinfo_is(mount->type, "cgroup") || mountinfo_is(mount->type, "cgroup2");
}

static void collect(const char *mountinfo, struct mounts *mounts)
{
	struct mountinfo_line mount;
	const char *next;
	size_t n;

	for (next = mountinfo; mountinfo_next(&next, &mount);)
		if (is_cgroup(&mount))
			keep(mounts, &mount);
	n = mounts->n;
	for (next = mountinfo; n && mountinfo_next(&next, &mount);) {
		bool above = false;

		for (size_t i = 0; i < n && !above; i++)
			above = is_prefix(mount.target, mounts->v[i].target);
		if (above && !is_cgroup(&mount))
			keep(mounts, &mount);
	}
}

static bool same(struct mountinfo_piece a, struct mountinfo_piece b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static const struct mountinfo_line *find_mount(const struct mounts *mounts,
					       struct mountinfo_piece id)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (same(mounts->v[i].id, id))
			return &mounts->v[i];
	return NULL;
}

/* Whether other covers mount: it lies on mount itself (checked only for the mount we look for; on
 * the way to it, a mount on a mount leads on), or on the same parent at a shorter path. */
static bool hides(const struct mountinfo_line *other, const struct mountinfo_line *mount, bool last)
{
	if (last && same(other->parent, mount->id) && same(other->target, mount->target))
		return true;
	return !same(other->id, mount->id) && same(other->parent, mount->parent) &&
	       other->target.len < mount->target.len && is_prefix(other->target, mount->target);
}

/* A mount is hidden if another covers it, or one of those that lead to it. */
static bool is_hidden(const struct mounts *mounts, const struct mountinfo_line *mount)
{
	const struct mountinfo_line *at = mount;

	for (size_t depth = 0; at && depth < mounts->n; depth++) {
		for (size_t i = 0; i < mounts->n; i++)
			if (hides(&mounts->v[i], at, at == mount))
				return true;
		at = find_mount(mounts, at->parent);
	}
	return false;
}

/* A line of /proc/self/cgroup, "5:cpu,cpuacct:/user.slice"; the path may contain colons. */
struct group_line {
	struct mountinfo_piece controllers, path;
};

static bool parse_group(const char *line, size_t len, struct group_line *ret)
{
	struct mountinfo_piece id;

	if (!text_field(line, len, ':', 0, &id.s, &id.len) ||
	    !text_field(line, len, ':', 1, &ret->controllers.s, &ret->controllers.len) ||
	    !text_field(line, len, ':', 2, &ret->path.s, &ret->path.len))
		return false;
	ret->path.len = (size_t)(line + len - ret->path.s);
	return ret->path.len > 0 && ret->path.s[0] == '/';
}

/* A controller is in one hierarchy only, so the first one identifies the mount. */
static bool is_mount_of(const struct mountinfo_line *mount, const struct group_line *group)
{
	struct mountinfo_piece word;

	if (group->controllers.len == 0)
		return mountinfo_is(mount->type, "cgroup2");
	if (!mountinfo_is(mount->type, "cgroup"))
		return false;
	(void)text_field(group->controllers.s, group->controllers.len, ',', 0, &word.s, &word.len);
	return piece_has_word(mount->super, word.s, word.len);
}

/* The cgroup's path below the mount's root: a container may see only its own cgroup,
 * bind-mounted. */
static const char *relative(const char *root, const char *path)
{
	size_t len = strlen(root);

	if (str_equal(root, "/"))
		return path;
	if (!str_starts(path, root) || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return path[len] ? path + len : "/";
}

/* Picks the hierarchy's best mount: one that shows the caller's cgroup, preferably at the usual
 * place. */
static bool find_hierarchy(struct mounts *mounts, const struct group_line *group,
			   struct facts_hierarchy *ret)
{
	struct arena *arena = mounts->arena;
	const char *path = arena_strndup(arena, group->path.s, group->path.len);
	int best = 0;

	if (path_has_dotdot(path)) /* outside of the cgroup namespace's root */
		path = "/";
	for (size_t i = 0; i < mounts->n; i++) {
		const struct mountinfo_line *mount = &mounts->v[i];
		const char *own, *target;
		int points;

		if (!is_mount_of(mount, group) || is_hidden(mounts, mount))
			continue;
		target = mountinfo_text(arena, mount->target);
		own = relative(mountinfo_text(arena, mount->root), path);
		points = 1 + (own ? 2 : 0) + (str_starts(target, MOUNT) ? 1 : 0);
		if (points <= best)
			continue;
		best = points;
		ret->controllers =
			arena_strndup(arena, group->controllers.s, group->controllers.len);
		ret->mount = target;
		ret->own = own ? own : "/";
	}
	return best > 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n + 1;
}

void facts_cgroup_parse(struct arena *arena, const char *cgroup, const char *mountinfo,
			struct facts_cgroup *ret)
{
	struct mounts mounts = { .arena = arena };
	struct facts_hierarchy unified;
	const char *line;
	bool have_unified = false;
	size_t len;

	ret->v = arena_array(arena, count_lines(cgroup) + 1, sizeof(*ret->v));
	ret->n = 0;
	collect(mountinfo, &mounts);
	while (text_line(&cgroup, &line, &len)) {
		struct facts_hierarchy found;
		struct group_line group;

		if (!parse_group(line, len, &group) || !find_hierarchy(&mounts, &group, &found))
			continue;
		if (group.controllers.len == 0) {
			unified = found;
			have_unified = true;
		} else {
			ret->v[ret->n++] = found;
		}
	}
	if (have_unified)
		ret->v[ret->n++] = unified;
}

static char *own_file(struct arena *arena, const struct facts_hierarchy *h, const char *name)
{
	return arena_strf(arena, "%s%s%s%s", h->mount, str_equal(h->own, "/") ? "" : h->own,
			  *name ? "/" : "", name);
}

static bool may_write(struct arena *arena, const struct facts_hierarchy *h, const char *name)
{
	return compat_access(own_file(arena, h, name), W_OK) == 0;
}

/* v2: whether cgroups can be created, and processes moved out of the caller's cgroup (the kernel
 * checks cgroup.procs of the common ancestor). v1: in every hierarchy, except that named ones and
 * the v2 tree limit nothing. */
static bool is_own_writable(struct arena *arena, const struct facts_cgroup *cgroup)
{
	bool any = false;

	for (size_t i = 0; i < cgroup->n; i++) {
		const struct facts_hierarchy *h = &cgroup->v[i];

		if (cgroup->mode != FACTS_CGROUP_V2 &&
		    (!*h->controllers || str_starts(h->controllers, "name=")))
			continue;
		if (!may_write(arena, h, "") || !may_write(arena, h, "cgroup.procs"))
			return false;
		any = true;
	}
	return any;
}

/* A caller that overrides file modes is only stopped by read-only mounts: all of them or none. */
static bool is_mount_writable(struct arena *arena, const struct facts_cgroup *cgroup)
{
	return cgroup->n > 0 && may_write(arena, &cgroup->v[0], "");
}

static int read_controllers(struct arena *arena, const struct facts_hierarchy *h, const char **ret)
{
	char *text;
	int r = text_read(arena, own_file(arena, h, "cgroup.controllers"), &text);

	if (r == 0)
		*ret = text;
	return r;
}

/* Does without mountinfo, which may be long, if the usual place shows the caller's cgroup. false if
 * it does not (a bind mount in a container). */
static bool guess_v2(struct arena *arena, const char *groups, struct facts_cgroup *ret)
{
	const char *line;
	size_t len;

	while (text_line(&groups, &line, &len)) {
		struct group_line group;
		struct facts_hierarchy *h;

		if (!parse_group(line, len, &group) || group.controllers.len)
			continue;
		h = arena_new(arena, struct facts_hierarchy);
		h->controllers = "";
		h->mount = MOUNT;
		h->own = arena_strndup(arena, group.path.s, group.path.len);
		ret->v = h;
		ret->n = 1;
		return !path_has_dotdot(h->own) &&
		       read_controllers(arena, h, &ret->controllers) == 0;
	}
	return false;
}

/* Keeps only what belongs to the mode: a v2 tree mounted elsewhere beside v1, or a v1 hierarchy
 * beside v2, is somebody's experiment. */
static void keep_mode(struct facts_cgroup *cgroup)
{
	bool unified = cgroup->n > 0 && !*cgroup->v[cgroup->n - 1].controllers;

	if (cgroup->mode == FACTS_CGROUP_V1 && unified)
		cgroup->n--;
	if (cgroup->mode == FACTS_CGROUP_V2) {
		cgroup->v += unified ? cgroup->n - 1 : 0;
		cgroup->n = unified;
	}
}

static int search(struct arena *arena, const char *groups, struct facts_cgroup *ret,
		  struct err *err)
{
	char *mounts;
	int r = mountinfo_read(arena, &mounts, err);

	if (r < 0)
		return r;
	facts_cgroup_parse(arena, groups, mounts, ret);
	keep_mode(ret);
	if (ret->mode == FACTS_CGROUP_V2 && ret->n)
		(void)read_controllers(arena, &ret->v[0], &ret->controllers);
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && str_equal(text + len - n, end);
}

/* systemd (since 251) marks delegated cgroups; in all others that it owns it may do as it likes. */
static bool is_delegated(struct arena *arena, const struct facts_hierarchy *h)
{
	char mark[2];

	if (!ends_with(h->own, ".service") && !ends_with(h->own, ".scope"))
		return false;
	return getxattr(own_file(arena, h, ""), "user.delegate", mark, sizeof(mark)) == 1 &&
	       mark[0] == '1';
}

static bool is_shared(struct arena *arena, const struct facts_hierarchy *h)
{
	char *text, *end;

	if (text_read(arena, own_file(arena, h, "cgroup.procs"), &text) < 0)
		return true;
	return strtol(text, &end, 10) != (long)getpid() || end[strspn(end, "\n")];
}

static bool is_parent_writable(struct arena *arena, const struct facts_hierarchy *h)
{
	const char *slash = strrchr(h->own, '/');
	struct facts_hierarchy parent = { .mount = h->mount };

	if (!slash || slash == h->own)
		return false;
	parent.own = arena_strndup(arena, h->own, (size_t)(slash - h->own));
	return may_write(arena, &parent, "") && may_write(arena, &parent, "cgroup.procs");
}

/* Each question takes one to three system calls, so ask only what a plan may depend on. */
static void look_around(struct arena *arena, bool any_mode, struct facts_cgroup *cgroup)
{
	const struct facts_hierarchy *own = &cgroup->v[0];

	if (cgroup->mode != FACTS_CGROUP_V2)
		return;
	cgroup->own_delegated = cgroup->own_writable && is_delegated(arena, own);
	if (cgroup->own_writable && (!any_mode || cgroup->own_delegated))
		cgroup->own_shared = is_shared(arena, own);
	if (!any_mode && (!cgroup->own_writable || cgroup->own_shared))
		cgroup->parent_writable = is_parent_writable(arena, own);
}

void facts_cgroup_add_unified(struct arena *arena, struct facts_cgroup *cgroup)
{
	if (cgroup->mode == FACTS_CGROUP_HYBRID && cgroup->n &&
	    !*cgroup->v[cgroup->n - 1].controllers)
		(void)read_controllers(arena, &cgroup->v[cgroup->n - 1], &cgroup->controllers);
}

int facts_cgroup_gather(struct arena *arena, const struct caller *caller, struct facts_cgroup *ret,
			struct err *err)
{
	struct facts_cgroup cgroup = { .controllers = "" };
	bool any_mode =
		caller->initial_userns && caller->caps_effective & (1ULL << CAP_DAC_OVERRIDE);
	char *groups;
	int r = facts_cgroup_mode();

	*ret = (struct facts_cgroup){ .mode = FACTS_CGROUP_NONE, .controllers = "" };
	if (r == -EACCES && !any_mode) /* some hosts close /sys to users */
		return 0;
	if (r < 0)
		return err_errno(err, -r, "look at the cgroups in " MOUNT);
	cgroup.mode = (enum facts_cgroup_mode)r;
	if (cgroup.mode == FACTS_CGROUP_NONE)
		return 0;
	r = text_read(arena, "/proc/self/cgroup", &groups);
	if (r < 0)
		return err_errno(err, -r, "read /proc/self/cgroup");
	if (cgroup.mode != FACTS_CGROUP_V2 || !guess_v2(arena, groups, &cgroup))
		r = search(arena, groups, &cgroup, err);
	if (r < 0 || cgroup.n == 0)
		return r;
	cgroup.own_writable =
		any_mode ? is_mount_writable(arena, &cgroup) : is_own_writable(arena, &cgroup);
	look_around(arena, any_mode, &cgroup);
	*ret = cgroup;
	return 0;
}
