/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/procfs.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

static int open_fresh(int context)
{
	_cleanup_close_ int own = context < 0 ? mountfd_fs_open("proc") : -1;
	int fs = context < 0 ? own : context, r;

	if (fs < 0)
		return fs;
	r = mountfd_fs_create(fs);
	if (r < 0)
		return r;
	return mountfd_fs_mount(fs, 0);
}

int procfs_open(int context, struct err *err)
{
	_cleanup_close_ int fd = open_fresh(context);
	struct statfs fs;

	if (fd < 0)
		fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open /proc");
	if (fstatfs(fd, &fs) < 0)
		return err_errno(err, errno, "stat /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(err, EINVAL, "/proc is not a procfs (file system type %#lx)",
			       (unsigned long)fs.f_type);
	return fd_take(&fd);
}

int procfs_write(int procfs, const char *path, const char *text)
{
	_cleanup_close_ int fd = resolve_on_mount(procfs, path, O_WRONLY | O_NOCTTY);

	if (fd < 0)
		return fd;
	return io_write_all(fd, text, strlen(text));
}
