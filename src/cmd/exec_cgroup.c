/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/exec_cgroup.h"

#include "src/base/path.h"

#include <string.h>
#include <unistd.h>

struct choice {                  /* one --cgroup */
	const char *controllers; /* "cpu,memory", or NULL */
	const char *path;
};

static bool is_v2(const struct cgroup_dir *dir)
{
	return !dir->controllers || !*dir->controllers;
}

static bool has_controller(const struct cgroup_dir *dir, const char *name, size_t len)
{
	for (const char *at = is_v2(dir) ? "" : dir->controllers; *at; at += strspn(at, ",")) {
		size_t n = strcspn(at, ",");

		if (n == len && memcmp(at, name, n) == 0)
			return true;
		at += n;
	}
	return false;
}

static bool is_chosen(const struct cgroup_dir *dir, const struct choice *choice)
{
	for (const char *at = choice->controllers; at && *at; at += strspn(at, ",")) {
		size_t n = strcspn(at, ",");

		if (has_controller(dir, at, n))
			return true;
		at += n;
	}
	return !choice->controllers;
}

/* A name that no hierarchy has would otherwise choose nothing without a word. */
static int check_controllers(const struct state *state, const struct choice *choice,
			     struct err *err)
{
	for (const char *at = choice->controllers; at && *at; at += strspn(at, ",")) {
		size_t n = strcspn(at, ","), found = 0;

		for (size_t i = 0; i < state->cgroup_dirs.n; i++)
			found += has_controller(&state->cgroup_dirs.v[i], at, n);
		if (!found) {
			(void)err_set(err, EINVAL, "exec failed: --cgroup: unknown controller %.*s",
				      (int)n, at);
			err_hint(err, "names of controllers belong to cgroup v1; "
				      "on v2 there is one group, --cgroup PATH");
			return -EINVAL;
		}
		at += n;
	}
	return 0;
}

static int descend(struct arena *arena, struct cgroup_dir *dir, bool alone, const char *path,
		   struct err *err)
{
	const char *joined = *path ? path_join(arena, dir->path, path) : dir->path;
	const char *group = arena_strf(arena, "%s%s", dir->mount, joined);

	/* Directories are all there is below it: no link leads elsewhere. The v2 tree of a hybrid host limits
	 * nothing, and who makes groups there thinks of v1 only. */
	if (access(group, F_OK) < 0 && !alone && is_v2(dir))
		return 0;
	if (access(group, F_OK) < 0)
		return err_set(err, ENOENT,
			       "exec failed: --cgroup: adding pid to %s: no such file or directory",
			       group);
	dir->path = joined;
	return 0;
}

static int choose(struct arena *arena, const char *value, struct state *state, struct err *err)
{
	const char *colon = strchr(value, ':');
	const char *path = colon ? colon + 1 : value;
	/* The container's own group is the root of it: path_join() would begin at the host's. */
	struct choice choice = { .path = path + strspn(path, "/") };
	int r;

	if (colon)
		choice.controllers = arena_strndup(arena, value, (size_t)(colon - value));
	if (path_has_dotdot(choice.path))
		return err_set(
			err, EINVAL,
			"exec failed: --cgroup: bad sub cgroup path: %s is not a sub cgroup path",
			choice.path);
	r = check_controllers(state, &choice, err);
	for (size_t i = 0; r == 0 && i < state->cgroup_dirs.n; i++)
		if (is_chosen(&state->cgroup_dirs.v[i], &choice))
			r = descend(arena, &state->cgroup_dirs.v[i], state->cgroup_dirs.n == 1,
				    choice.path, err);
	return r;
}

int exec_cgroup_apply(struct arena *arena, const struct option_list *values, struct state *state,
		      struct err *err)
{
	int r = 0;

	if (values->n && !state->cgroup_dirs.n)
		return err_set(err, ENOTSUP,
			       "exec failed: --cgroup needs a cgroup, and container %s has none",
			       state->id);
	for (size_t i = 0; r == 0 && i < values->n; i++)
		r = choose(arena, values->v[i], state, err);
	return r;
}
