/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/tty.h"

#include "src/base/fd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

int tty_open_pair(int pts, int *ret_master, int *ret_slave, struct err *err)
{
	_cleanup_close_ int master = -1;
	int slave, unlock = 0;
	struct statfs fs;

	/* A directory of the image could hold any device under that name, and opening one may have
	 * side effects. */
	if (fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, EINVAL, "/dev/pts of the container is not a devpts");
	master = resolve_beneath(pts, "ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return err_errno(err, -master, "open /dev/pts/ptmx of the container");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_errno(err, errno, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_errno(err, errno, "open the other end of the terminal");
	*ret_slave = slave;
	*ret_master = fd_take(&master);
	return 0;
}

int tty_set_size(int tty, uint32_t rows, uint32_t columns)
{
	struct winsize size = {
		.ws_row = (unsigned short)rows,
		.ws_col = (unsigned short)columns,
	};

	return ioctl(tty, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

bool tty_copy_size(int from, int to)
{
	struct winsize size;

	if (from < 0 || ioctl(from, TIOCGWINSZ, &size) < 0 || (!size.ws_row && !size.ws_col))
		return false;
	return ioctl(to, TIOCSWINSZ, &size) == 0;
}

void tty_nudge(int tty)
{
	struct winsize size, other;

	if (ioctl(tty, TIOCGWINSZ, &size) < 0)
		return;
	other = size;
	other.ws_row++;
	(void)ioctl(tty, TIOCSWINSZ, &other);
	(void)ioctl(tty, TIOCSWINSZ, &size);
}

int tty_with_window(void)
{
	struct winsize size;

	for (int fd = 0; fd <= 2; fd++)
		if (ioctl(fd, TIOCGWINSZ, &size) == 0)
			return fd;
	return -1;
}

int tty_keep_newlines(int tty)
{
	struct termios mode;

	if (tcgetattr(tty, &mode) < 0)
		return -errno;
	mode.c_oflag &= ~(tcflag_t)ONLCR;
	return tcsetattr(tty, TCSANOW, &mode) < 0 ? -errno : 0;
}

int tty_take(int slave, struct err *err)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_errno(err, errno, "make the terminal the controlling one");
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(slave, fd) < 0)
			return err_errno(err, errno, "give the terminal to descriptor %d", fd);
	return 0;
}

int tty_set_raw(int tty, bool output_too, struct termios *saved)
{
	struct termios raw;

	if (tcgetattr(tty, saved) < 0)
		return -errno;
	raw = *saved;
	cfmakeraw(&raw);
	if (!output_too)
		raw.c_oflag = saved->c_oflag;
	return tcsetattr(tty, TCSANOW, &raw) < 0 ? -errno : 0;
}

void tty_restore(int tty, const struct termios *saved)
{
	(void)tcsetattr(tty, TCSANOW, saved);
}
