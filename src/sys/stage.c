/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/stage.h"

#include "src/base/fd.h"
#include "src/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every procfs has it, and we never read anything there. */
#define PLACE "/proc/fs"

static bool is_set;
static int stage = -1;

static struct {
	int fs;
	bool unfit; /* a value does not fit into a comma-separated list */
	unsigned long flags;
	struct str type, source, data;
} told = { .fs = -1 };

void stage_begin(void)
{
	is_set = true;
}

bool stage_is_set(void)
{
	return is_set;
}

void stage_end(void)
{
	if (stage >= 0)
		(void)umount2(PLACE, MNT_DETACH);
	fd_closep(&stage);
	is_set = false;
}

/* Unbindable, so that the host's /proc may still be bound as a whole. */
static int open_stage(void)
{
	if (stage >= 0)
		return 0;
	if (!is_set)
		return -ENOSYS;
	if (mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
		return errno == ENOENT ? -ENOSYS : -errno; /* not a procfs */
	if (mount(NULL, PLACE, NULL, MS_UNBINDABLE, NULL) == 0)
		stage = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return stage < 0 ? -errno : 0;
}

/* Tries numbers in turn: a stager and its init share the stage. */
static int make_place(bool dir, char *name, size_t size)
{
	static unsigned int last;
	int r;

	do {
		(void)snprintf(name, size, "%u", ++last);
		r = dir ? mkdirat(stage, name, 0700) : mknodat(stage, name, S_IFREG | 0600, 0);
	} while (r < 0 && errno == EEXIST);
	return r < 0 ? -errno : 0;
}

static int mount_at(const char *source, bool dir, const char *type, unsigned long flags,
		    const char *data)
{
	char name[16], path[64];
	int r = open_stage();

	if (r == 0)
		r = make_place(dir, name, sizeof(name));
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/%s", fd_path(stage).text, name);
	if (mount(source, path, type, flags, data) < 0)
		return -errno;
	r = openat(stage, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

int stage_fs(int fs, const char *type)
{
	if (fs < 0 && is_set) /* nothing can be read from it, not even the kernel's messages */
		fs = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stage_fs_forget(told.fs);
	told.fs = fs;
	told.unfit = false;
	told.flags = 0;
	str_add(&told.type, type);
	return fs < 0 ? -ENOSYS : fs;
}

unsigned long stage_super_flag(const char *key)
{
	static const struct {
		char key[12];
		unsigned long flag;
	} table[] = { { "ro", MS_RDONLY },
		      { "sync", MS_SYNCHRONOUS },
		      { "dirsync", MS_DIRSYNC },
		      { "mand", MS_MANDLOCK },
		      { "lazytime", 1 << 25 } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_equal(table[i].key, key))
			return table[i].flag;
	return 0;
}

bool stage_option(struct str *data, const char *key, const char *value)
{
	static const char labels[][12] = { "context", "fscontext", "defcontext", "rootcontext" };
	bool comma = value && strchr(value, ','), label = false;
	const char *quote;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		label |= str_equal(labels[i], key);
	quote = comma && label && !strchr(value, '"') ? "\"" : "";
	str_addf(data, "%s%s%s%s%s%s", data->len ? "," : "", key, value ? "=" : "", quote,
		 value ? value : "", quote);
	return !comma || label;
}

void stage_fs_set(int fs, const char *key, const char *value)
{
	bool source = value && str_equal(key, "source");
	unsigned long flag = value ? 0 : stage_super_flag(key);

	if (fs != told.fs)
		return;
	told.flags |= flag;
	if (source)
		str_add(&told.source, value);
	else if (!flag)
		told.unfit |= !stage_option(&told.data, key, value);
}

int stage_fs_mount(int fs, unsigned long flags)
{
	if (fs != told.fs || told.unfit || told.data.len >= (size_t)sysconf(_SC_PAGESIZE))
		return -ENOSYS;
	return mount_at(told.source.s ? told.source.s : "none", true, told.type.s,
			told.flags | flags, str_text(&told.data));
}

void stage_fs_forget(int fs)
{
	if (fs != told.fs)
		return;
	str_done(&told.type);
	str_done(&told.source);
	str_done(&told.data);
	told.fs = -1;
}

int stage_copy(int from, bool recursive)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	return mount_at(fd_path(from).text, S_ISDIR(st.st_mode), NULL,
			MS_BIND | (recursive ? MS_REC : 0UL), NULL);
}

int stage_move(int from, int dir, const char *name)
{
	_cleanup_close_ int below = -1;

	if (!is_set)
		return -ENOSYS;
	if (*name) {
		below = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return -errno;
	}
	return mount(fd_path(from).text, fd_path(*name ? below : dir).text, NULL, MS_MOVE, NULL) < 0
		       ? -errno
		       : 0;
}
