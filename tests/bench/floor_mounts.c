/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "floor_mounts.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#define MNT_DETACH 2
#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

static const struct {
	const char *name;
	unsigned int major, minor;
} devices[] = { { "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
		{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } };

static const struct {
	const char *target, *name;
} links[] = { { "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
	      { "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
	      { "/proc/kcore", "core" },       { "pts/ptmx", "ptmx" } };

static const char *const masked_dirs[] = { "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware",
					   NULL };
static const char *const masked_files[] = { "proc/kcore",         "proc/keys",
					    "proc/latency_stats", "proc/timer_list",
					    "proc/sched_debug",   NULL };
static const char *const readonly_paths[] = { "proc/bus",           "proc/fs",
					      "proc/irq",           "proc/sys",
					      "proc/sysrq-trigger", NULL };

long must(long result, const char *what)
{
	if (result >= 0)
		return result;
	(void)!write(2, what, strlen(what));
	(void)!write(2, ": failed\n", 9);
	_exit(125);
}

/* A new file system with options, "name", "value", …; a value of NULL is a flag. */
static int new_mount(const char *type, const char *const *options, unsigned int attributes)
{
	int mount, fd = (int)must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);

	for (; options && options[0]; options += 2)
		(void)must(syscall(SYS_fsconfig, fd,
				   options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0],
				   options[1], 0),
			   options[0]);
	(void)must(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
	mount = (int)must(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes), type);
	(void)close(fd);
	return mount;
}

static void attach(int mount, int dir, const char *path)
{
	(void)must(syscall(SYS_move_mount, mount, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH), path);
	(void)close(mount);
}

/* False where there is no such path. Nothing is cloned then: dropping a clone costs a grace period. */
static bool bind(int from_dir, const char *from, int dir, const char *path, unsigned int attributes)
{
	struct mount_attr attr = { .attr_set = attributes };
	long fd = syscall(SYS_open_tree, from_dir, from, OPEN_TREE_CLONE | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (attributes)
		(void)must(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)),
			   path);
	attach((int)fd, dir, path);
	return true;
}

static void make_device(int dev, size_t i, bool user)
{
	char host[32];

	if (!user) {
		(void)must(mknodat(dev, devices[i].name, S_IFCHR | 0666,
				   makedev(devices[i].major, devices[i].minor)),
			   devices[i].name);
		return;
	}
	(void)stpcpy(stpcpy(host, "/dev/"), devices[i].name);
	(void)must(mknodat(dev, devices[i].name, S_IFREG | 0666, 0), host);
	(void)must(bind(AT_FDCWD, host, dev, devices[i].name, 0) ? 0 : -1, host);
}

static void make_dev(int root, bool user)
{
	static const char *const dev_options[] = { "mode", "755", "size", "65536k", NULL };
	static const char *const shm_options[] = { "mode", "1777", "size", "65536k", NULL };
	static const char *const pts_options[] = { "newinstance", NULL,   "ptmxmode", "0666",
						   "mode",        "0620", NULL };
	static const char *const pts_options_gid[] = { "newinstance", NULL,   "ptmxmode",
						       "0666",        "mode", "0620",
						       "gid",         "5",    NULL };
	int dev = new_mount("tmpfs", dev_options, MOUNT_ATTR_NOSUID);

	(void)must(mkdirat(dev, "pts", 0755), "pts");
	(void)must(mkdirat(dev, "shm", 0755), "shm");
	(void)must(mkdirat(dev, "mqueue", 0755), "mqueue");
	(void)must(syscall(SYS_move_mount, dev, "", root, "dev", MOVE_MOUNT_F_EMPTY_PATH), "dev");
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		make_device(dev, i, user);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		(void)must(symlinkat(links[i].target, dev, links[i].name), links[i].name);
	attach(new_mount("devpts", user ? pts_options : pts_options_gid,
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC),
	       dev, "pts");
	attach(new_mount("tmpfs", shm_options, QUIET), dev, "shm");
	attach(new_mount("mqueue", NULL, QUIET), dev, "mqueue");
	(void)close(dev);
}

/* One empty directory hides all directories, the container's own /dev/null all files. */
static void mask(int root)
{
	static const char *const empty_options[] = { "size", "0k", "nr_inodes", "1", NULL };
	const char *empty = NULL;

	for (const char *const *path = masked_dirs; *path; path++) {
		if (faccessat(root, *path, F_OK, 0))
			continue;
		if (empty) {
			(void)bind(root, empty, root, *path, 0);
			continue;
		}
		attach(new_mount("tmpfs", empty_options, QUIET | MOUNT_ATTR_RDONLY), root, *path);
		empty = *path;
	}
	for (const char *const *path = masked_files; *path; path++)
		if (!faccessat(root, *path, F_OK, 0))
			(void)bind(root, "dev/null", root, *path, MOUNT_ATTR_RDONLY);
}

void floor_mounts(const char *path, bool cgroup2, bool user)
{
	struct mount_attr private = { .propagation = MS_PRIVATE },
			  readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	int root;

	(void)must(
		syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)),
		"private");
	root = (int)must(
		syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE | O_CLOEXEC),
		path);
	(void)must(syscall(SYS_move_mount, root, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH),
		   path);
	attach(new_mount("proc", NULL, QUIET), root, "proc");
	make_dev(root, user);
	attach(new_mount("sysfs", NULL, QUIET | MOUNT_ATTR_RDONLY), root, "sys");
	if (cgroup2)
		attach(new_mount("cgroup2", NULL, QUIET | MOUNT_ATTR_RDONLY), root,
		       "sys/fs/cgroup");
	mask(root);
	for (const char *const *readonly_path = readonly_paths; *readonly_path; readonly_path++)
		(void)bind(root, *readonly_path, root, *readonly_path, MOUNT_ATTR_RDONLY);
	(void)must(syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)),
		   "read-only root");
	(void)must(fchdir(root), path);
	(void)must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	(void)must(syscall(SYS_umount2, ".", MNT_DETACH), "old root");
	(void)must(chdir("/"), "/");
	(void)close(root);
}
