/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the files that the command line names on this machine. */
#include "src/base/path.h"
#include "src/cmd/do_parts.h"
#include "src/cmd/do_tree.h"
#include "src/sys/privs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether no link of the user's leads the last component of an absolute path out of its directory:
 * a program that ran as the user could have left only such links. */
static bool stays_below(struct do_parts *p, const char *path, size_t dir_len)
{
	const char *dir, *real;
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	if (!S_ISLNK(st.st_mode) || st.st_uid != p->machine.uid)
		return true;
	return machine_find(p->arena, arena_strndup(p->arena, path, dir_len), &dir) &&
	       machine_find(p->arena, path, &real) && path_is_below(real, dir);
}

/* If an earlier program left a link in place of `out`, --rw out must not show its target under any
 * name. */
static int check_links(struct do_parts *p, const char *option, const char *word, const char *real,
		       struct err *err)
{
	const char *path = path_join(p->arena, p->machine.cwd, word);
	const char *name = path, *end;
	bool below = true;

	for (; below && *name; name = end) {
		name += strspn(name, "/");
		end = name + strcspn(name, "/");
		below = stays_below(p, arena_strndup(p->arena, path, (size_t)(end - path)),
				    (size_t)(name - path));
	}
	if (*word != '/' && !path_has_dotdot(word))
		below = below && path_is_below(real, p->machine.cwd);
	if (below)
		return 0;
	(void)err_set(err, EINVAL, "%s %s: is a symbolic link to %s", option, word, real);
	return err_hint(err, "if you mean that, name %s itself", real);
}

static int find_source(struct do_parts *p, const char *word, struct do_path *path, struct err *err)
{
	enum machine_kind kind;

	if (!*word) /* of a volume */
		return err_set(err, EINVAL, "%s: expected a path, got an empty string",
			       path->option);
	if (!p->machine.cwd && *word != '/')
		return err_set(err, EINVAL, "%s %s: the current directory no longer exists",
			       path->option, word);
	kind = machine_find(p->arena, path_join(p->arena, p->machine.cwd, word), &path->source);
	if (kind == MACHINE_MISSING)
		return err_set(err, EINVAL, "%s %s: it does not exist, or is not accessible",
			       path->option, word);
	path->directory = kind == MACHINE_DIRECTORY;
	path->target = path->source;
	path->there = !p->q.rootfs ||
		      do_tree_find(p->arena, p->q.rootfs, path->source) != MACHINE_MISSING;
	if (path->how == DO_SCRATCH && !path->directory)
		return err_set(err, ENOTDIR, "%s %s: only directories can be copied", path->option,
			       word);
	if (check_links(p, path->option, word, path->source, err) < 0)
		return -err->code;
	return path->how == DO_SCRATCH ? do_copies_choose(p, word, path, err) : 0;
}

/* "SRC:DST", "SRC:DST:ro". */
static int find_volume(struct do_parts *p, const char *word, struct do_path *path, struct err *err)
{
	const char *colon = strchr(word, ':'), *end = colon ? strchr(colon + 1, ':') : NULL;
	int r;

	path->option = "--volume";
	if (!colon || colon[1] != '/' || (end && !str_equal(end, ":ro") && !str_equal(end, ":rw")))
		return err_set(err, EINVAL,
			       "--volume %s: expected SRC:DST, SRC:DST:ro or SRC:DST:rw, with an "
			       "absolute DST",
			       word);
	path->how = str_equal(end, ":ro") ? DO_READ : DO_WRITE;
	r = find_source(p, arena_strndup(p->arena, word, (size_t)(colon - word)), path, err);
	if (r < 0)
		return r;
	path->target = path_clean(
		p->arena,
		end ? arena_strndup(p->arena, colon + 1, (size_t)(end - colon - 1)) : colon + 1);
	path->there = do_tree_find(p->arena, p->q.rootfs, path->target) != MACHINE_MISSING;
	return 0;
}

static int find_guards(struct do_parts *p, struct err *err)
{
	const struct do_texts unprotected = { p->o->unprotect.v, p->o->unprotect.n };
	int r = do_check_unprotected(&unprotected, err);

	/* First, because processes come and go in /proc, so that no search of it ends well. */
	for (size_t i = 0; r == 0 && i < p->q.n_paths; i++)
		r = do_check_target(&p->q.paths[i], err);
	for (size_t i = 0; r == 0 && i < p->q.n_paths; i++)
		if (p->q.paths[i].how == DO_WRITE && p->q.paths[i].directory)
			r = do_guards_find(p->arena, &p->guards, &p->q.paths[i], &unprotected, err);
	p->q.guards = p->guards.v;
	p->q.n_guards = p->guards.n;
	return r;
}

int do_find_paths(struct do_parts *p, struct err *err)
{
	const struct option_list *list = &p->o->paths;
	struct do_path *v = arena_array(p->arena, list->n + p->shared.n_paths, sizeof(*v));
	size_t n = p->shared.n_paths;

	/* Paths named explicitly come later, and win. */
	for (size_t i = 0; i < n; i++)
		v[i] = p->shared.paths[i];
	for (size_t i = 0; i < list->n; i++, n++) {
		const char *word = strchr(list->v[i], '=') + 1;
		size_t len = (size_t)(word - list->v[i]) - 1;
		int r;

		v[n].option = arena_strf(p->arena, "--%.*s", (int)len, list->v[i]);
		v[n].how = str_equal(v[n].option, "--rw")        ? DO_WRITE
			   : str_equal(v[n].option, "--ro")      ? DO_READ
			   : str_equal(v[n].option, "--scratch") ? DO_SCRATCH
								 : DO_HIDE;
		r = str_equal(v[n].option, "--volume") ? find_volume(p, word, &v[n], err)
						       : find_source(p, word, &v[n], err);
		if (r < 0)
			return r;
	}
	p->q.paths = v;
	p->q.n_paths = n;
	return find_guards(p, err);
}

/* Those of them that exist, at their own paths. */
static int find_existing(struct do_parts *p, const struct do_texts *list, enum do_how how,
			 const struct do_path **ret_v, size_t *ret_n, struct err *err)
{
	struct do_path *v = arena_array(p->arena, list->n, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const char *real;
		enum machine_kind kind = machine_find(p->arena, list->v[i], &real);

		if (kind == MACHINE_MISSING && how == DO_HIDE && !err_is_absence(errno))
			return err_errno(err, errno, "look for %s, to hide it", list->v[i]);
		if (kind == MACHINE_MISSING ||
		    (how == DO_READ && !do_home_may_show(p->machine.home, real)))
			continue;
		v[n++] = (struct do_path){ .how = how,
					   .source = real,
					   .target = how == DO_HIDE ? real : list->v[i],
					   .directory = kind == MACHINE_DIRECTORY,
					   .there = true };
	}
	*ret_v = v;
	*ret_n = n;
	return 0;
}

/* Whoever may read everything is told "permission denied" only by mistake. */
static bool is_out_of_reach(const char *path)
{
	const uint64_t all = 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH;

	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		return false;
	return err_is_absence(errno) && !(errno == EACCES && (privs_effective() & all));
}

/* A copy for root has its own password files, and looks users up there. */
static struct do_texts hidden_by_default(struct do_parts *p)
{
	const char **v = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; *do_hidden[i]; i++) {
		v = arena_room(p->arena, v, n, &cap, sizeof(*v));
		v[n++] = do_hidden[i];
	}
	for (size_t i = 0; !p->o->root && *do_secrets[i]; i++) {
		if (is_out_of_reach(do_secrets[i]))
			continue;
		v = arena_room(p->arena, v, n, &cap, sizeof(*v));
		v[n++] = do_secrets[i];
	}
	return (struct do_texts){ v, n };
}

int do_find_defaults(struct do_parts *p, struct err *err)
{
	struct do_texts list = hidden_by_default(p);
	int r = find_existing(p, &list, DO_HIDE, &p->q.hidden, &p->q.n_hidden, err);

	p->q.home = str_equal(p->o->home, "empty")     ? DO_HOME_EMPTY
		    : str_equal(p->o->home, "ro")      ? DO_HOME_READ
		    : str_equal(p->o->home, "scratch") ? DO_HOME_SCRATCH
						       : DO_HOME_TOOLS;
	if (r < 0 || p->q.home != DO_HOME_TOOLS || !p->machine.home || !p->machine.home_there ||
	    str_equal(p->machine.home, "/"))
		return r;
	list = do_home_tools(p->arena, p->machine.home, getenv("PATH"));
	return find_existing(p, &list, DO_READ, &p->q.tools, &p->q.n_tools, err);
}

static int find_device(struct do_parts *p, const char *word, const char **ret, struct err *err)
{
	struct stat st;

	if (!str_starts(word, "/dev/") || path_has_dotdot(word))
		return err_set(err, EINVAL, "--device %s: expected a path below /dev, without ..",
			       word);
	if (!machine_find(p->arena, word, ret) || stat(*ret, &st) < 0)
		return err_errno(err, errno, "--device %s", word);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, EINVAL, "--device %s: it is not a device", word);
	return 0;
}

int do_find_devices(struct do_parts *p, struct err *err)
{
	const struct option_list *list = &p->o->devices;
	const char **sources = arena_array(p->arena, list->n, sizeof(*sources));
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = find_device(p, list->v[i], &sources[i], err);
	p->q.devices = list->v;
	p->q.device_sources = sources;
	p->q.n_devices = list->n;
	return r;
}
