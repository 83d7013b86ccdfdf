/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/caller.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/passwd.h"
#include "src/base/text.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* 340 lines of three padded numbers. */
enum { MAP_MAX = 64 << 10 };

/* The inode of the initial user namespace, fixed in the kernel (PROC_USER_INIT_INO). A full map
 * proves nothing: another namespace may map all ids to themselves, too. */
static const ino_t first_userns = 0xEFFFFFFDU;

/* The text after "\nName:\t" in /proc/self/status, or NULL. name includes the newline, colon and
 * tab. */
static const char *status_value(const char *status, const char *name)
{
	const char *found = strstr(status, name);

	return found ? found + strlen(name) : NULL;
}

static void parse_groups(struct arena *arena, const char *list, struct caller *caller)
{
	size_t len = strcspn(list, "\n"), n = 0;
	uint32_t *groups = arena_array(arena, len / 2 + 1, sizeof(*groups));
	const char *end = list + len;

	while (list < end) {
		char *rest;

		if (*list < '0' || *list > '9') {
			list++;
			continue;
		}
		groups[n++] = (uint32_t)strtoul(list, &rest, 10);
		list = rest;
	}
	caller->groups = groups;
	caller->n_groups = n;
}

/* "Uid:\treal\teffective\tsaved\tfs" */
static uint32_t effective_id(const char *ids)
{
	char *rest;

	(void)strtoul(ids, &rest, 10);
	return (uint32_t)strtoul(rest, NULL, 10);
}

/* false if the text was truncated (very many groups) or a field is missing. */
static bool parse_status(struct arena *arena, const char *status, struct caller *caller)
{
	const char *uid = status_value(status, "\nUid:\t"), *gid = status_value(status, "\nGid:\t");
	const char *groups = status_value(status, "\nGroups:\t");
	const char *effective = status_value(status, "\nCapEff:\t");
	const char *bounding = status_value(status, "\nCapBnd:\t");
	const char *no_new_privs = status_value(status, "\nNoNewPrivs:\t");
	const char *ignored = status_value(status, "\nSigIgn:\t");

	if (!uid || !gid || !groups || !effective || !bounding || !no_new_privs || !ignored)
		return false;
	caller->uid = effective_id(uid);
	caller->gid = effective_id(gid);
	parse_groups(arena, groups, caller);
	caller->caps_effective = strtoull(effective, NULL, 16);
	caller->caps_bounding = strtoull(bounding, NULL, 16);
	caller->no_new_privs = *no_new_privs == '1';
	caller->signals_ignored = strtoull(ignored, NULL, 16);
	return true;
}

static int ask_one_by_one(struct arena *arena, struct caller *caller, struct err *err)
{
	int n = getgroups(0, NULL);
	gid_t *groups;

	if (n < 0)
		return err_errno(err, errno, "list the caller's groups");
	groups = arena_array(arena, (size_t)n + 1, sizeof(*groups));
	n = getgroups(n, groups);
	if (n < 0)
		return err_errno(err, errno, "list the caller's groups");
	caller->groups = groups;
	caller->n_groups = (size_t)n;
	caller->uid = geteuid();
	caller->gid = getegid();
	caller->caps_effective = privs_effective();
	caller->caps_bounding = privs_bounding();
	caller->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	caller->signals_ignored = ~0ULL; /* not known, so assume all */
	return 0;
}

/* A process that merely entered a user namespace is still in a mount namespace owned by another
 * one, whose owner the kernel does not reveal from below. */
static bool owns_mount_namespace(void)
{
	_cleanup_close_ int mounts = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC),
			    owner;

	if (mounts < 0)
		return false;
	owner = ioctl(mounts, NS_GET_USERNS);
	if (owner < 0)
		return false;
	fd_closep(&owner);
	return true;
}

static void ask_what_is_denied(struct caller *caller)
{
	char setgroups[8];
	ssize_t n = 0;

	caller->owns_mounts = caller->setgroups_allowed = caller->initial_userns;
	if (caller->initial_userns)
		return;
	caller->owns_mounts = owns_mount_namespace();
	n = io_read_small(AT_FDCWD, "/proc/self/setgroups", setgroups, sizeof(setgroups));
	caller->setgroups_allowed = n > 0 && strncmp(setgroups, "allow", 5) == 0;
}

static int find_namespace(struct caller *caller, struct err *err)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st) == 0) {
		caller->initial_userns = st.st_ino == first_userns;
		return 0;
	}
	/* A kernel without user namespaces has the directory but not the file. */
	if (errno == ENOENT && stat("/proc/self/ns", &st) == 0) {
		caller->initial_userns = true;
		return 0;
	}
	(void)err_errno(err, errno, "stat /proc/self/ns/user");
	return err_hint(err, "as root: mount -t proc proc /proc");
}

/* Otherwise /proc/PID would show unrelated processes: we would read their start times and write
 * their files. */
static int check_proc(const char *status, struct err *err)
{
	const char *pid = status_value(status, "\nPid:\t");
	long there = pid ? strtol(pid, NULL, 10) : 0;

	if (!pid || there == (long)getpid())
		return 0;
	(void)err_set(err, EXDEV,
		      "/proc shows another pid namespace: this process is %d, and %ld there",
		      (int)getpid(), there);
	return err_hint(
		err, "mount one of this namespace: mount -t proc proc /proc (unshare does it with "
		     "--mount-proc)");
}

int caller_gather(struct arena *arena, struct caller *ret, struct err *err)
{
	struct caller caller = { 0 };
	char status[4096];
	ssize_t n = io_read_small(AT_FDCWD, "/proc/self/status", status, sizeof(status));
	int r = n < 0 ? 0 : check_proc(status, err);

	if (r == 0 && (n < 0 || !parse_status(arena, status, &caller)))
		r = ask_one_by_one(arena, &caller, err);
	if (r == 0)
		r = find_namespace(&caller, err);
	if (r == 0)
		ask_what_is_denied(&caller);
	if (r == 0)
		*ret = caller;
	return r;
}

int caller_read_map(struct arena *arena, const char *path, struct idmap *ret, struct err *err)
{
	char *text;
	int r = io_read_file(AT_FDCWD, path, MAP_MAX, arena, &text, NULL, err);

	if (r < 0)
		return r;
	r = idmap_parse(arena, text, ret, err);
	return r < 0 ? err_prefix(err, "%s", path) : 0;
}

int caller_gather_userns(struct arena *arena, struct caller *caller, struct err *err)
{
	static const struct idmap_range all = { .count = UINT32_MAX };
	int r;

	if (caller->initial_userns) {
		caller->uid_map = caller->gid_map = (struct idmap){ .v = &all, .n = 1 };
		return 0;
	}
	r = caller_read_map(arena, "/proc/self/uid_map", &caller->uid_map, err);
	if (r == 0)
		r = caller_read_map(arena, "/proc/self/gid_map", &caller->gid_map, err);
	return r;
}

bool caller_may_map(const struct caller *caller)
{
	const uint64_t needed = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;

	return (caller->caps_effective & needed) == needed;
}

const char *caller_name_of(struct arena *arena, uint32_t uid)
{
	struct passwd user;
	char *text;

	return text_read(arena, "/etc/passwd", &text) == 0 && passwd_find(arena, text, uid, &user)
		       ? user.name
		       : NULL;
}
