/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes whole files, within limits. */
#pragma once

#include "src/base/arena.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In place of a directory: for an absolute path that no user has named. Nobody waits there for who
 * would write to a FIFO. */
enum { IO_FIXED = -1 };

/* Reads a file of at most max bytes into the arena and appends a NUL. ret_len may be NULL. -EFBIG
 * if the file is larger. */
int io_read_file(int dirfd, const char *path, size_t max, struct arena *arena, char **ret,
		 size_t *ret_len, struct err *err) MUST_CHECK;
int io_read_fd(int fd, const char *name, size_t max, struct arena *arena, char **ret,
	       size_t *ret_len, struct err *err) MUST_CHECK;

/* Reads a small file (procfs, sysfs, cgroupfs) into the caller's buffer, NUL-terminated, without
 * its last newline. Returns the length, or -errno without an error text. */
ssize_t io_read_small(int dirfd, const char *path, char *buf, size_t size) MUST_CHECK;

/* /proc/PID/status without its list of groups, which may have 65,536 and stands before the signals
 * and the filters. */
struct io_status {
	char text[4096];
	size_t len;
	bool skip; /* in the list */
};

/* pid 0: this process. 0 or -errno. */
int io_read_status(pid_t pid, struct io_status *ret) MUST_CHECK;

/* Adds the next part of the file. */
void io_status_add(struct io_status *status, const char *part, size_t n);

/* The value of a field, such as "SigIgn", up to its newline; or NULL. */
const char *io_status_field(const struct io_status *status, const char *name);

/* readdir(3) without "." and "..". NULL is the end (*r is 0) or an error (*r is -errno), which must
 * not be taken for the end: the entries not listed would seem to be gone. */
struct dirent *io_next_entry(DIR *dir, int *r);

int io_write_all(int fd, const void *data, size_t len); /* 0 or -errno */

/* The same for standard output and error. -EBADF if the caller had closed it. */
int io_print(int fd, const char *text, size_t len);

/* Copies a file of this size into an empty one. Holes stay holes: a file of any size may contain
 * nothing. 0 or -errno. */
int io_copy_contents(int from, int to, off_t size);

/* Writes text to an existing file in one write(2), as kernel files require. 0 or -errno. */
int io_write_at(int dirfd, const char *path, const char *text);

/* Fills buf with ".NAME." and eight letters that nobody can guess. */
void io_random_name(const char *name, char *buf, size_t size);

/* Replaces a file atomically (temporary name, rename); readers see either the old or the new
 * one. */
int io_replace_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		    struct err *err) MUST_CHECK;

/* The same, but returns the new file's descriptor, which tells the file from others of that
 * name. */
int io_replace_file_open(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
			 struct err *err) MUST_CHECK;
