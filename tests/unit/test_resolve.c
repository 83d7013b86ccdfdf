/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of a container: nothing outside of the root is opened or made, whatever the links say. */
#include "src/sys/resolve.h"

#include "src/base/fd.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/usrun-resolve.XXXXXX";
static int outside = -1, root = -1;
static struct err err;

static bool exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A root with links that lead out of it, and a directory beside it that nothing may reach. */
static void set_up(void)
{
	char absolute[64];

	if (root >= 0)
		return;
	CHECK(mkdtemp(top) != NULL);
	outside = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkdirat(outside, "root", 0755) == 0 && mkdirat(outside, "victim", 0755) == 0);
	root = openat(outside, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(absolute, sizeof(absolute), "%s/victim", top);
	CHECK(symlinkat(absolute, root, "absolute") == 0);
	CHECK(symlinkat("../victim", root, "up") == 0);
	CHECK(symlinkat("dir", root, "link") == 0);
	CHECK(symlinkat("nowhere/at/all", root, "dangling") == 0);
	CHECK(symlinkat("loop", root, "loop") == 0);
	CHECK(mkdirat(root, "dir", 0755) == 0);
}

static int made(int fd)
{
	int r = fd < 0 ? fd : 0;

	fd_closep(&fd);
	return r;
}

TEST(directories_are_made)
{
	set_up();
	CHECK_INT(made(resolve_mkdir(root, "/a/b//c/", &err)), 0);
	CHECK(exists(root, "a/b/c"));
	CHECK_INT(made(resolve_mkdir(root, "a/b/d", &err)), 0);
	CHECK(exists(root, "a/b/d"));
	CHECK_INT(made(resolve_mkdir(root, "/", &err)), 0);
	CHECK_INT(made(resolve_mkdir(root, "", &err)), 0);
	/* A link inside the root is followed. */
	CHECK_INT(made(resolve_mkdir(root, "/link/x/y", &err)), 0);
	CHECK(exists(root, "dir/x/y"));
}

TEST(links_stay_inside)
{
	char absolute[64];

	set_up();
	/* "../victim" is /victim of the root; a dangling link means what it names there. */
	CHECK_INT(made(resolve_mkdir(root, "/up/x", &err)), 0);
	CHECK(exists(root, "victim/x"));
	CHECK_INT(made(resolve_mkdir(root, "/absolute/y", &err)), 0);
	(void)snprintf(absolute, sizeof(absolute), "%s/victim/y", top + 1);
	CHECK(exists(root, absolute));
	CHECK_INT(made(resolve_mount_point(root, "/absolute/file", false, true, &err)), 0);
	CHECK_INT(made(resolve_mkdir(root, "/dangling/x", &err)), 0);
	CHECK(exists(root, "nowhere/at/all/x"));
	CHECK(symlinkat("../new/../etc", root, "crooked") == 0);
	CHECK(made(resolve_mkdir(root, "/crooked", &err)) < 0);
	CHECK(made(resolve_mkdir(root, "/loop/x", &err)) == -ELOOP);
	CHECK(symlinkat("self/x", root, "self") == 0);
	CHECK(made(resolve_mkdir(root, "/self", &err)) < 0);
	CHECK_INT(made(resolve_make(root, "/../../victim/z", true, &err)), 0);
	CHECK(exists(root, "victim/z"));
	CHECK(!exists(outside, "victim/x") && !exists(outside, "victim/y"));
	CHECK(!exists(outside, "victim/file") && !exists(outside, "victim/z"));
}

/* Images have links to nowhere where engines mount files. */
TEST(files_behind_dangling_links)
{
	struct stat st;
	int fd;

	set_up();
	CHECK(mkdirat(root, "etc", 0755) == 0);
	CHECK(symlinkat("../run/systemd/resolve/stub.conf", root, "etc/resolv.conf") == 0);
	CHECK(symlinkat("/etc/resolv.conf", root, "etc/again") == 0);
	fd = resolve_mount_point(root, "/etc/again", false, true, &err);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	CHECK(exists(root, "run/systemd/resolve/stub.conf"));
	fd_closep(&fd);
}

TEST(files_are_made)
{
	struct stat st;
	int fd;

	set_up();
	fd = resolve_mount_point(root, "/new/file", false, true, &err);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
	fd_closep(&fd);
	/* What is there is taken; the link itself, where it is not to be followed. */
	fd = resolve_mount_point(root, "/link", true, false, &err);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
	fd_closep(&fd);
	fd = resolve_mount_point(root, "/link", true, true, &err);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
	fd_closep(&fd);
	CHECK(made(resolve_mount_point(root, "/new/file/below", false, true, &err)) == -ENOTDIR);
}

TEST(names_that_pass_no_link)
{
	const char *name = NULL;

	set_up();
	CHECK_INT(resolve_beneath(root, "link", O_PATH | O_DIRECTORY), -ELOOP);
	CHECK_INT(resolve_beneath(root, "../victim", O_PATH), -EXDEV);
	CHECK_INT(made(resolve_parent(root, "/p/q/r", &name, &err)), 0);
	CHECK_STR(name, "r");
	CHECK(exists(root, "p/q") && !exists(root, "p/q/r"));
	CHECK_INT(made(resolve_parent(root, "/r", &name, &err)), 0);
	CHECK_STR(name, "r");
}

TEST(long_paths)
{
	char path[6000];

	set_up();
	memset(path, 'x', sizeof(path));
	for (size_t i = 0; i < sizeof(path); i += 100)
		path[i] = '/';
	path[sizeof(path) - 1] = '\0';
	CHECK(made(resolve_mkdir(root, path, &err)) == -ENAMETOOLONG);
	path[4000] = '\0';
	CHECK_INT(made(resolve_mkdir(root, path, &err)), 0);
}

/* The file, or the error. */
static long long what(int fd)
{
	struct stat st;
	long long r = fd;

	if (fd < 0)
		return r;
	CHECK(fstat(fd, &st) == 0);
	r = (long long)st.st_ino << 16 ^ (long long)st.st_dev;
	fd_closep(&fd);
	return r;
}

/* openat2() and what stands in for it agree on every path, also through links that lead out. */
static const char *const same_paths[] = {
	".",
	"/",
	"//",
	"..",
	"../..",
	"dir",
	"dir/",
	"/dir/",
	"/dir/.",
	"dir/..",
	"dir/../..",
	"link",
	"link/",
	"link/x",
	"/link/x/y/../..",
	"up",
	"up/",
	"up/x",
	"/up/..",
	"absolute",
	"absolute/y",
	"/absolute/..",
	"dangling",
	"dangling/x",
	"loop",
	"loop/",
	"loop/x",
	"file",
	"file/",
	"file/.",
	"file/..",
	"file/x",
	"missing",
	"missing/",
	"missing/..",
	"dir/./x//y/",
	"tofile",
	"tofile/",
	"chain",
	"chain/x",
	"deep/a/../../../link",
	"./dir",
	"dir/link/..",
	"fifo",
	"fifo/x",
};

TEST(by_hand_the_same)
{
	static const int flags[] = { O_PATH,
				     O_PATH | O_NOFOLLOW,
				     O_PATH | O_DIRECTORY,
				     O_RDONLY | O_NONBLOCK,
				     O_RDONLY | O_DIRECTORY,
				     O_RDONLY | O_NOFOLLOW | O_NONBLOCK };
	const uint64_t in_root = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	const uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;

	set_up();
	CHECK(mkfifoat(root, "fifo", 0600) == 0);
	CHECK_INT(made(openat(root, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	CHECK(symlinkat("/file", root, "tofile") == 0 && symlinkat("link", root, "chain") == 0);
	for (size_t i = 0; i < sizeof(same_paths) / sizeof(same_paths[0]); i++)
		for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
			CHECK_INT(what(resolve_walk(root, same_paths[i], flags[k], in_root)),
				  what(resolve_open(root, same_paths[i], flags[k])));
			CHECK_INT(what(resolve_walk(root, same_paths[i], flags[k], beneath)),
				  what(resolve_beneath(root, same_paths[i], flags[k])));
		}
}

TEST(by_hand_in_proc)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const uint64_t in_root = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	const uint64_t on_mount =
		RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
	static const char *const magic[] = { "self/root", "self/cwd/x", "self/exe", "self/ns/mnt",
					     "thread-self/root/etc" };

	for (size_t i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
		CHECK_INT(resolve_walk(proc, magic[i], O_PATH, in_root), -ELOOP);
	CHECK_INT(made(resolve_walk(proc, "self/status", O_RDONLY, in_root)), 0);
	CHECK_INT(resolve_walk(slash, "proc/self", O_PATH, on_mount), -EXDEV);
	CHECK_INT(resolve_walk(proc, "self/status", O_PATH, on_mount), -ELOOP);
	CHECK_INT(made(resolve_walk(proc, "sys/kernel/hostname", O_RDONLY, on_mount)), 0);
}

TEST(by_hand_so_deep)
{
	char path[3 * RESOLVE_WALK_DEPTH + 8] = "";

	set_up();
	for (int i = 0; i <= RESOLVE_WALK_DEPTH; i++)
		memcpy(path + 2 * i, "d/", 3);
	CHECK_INT(made(resolve_mkdir(root, path, &err)), 0);
	CHECK_INT(resolve_walk(root, path, O_PATH, RESOLVE_IN_ROOT), -ENAMETOOLONG);
	CHECK_INT(made(resolve_walk(root, path + 2, O_PATH, RESOLVE_IN_ROOT)), 0);
}

TEST(clean_up)
{
	char command[64];

	fd_closep(&root);
	fd_closep(&outside);
	(void)snprintf(command, sizeof(command), "rm -r %s", top);
	CHECK_INT(system(command), 0);
}
