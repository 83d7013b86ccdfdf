/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/machine.h"

#include "src/base/io.h"
#include "src/base/passwd.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/host/mountinfo.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static enum machine_kind kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? MACHINE_DIRECTORY : S_ISLNK(mode) ? MACHINE_LINK : MACHINE_FILE;
}

enum machine_kind machine_find(struct arena *arena, const char *path, const char **ret_real)
{
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(path, real) || stat(real, &st) < 0)
		return MACHINE_MISSING;
	*ret_real = arena_strdup(arena, real);
	return kind_of(st.st_mode);
}

static int compare_entries(const void *a, const void *b)
{
	const struct machine_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Uses the directory's entry types and touches no entry, because it may be an automount point. */
static enum machine_kind kind_of_entry(const struct dirent *entry, const char *path)
{
	struct stat st;

	switch (entry->d_type) {
	case DT_DIR:
		return MACHINE_DIRECTORY;
	case DT_LNK:
		return MACHINE_LINK;
	case DT_UNKNOWN:
		return lstat(path, &st) < 0 ? MACHINE_MISSING : kind_of(st.st_mode);
	default:
		return MACHINE_FILE;
	}
}

static int list_root(struct arena *arena, struct machine *machine, struct err *err)
{
	struct machine_entry *v = NULL;
	DIR *dir = opendir("/");
	struct dirent *entry;
	size_t cap = 0;
	int r;

	if (!dir)
		return err_errno(err, errno, "list /");
	while ((entry = io_next_entry(dir, &r))) {
		struct machine_entry found = { arena_strf(arena, "/%s", entry->d_name), 0 };

		found.kind = kind_of_entry(entry, found.path);
		if (found.kind == MACHINE_MISSING)
			continue;
		v = arena_room(arena, v, machine->n_entries, &cap, sizeof(*v));
		v[machine->n_entries++] = found;
	}
	(void)closedir(dir);
	if (r < 0)
		return err_errno(err, -r, "list /");
	qsort(v, machine->n_entries, sizeof(*v), compare_entries);
	machine->entries = v;
	return 0;
}

static int list_automounts(struct arena *arena, struct machine *machine, struct err *err)
{
	struct mountinfo_line mount;
	const char **v = NULL, *next;
	size_t cap = 0;
	char *text;
	int r = mountinfo_read(arena, &text, err);

	for (next = text; r == 0 && mountinfo_next(&next, &mount);) {
		if (!mountinfo_is(mount.type, "autofs"))
			continue;
		v = arena_room(arena, v, machine->n_automounts, &cap, sizeof(*v));
		v[machine->n_automounts++] = mountinfo_text(arena, mount.target);
	}
	machine->automounts = v;
	return r;
}

/* Follows the links one by one: if one of them is not shown, the rest leads nowhere. */
static void follow_resolver(struct arena *arena, struct machine *machine)
{
	const size_t most = sizeof(machine->resolver) / sizeof(machine->resolver[0]);
	const char *path = "/etc/resolv.conf";

	while (machine->n_resolver < most) {
		char text[PATH_MAX];
		struct stat st;
		ssize_t n;

		if (lstat(path, &st) < 0) {
			if (machine->n_resolver)
				machine->resolver[machine->n_resolver++] =
					(struct machine_entry){ path, MACHINE_MISSING };
			return;
		}
		machine->resolver[machine->n_resolver++] =
			(struct machine_entry){ path, kind_of(st.st_mode) };
		n = S_ISLNK(st.st_mode) ? readlink(path, text, sizeof(text) - 1) : -1;
		if (n < 0) {
			(void)machine_find(arena, path, &machine->resolver_real);
			return;
		}
		text[n] = '\0';
		path = path_clean(arena, path_join(arena, path_join(arena, path, ".."), text));
	}
}

static const char *resolved(struct arena *arena, const char *path, bool *ret_there)
{
	const char *real = NULL;

	if (!path || *path != '/')
		return NULL;
	*ret_there = machine_find(arena, path, &real) == MACHINE_DIRECTORY;
	return real ? real : path_clean(arena, path);
}

static void find_user(struct arena *arena, struct machine *machine)
{
	const char *home = getenv("HOME"), *shell = getenv("SHELL");
	struct passwd user = { 0 };
	char *text;

	machine->uid = geteuid();
	machine->gid = getegid();
	machine->umask = umask(077);
	(void)umask(machine->umask);
	if (text_read(arena, "/etc/passwd", &text) < 0 ||
	    !passwd_find(arena, text, machine->uid, &user))
		user = (struct passwd){ 0 };
	machine->home = resolved(arena, home && *home ? home : user.home, &machine->home_there);
	machine->passwd_home = resolved(arena, user.home, &machine->passwd_home_there);
	if (str_equal(machine->home, machine->passwd_home))
		machine->passwd_home = NULL;
	machine->shell = shell && *shell == '/' ? shell : user.shell ? user.shell : "/bin/sh";
}

int machine_gather(struct arena *arena, struct machine *ret, struct err *err)
{
	char cwd[PATH_MAX];
	struct utsname names;
	struct stat st;
	int r;

	*ret = (struct machine){ 0 };
	r = list_root(arena, ret, err);
	if (r == 0)
		r = list_automounts(arena, ret, err);
	if (r < 0)
		return r;
	follow_resolver(arena, ret);
	find_user(arena, ret);
	ret->arch = arena_strdup(arena, uname(&names) == 0 ? names.machine : "");
	if (getcwd(cwd, sizeof(cwd)) && *cwd == '/') {
		ret->cwd = arena_strdup(arena, cwd);
		ret->cwd_own = stat(".", &st) == 0 && st.st_uid == ret->uid;
		if (ret->cwd_own && st.st_gid != ret->gid)
			ret->cwd_group = arena_strf(arena, "%u", st.st_gid);
	}
	ret->has_var_tmp = lstat("/var/tmp", &st) == 0 && S_ISDIR(st.st_mode);
	return 0;
}
