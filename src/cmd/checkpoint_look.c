/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/checkpoint_look.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/host/mountinfo.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MAX_DEPTH = 1000 }; /* of a tree that changes while we look */

static const char *link_text(struct arena *arena, const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));

	return n < 0 || n == (ssize_t)sizeof(text) ? NULL : arena_strndup(arena, text, (size_t)n);
}

static const char *real_place(struct arena *arena, int root, const char *destination)
{
	_cleanup_close_ int fd = resolve_open(root, path_clean(arena, destination), O_PATH);

	return fd < 0 ? NULL : link_text(arena, fd_path(fd).text);
}

static int find_places(struct arena *arena, pid_t pid, const struct oci_config *config,
		       struct checkpoint_look *ret, struct err *err)
{
	const char **real = arena_array(arena, config->mounts.n + 1, sizeof(*real));
	_cleanup_close_ int root = openat(AT_FDCWD, arena_strf(arena, "/proc/%d/root", (int)pid),
					  O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_errno(err, errno, "open the root of process %d", (int)pid);
	for (size_t i = 0; i < config->mounts.n; i++)
		real[i] = real_place(arena, root, config->mounts.v[i].destination);
	ret->real = real;
	return 0;
}

static bool has_mount(const char *mountinfo, const char *id)
{
	struct mountinfo_line line;

	while (mountinfo_next(&mountinfo, &line))
		if (mountinfo_is(line.id, id))
			return true;
	return false;
}

/* "mnt_id:\t27\n" of fdinfo. */
static const char *mount_of(struct arena *arena, pid_t pid, int fd)
{
	char text[4096], *at;
	ssize_t n = io_read_small(AT_FDCWD, arena_strf(arena, "/proc/%d/fdinfo/%d", (int)pid, fd),
				  text, sizeof(text));

	at = n > 0 ? strstr(text, "mnt_id:") : NULL;
	if (!at)
		return NULL;
	at += strlen("mnt_id:");
	at += strspn(at, " \t");
	return arena_strndup(arena, at, strcspn(at, "\n"));
}

/* CRIU handles these in its own ways. */
static bool is_terminal(const struct stat *st)
{
	unsigned int number = major(st->st_rdev);

	return S_ISCHR(st->st_mode) &&
	       (number == 4 || number == 5 || (number >= 136 && number <= 143));
}

static void look_at_stream(struct arena *arena, pid_t pid, int fd, const char *mountinfo,
			   struct plan_criu_stream *ret)
{
	const char *path = arena_strf(arena, "/proc/%d/fd/%d", (int)pid, fd), *mount;
	const char *text = link_text(arena, path);
	struct stat st;
	uint64_t id;

	*ret = (struct plan_criu_stream){ .text = text ? text : "" };
	if (!text || text[0] != '/' || stat(path, &st) < 0 || is_terminal(&st) ||
	    (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)))
		return;
	mount = mount_of(arena, pid, fd);
	if (!mount || has_mount(mountinfo, mount) || parse_u64(mount, &id) < 0)
		return;
	ret->mount = id;
	ret->inode = st.st_ino;
}

struct streams { /* a growing list */
	struct arena *arena;
	const char *mountinfo;
	struct plan_criu_stream *v;
	size_t n, cap;
};

static void add_stream(struct streams *streams, const struct plan_criu_stream *stream)
{
	streams->v = arena_room(streams->arena, streams->v, streams->n, &streams->cap,
				sizeof(*streams->v));
	streams->v[streams->n++] = *stream;
}

static void add_null(struct streams *streams, pid_t pid, int fd)
{
	struct plan_criu_stream stream;

	if (!str_equal(link_text(streams->arena,
				 arena_strf(streams->arena, "/proc/%d/fd/%d", (int)pid, fd)),
		       "/dev/null"))
		return;
	look_at_stream(streams->arena, pid, fd, streams->mountinfo, &stream);
	for (size_t i = 0; i < streams->n; i++)
		if (streams->v[i].mount == stream.mount && streams->v[i].inode == stream.inode)
			return;
	if (stream.inode)
		add_stream(streams, &stream);
}

/* A process that exits meanwhile is not dumped. */
static void add_nulls(struct streams *streams, pid_t pid)
{
	DIR *dir = opendir(arena_strf(streams->arena, "/proc/%d/fd", (int)pid));
	struct dirent *entry;
	int fd, ignored;

	while (dir && (entry = io_next_entry(dir, &ignored)))
		if (parse_int(entry->d_name, &fd) == 0)
			add_null(streams, pid, fd);
	if (dir)
		(void)closedir(dir);
}

/* A namespace that the container joined is not restored. */
static const char *external_ns(struct arena *arena, pid_t pid, const struct oci_config *config,
			       int type, const char *file, const char *name)
{
	const struct oci_linux *linux_ = config->linux_;
	struct stat st;

	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type == type && linux_->namespaces.v[i].path &&
		    stat(arena_strf(arena, "/proc/%d/ns/%s", (int)pid, file), &st) == 0)
			return arena_strf(arena, "%s[%llu]:%s", file, (unsigned long long)st.st_ino,
					  name);
	return NULL;
}

/* Returns 0 for a process that has exited. */
static pid_t parent_of(struct arena *arena, pid_t pid, const char **ret_name)
{
	char text[512], *name, *end;
	ssize_t n = io_read_small(AT_FDCWD, arena_strf(arena, "/proc/%d/stat", (int)pid), text,
				  sizeof(text));
	int parent;

	name = n > 0 ? strchr(text, '(') : NULL;
	end = name ? strrchr(name, ')') : NULL;
	if (!end || sscanf(end, ") %*c %d", &parent) != 1)
		return 0;
	*ret_name = arena_strndup(arena, name, (size_t)(end + 1 - name));
	return parent;
}

/* CRIU saves the first process and its descendants. A process started by `exec` has a parent
 * outside. */
static const char *find_strays(struct arena *arena, const pid_t *pids, size_t n)
{
	const char *found = NULL, *name, *other;

	for (size_t i = 1; i < n; i++) {
		pid_t at = parent_of(arena, pids[i], &name);
		bool known = pids[i] == pids[0] || at == 0;

		for (int depth = 0; !known && at > 1 && depth < MAX_DEPTH; depth++) {
			known = at == pids[0];
			at = parent_of(arena, at, &other);
		}
		if (!known)
			found = arena_strf(arena, "%s%s%d %s", found ? found : "",
					   found ? ", " : "", (int)pids[i], name);
	}
	return found;
}

int checkpoint_look(struct arena *arena, const pid_t *pids, size_t n,
		    const struct oci_config *config, struct checkpoint_look *ret, struct err *err)
{
	struct streams streams = { .arena = arena };
	struct plan_criu_stream stream;
	pid_t pid = pids[0];
	char *mountinfo;
	int r = mountinfo_read_of(arena, pid, &mountinfo, err);

	*ret = (struct checkpoint_look){ 0 };
	if (r == 0)
		r = find_places(arena, pid, config, ret, err);
	if (r < 0)
		return r;
	ret->mountinfo = streams.mountinfo = mountinfo;
	for (int fd = 0; fd < PLAN_CRIU_STREAMS; fd++) {
		look_at_stream(arena, pid, fd, mountinfo, &stream);
		add_stream(&streams, &stream);
	}
	for (size_t i = 0; i < n; i++)
		add_nulls(&streams, pids[i]);
	ret->strays = find_strays(arena, pids, n);
	ret->streams = streams.v;
	ret->n_streams = streams.n;
	ret->external_net = external_ns(arena, pid, config, CLONE_NEWNET, "net", "extRootNetNS");
	ret->external_pid = external_ns(arena, pid, config, CLONE_NEWPID, "pid", "extRootPidNS");
	return 0;
}
