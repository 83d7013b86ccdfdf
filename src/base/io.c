/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/io.h"

#include "src/base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 1 << 30 };

static ssize_t read_retry(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The buffer's initial size: regular files report theirs, kernel files report 0. */
static size_t first_guess(int fd, size_t max, size_t *ret_size)
{
	struct stat st;
	bool known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		     (uint64_t)st.st_size <= max;

	*ret_size = known ? (size_t)st.st_size : 0;
	if (known)
		return *ret_size + 1;
	return max < 4096 ? max + 1 : 4096;
}

int io_read_fd(int fd, const char *name, size_t max, struct arena *arena, char **ret,
	       size_t *ret_len, struct err *err)
{
	size_t size, cap = first_guess(fd, max, &size), len = 0;
	char *text = arena_alloc(arena, cap + 1);

	for (;;) {
		ssize_t n = read_retry(fd, text + len, cap - len);

		if (n < 0)
			return err_errno(err, errno, "read %s", name);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_set(err, EFBIG, "read %s: larger than %zu bytes", name, max);
		if (len == size) /* all that fstat() reported: skip the read for the end */
			break;
		if (len == cap) {
			cap = cap * 2 > max + 1 ? max + 1 : cap * 2;
			text = arena_grow(arena, text, len, cap + 1, 1);
		}
	}
	text[len] = '\0';
	*ret = text;
	if (ret_len)
		*ret_len = len;
	return 0;
}

/* A file named by the user may be a pipe to wait for; one in a directory of ours would only block
 * us. */
static int open_to_read(int dirfd, const char *path)
{
	int pipe = dirfd == AT_FDCWD ? 0 : O_NONBLOCK;

	return openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | pipe);
}

int io_read_file(int dirfd, const char *path, size_t max, struct arena *arena, char **ret,
		 size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open_to_read(dirfd, path);

	if (fd < 0)
		return err_errno(err, errno, "open %s", path);
	return io_read_fd(fd, path, max, arena, ret, ret_len, err);
}

ssize_t io_read_small(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open_to_read(dirfd, path);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_retry(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

void io_status_add(struct io_status *status, const char *part, size_t n)
{
	static const char groups[] = "\nGroups:";

	for (size_t i = 0; i < n; i++) {
		status->skip = status->skip && part[i] != '\n';
		if (status->skip || status->len == sizeof(status->text) - 1)
			continue;
		status->text[status->len++] = part[i];
		status->skip = status->len >= sizeof(groups) - 1 &&
			       memcmp(status->text + status->len - (sizeof(groups) - 1), groups,
				      sizeof(groups) - 1) == 0;
	}
}

int io_read_status(pid_t pid, struct io_status *ret)
{
	_cleanup_close_ int fd = -1;
	char path[32] = "/proc/self/status", part[1024];
	ssize_t n;

	*ret = (struct io_status){ .len = 0 };
	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open_to_read(IO_FIXED, path);
	if (fd < 0)
		return -errno;
	while ((n = read_retry(fd, part, sizeof(part))) > 0)
		io_status_add(ret, part, (size_t)n);
	return n < 0 ? -errno : 0;
}

const char *io_status_field(const struct io_status *status, const char *name)
{
	const size_t len = strlen(name);

	for (const char *line = status->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':' && line[len + 1] == '\t')
			return line + len + 2;
	}
	return NULL;
}

struct dirent *io_next_entry(DIR *dir, int *r)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry && entry->d_name[0] == '.' &&
		 (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])));
	*r = entry ? 0 : -errno;
	return entry;
}

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_print(int fd, const char *text, size_t len)
{
	return fd_was_closed(fd) ? -EBADF : io_write_all(fd, text, len);
}

static int copy_range(int from, int to, off_t at, off_t end)
{
	if (lseek(to, at, SEEK_SET) < 0)
		return -errno;
	while (at < end) {
		/* A 32-bit size_t would truncate 4 GiB to zero. */
		ssize_t n =
			sendfile(to, from, &at, end - at < AT_ONCE ? (size_t)(end - at) : AT_ONCE);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
	}
	return 0;
}

int io_copy_contents(int from, int to, off_t size)
{
	off_t at = 0, end;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		int r;

		end = lseek(from, at, SEEK_HOLE);
		r = end < 0 ? -errno : copy_range(from, to, at, end);
		if (r < 0)
			return r;
		at = end;
	}
	if (errno != ENXIO) /* the end */
		return -errno;
	return ftruncate(to, size) < 0 ? -errno : 0;
}

int io_write_at(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Needs no system call: takes 32 bits of the random data that the kernel gives every program at
 * startup, mixed with the time and folded so that the rest (the stack canary) cannot be derived. */
void io_random_name(const char *name, char *buf, size_t size)
{
	const void *given = (const void *)(uintptr_t)getauxval(AT_RANDOM); /* unaligned */
	static uint64_t calls;
	struct timespec now = { 0 };
	uint64_t halves[2] = { 0 }, x;

	if (given)
		memcpy(halves, given, sizeof(halves));
	x = halves[0] ^ halves[1];
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	x ^= (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ ++calls;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	(void)snprintf(buf, size, ".%s.%08x", name, (uint32_t)(x >> 32));
}

/* Others may be able to write to the directory (a pid file in /tmp), so never open a file that they
 * put there. */
static int create_new(int dirfd, const char *name, mode_t mode, char *ret, size_t size)
{
	int fd = -1;

	for (int tries = 0; tries < 16; tries++) {
		io_random_name(name, ret, size);
		fd = openat(dirfd, ret, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

int io_replace_file_open(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
			 struct err *err)
{
	char temporary[NAME_MAX + 16];
	_cleanup_close_ int fd = create_new(dirfd, name, mode, temporary, sizeof(temporary));
	int r;

	if (fd < 0)
		return err_errno(err, -fd, "create a file for %s", name);
	r = io_write_all(fd, data, len);
	if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, temporary, 0);
		return err_errno(err, -r, "write %s", name);
	}
	return fd_take(&fd);
}

int io_replace_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		    struct err *err)
{
	int fd = io_replace_file_open(dirfd, name, data, len, mode, err), r = fd < 0 ? fd : 0;

	fd_closep(&fd);
	return r;
}
