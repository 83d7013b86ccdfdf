/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/self.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/sys/mountfd.h"
#include "src/sys/program.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool enters_container(char **argv)
{
	static const char commands[][8] = { "create", "run", "exec", "do" };

	/* Options may precede the command; an id that equals a command name only costs an exec. */
	for (size_t i = 1; argv[0] && argv[i]; i++)
		for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++)
			if (str_equal(argv[i], commands[k]))
				return true;
	return false;
}

/* Anyone with write access to the directory may replace the file. Looks at the real directory,
 * whatever link led to it. */
static bool directory_could_be_written(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return true;
	slash[1] = '\0';
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 || errno != EACCES;
}

/* True for the clone that we were restarted from, and for a file that nobody can write anyway. */
static bool is_on_readonly_mount(void)
{
	struct statvfs fs;

	return statvfs("/proc/self/exe", &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* Whether an id that is mapped into the container could write it. With CAP_DAC_OVERRIDE root acts
 * as every id, whoever owns the file; a user maps ids of others, but never host root's. When in
 * doubt, yes. */
static bool could_be_written(int self)
{
	struct stat st;
	uid_t caller;

	if (fstat(self, &st) < 0)
		return true;
	if (!st.st_nlink && program_is_sealed(self)) /* a memory file has no links */
		return false;
	if (st.st_mode & 022)
		return true;
	if (faccessat(self, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0 || errno != EACCES)
		return true;
	caller = geteuid();
	/* The owner may change the mode; root in a user namespace was already refused, with all of
	 * its ids. */
	if (st.st_uid == caller || (caller != 0 && st.st_uid != 0))
		return true;
	return directory_could_be_written();
}

static int readonly_clone(int self)
{
	_cleanup_close_ int clone = mountfd_clone(self, "", false, true);
	int r;

	if (clone < 0)
		return clone;
	r = mountfd_seal(clone);
	return r < 0 ? r : fd_take(&clone);
}

/* How much of the file is ever mapped. What lies behind it, mostly for debuggers, may be four times
 * as much, and each start would wait for the copy. */
static size_t size_in_use(void)
{
	/* getauxval() has no other type. */
	const ElfW(Phdr) *part =
		(const void *)getauxval(AT_PHDR); // NOLINT(performance-no-int-to-ptr)
	size_t size = 0, n = getauxval(AT_PHNUM);

	for (; part && n > 0; part++, n--)
		if (part->p_offset + part->p_filesz > size)
			size = part->p_offset + part->p_filesz;
	return size;
}

static int sealed_copy(void)
{
	_cleanup_close_ int in = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = program_memfd("usrun");
	int r;

	if (out < 0)
		return out;
	if (in < 0)
		return -errno;
	for (size_t left = size_in_use(); left > 0;) {
		ssize_t n = sendfile(out, in, NULL, left);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= (size_t)n;
	}
	r = program_seal(out);
	return r < 0 ? r : fd_take(&out);
}

int self_protect(char **argv, struct err *err)
{
	_cleanup_close_ int self = -1, safe = -1;

	if (!enters_container(argv) || is_on_readonly_mount())
		return 0;
	self = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0)
		return err_errno(err, errno, "open /proc/self/exe");
	if (!could_be_written(self))
		return 0;
	safe = readonly_clone(self);
	if (safe < 0)
		safe = sealed_copy();
	if (safe < 0)
		return err_errno(err, -safe, "protect the program's own file");
	return err_errno(err, -program_exec(safe, argv), "re-execute from a protected copy");
}
