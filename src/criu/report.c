/* SPDX-License-Identifier: Apache-2.0 */
#include "src/criu/report.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LOG = 64 << 20, N_ERRORS = 3, MAX_ERROR = 240 };

/* Engines take these words to mean that the container's own command is missing or not
 * executable. */
static const struct {
	const char *words, *instead;
} reserved[] = {
	{ "No such file or directory", "ENOENT" },
	{ "no such file or directory", "ENOENT" },
	{ "Permission denied", "EACCES" },
	{ "permission denied", "EACCES" },
	{ "Operation not permitted", "EPERM" },
	{ "operation not permitted", "EPERM" },
	{ "executable file not found in", "executable file not in" },
};

/* The message in "(00.123) 42: Error (criu/mount.c:12): Words\n", or NULL. */
static const char *words_of(const char *line, size_t len)
{
	static const char mark[] = "Error (";
	static const char unmarked[] = "Can't connect to server"; /* an error without a mark */
	const char *at = memmem(line, len, mark, strlen(mark)), *end;

	if (!at)
		return memmem(line, len, unmarked, strlen(unmarked));
	end = memmem(at, len - (size_t)(at - line), "): ", 3);
	return end ? end + 3 : NULL;
}

/* CRIU checks which iptables programs exist, even if it needs none: "execvp() failed", and then
 * "NAME -V failed". */
static bool asks_for_program(const char *words, size_t len)
{
	static const char asks[] = " -V failed";
	const char *next = words[len] ? words + len + 1 : "";

	if (str_starts(words, "execvp(")) {
		words = next;
		len = strcspn(next, "\n");
	}
	return memmem(words, len, asks, strlen(asks)) != NULL;
}

/* Says only that CRIU failed, which is known. */
static bool says_nothing(const char *words, size_t len)
{
	return asks_for_program(words, len) || str_starts(words, "exited, status=") ||
	       str_starts(words, "rlimit: Can't setup RLIMIT_NOFILE") ||
	       str_starts(words, "Dumping FAILED") || str_starts(words, "Restoring FAILED") ||
	       str_starts(words, "Pre-dumping FAILED") ||
	       str_starts(words,
			  "Unable to detach from") || /* from a page server that is not there */
	       str_starts(words, "cg: cgroupd: recv req error"); /* its end follows */
}

static void add(struct str *out, const char *words, size_t len)
{
	if (len > MAX_ERROR)
		len = MAX_ERROR;
	if (out->len)
		str_add(out, "; ");
	while (len) {
		size_t step = 1;
		const char *instead = NULL;

		for (size_t i = 0; !instead && i < sizeof(reserved) / sizeof(reserved[0]); i++) {
			size_t n = strlen(reserved[i].words);

			if (n <= len && memcmp(words, reserved[i].words, n) == 0) {
				instead = reserved[i].instead;
				step = n;
			}
		}
		if (instead)
			str_add(out, instead);
		else
			str_addn(out, words, 1);
		words += step;
		len -= step;
	}
}

/* The next error message from *log on, and its length; NULL at the end. */
static const char *next_error(const char **log, size_t *ret_len)
{
	while (**log) {
		size_t len = strcspn(*log, "\n");
		const char *line = *log, *words = words_of(line, len);

		*log += len + (line[len] == '\n');
		if (words && !says_nothing(words, (size_t)(line + len - words))) {
			*ret_len = (size_t)(line + len - words);
			return words;
		}
	}
	return NULL;
}

void report_errors(const char *log, char *ret, size_t size)
{
	_cleanup_str_ struct str out = { 0 };
	struct {
		const char *s;
		size_t len;
	} last[N_ERRORS];
	size_t n = 0, len;
	const char *words;

	while ((words = next_error(&log, &len))) {
		last[n % N_ERRORS].s = words;
		last[n++ % N_ERRORS].len = len;
	}
	for (size_t i = n > N_ERRORS ? n - N_ERRORS : 0; i < n; i++)
		add(&out, last[i % N_ERRORS].s, last[i % N_ERRORS].len);
	(void)snprintf(ret, size, "%s", str_text(&out));
}

/* CRIU's messages for the usual causes, more specific ones first. */
static const struct {
	char words[40], hint[120];
} known[] = {
	{ "ip6tables-restore", "install iptables, or choose --network-lock nftables" },
	{ "iptables-restore", "install iptables, or choose --network-lock nftables" },
	{ "Locking network failed", "install iptables, or choose --network-lock nftables" },
	{ "Connected TCP socket", "the container has open TCP connections: "
				  "--tcp-established keeps them, --tcp-close drops them" },
	{ "In-flight connection", "a TCP connection is just being opened: "
				  "--tcp-skip-in-flight drops it" },
	{ "tcp_established", "the container has open TCP connections: --tcp-established" },
	{ "Some file locks are hold", "the container holds file locks: --file-locks" },
	{ "external unix socket", "a Unix socket leads out of the container: --ext-unix-sk" },
	{ "External socket is used", "a Unix socket leads out of the container: --ext-unix-sk" },
	{ "without peer", "a Unix socket leads to a process of another network namespace" },
	{ "Can't fork for",
	  "a process of the container has the number of one that is there, in a pid "
	  "namespace that it shares" },
	{ "Can't create a temporary directory",
	  "criu needs a directory /tmp in a root file system that is read-only" },
	{ "Tracking memory is not available",
	  "this kernel has no soft-dirty tracking, which --pre-dump needs" },
	{ "is a shell job", "the container uses a terminal of the host: --shell-job" },
	{ "Found slave peer of an external tty",
	  "the container uses a terminal of the host: --shell-job" },
	{ "tty_gen_id", "the container uses a terminal of the host: --shell-job" },
	{ "Can't dump ghost file", "a deleted file is still open: --link-remap" },
	{ "Can't create link remap", "a deleted file is still open: --link-remap" },
	{ "Can't connect to server",
	  "no criu page-server answers at the address of --page-server" },
	{ "with link remap", "a deleted file is still open: --link-remap" },
	{ "Can't open file fd/", "a standard stream was a file: let it be one that the "
				 "container's root may open" },
	{ "File fd/", "a standard stream was a file: let it be that file again, as it was "
		      "left (>>FILE)" },
	{ "dirty track", "this kernel has no soft-dirty tracking, which --pre-dump needs" },
	{ "soft-dirty", "this kernel has no soft-dirty tracking, which --pre-dump needs" },
	{ "path=/dev/pts/", "the container uses a terminal of the host: --shell-job" },
	{ "path=/dev/tty", "the container uses a terminal of the host: --shell-job" },
	{ "Can't lookup mount=", "a process has a file open that lies on a mount of the host" },
	{ "vdso: Unexpected rt vDSO", "criu before version 4 does not run on this kernel" },
	{ "kerndat_has_nftables_concat", "criu asks the kernel for nftables: modprobe nf_tables" },
	{ "Could not initialize kernel features",
	  "criu before version 4 does not run on this kernel" },
	{ "CAP_CHECKPOINT_RESTORE", "criu needs root, or CAP_CHECKPOINT_RESTORE" },
};

const char *report_hint(const char *log)
{
	size_t len;
	const char *words;

	while ((words = next_error(&log, &len)))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (memmem(words, len, known[i].words, strlen(known[i].words)))
				return known[i].hint;
	return NULL;
}

/* A CRIU configuration file may have named another log; these are left over from other runs. */
static bool is_usual(const char *name)
{
	return str_equal(name, "dump.log") || str_equal(name, "restore.log");
}

static void find_newest(int dirfd, char *ret, size_t size)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct timespec newest = { 0 };
	struct dirent *entry;
	struct stat st;
	int ignored;

	if (!dir)
		fd_closep(&copy);
	while (dir && (entry = io_next_entry(dir, &ignored))) {
		if (!str_ends(entry->d_name, ".log") || is_usual(entry->d_name) ||
		    fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_mtim.tv_sec < newest.tv_sec ||
		    (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec < newest.tv_nsec))
			continue;
		newest = st.st_mtim;
		(void)snprintf(ret, size, "%s", entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

int report_failure(int dirfd, const char *where, const char *name, const char *answer,
		   struct err *err)
{
	char found[256], errors[640] = "", *log = NULL;
	struct arena arena = { 0 };
	struct err ignored;
	const char *hint = NULL;

	(void)snprintf(found, sizeof(found), "%s", name);
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		find_newest(dirfd, found, sizeof(found));
	if (faccessat(dirfd, found, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, EREMOTEIO, "criu: %s", *answer ? answer : "failed");
	if (io_read_file(dirfd, found, MAX_LOG, &arena, &log, NULL, &ignored) == 0) {
		report_errors(log, errors, sizeof(errors));
		hint = report_hint(log);
	}
	(void)err_set(err, EREMOTEIO, "criu: %s (%s/%s)", *errors ? errors : "failed", where,
		      found);
	if (hint)
		err_hint(err, "%s", hint);
	arena_free(&arena);
	return -EREMOTEIO;
}
