/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/ps_host.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/sys/program.h"
#include "src/sys/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, MAX_OUTPUT = 64 * 1024 * 1024 };

/* Start of the n-th word of a line, or NULL; its length in *ret_len. */
static const char *word_at(const char *line, size_t n, size_t *ret_len)
{
	for (;; n--) {
		line += strspn(line, " \t");
		*ret_len = strcspn(line, " \t");
		if (!*ret_len || n == 0)
			return *ret_len ? line : NULL;
		line += *ret_len;
	}
}

static int find_column(const char *header, size_t *ret, struct err *err)
{
	size_t len;

	for (size_t i = 0;; i++) {
		const char *word = word_at(header, i, &len);

		if (!word)
			return err_set(err, EINVAL, "couldn't find PID field in ps output");
		if (len == 3 && strncmp(word, "PID", 3) == 0) {
			*ret = i;
			return 0;
		}
	}
}

static bool is_wanted(const char *line, size_t column, const pid_t *pids, size_t n)
{
	size_t len;
	const char *word = word_at(line, column, &len);
	char digits[16];
	uint32_t pid;

	if (!word || len >= sizeof(digits))
		return false;
	memcpy(digits, word, len);
	digits[len] = '\0';
	if (parse_u32(digits, &pid) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((uint32_t)pids[i] == pid)
			return true;
	return false;
}

int ps_host_filter(char *text, const pid_t *pids, size_t n, struct str *out, struct err *err)
{
	char *save = NULL, *line = strtok_r(text, "\n", &save);
	size_t column = 0;
	int r = find_column(line ? line : "", &column, err);

	if (r < 0)
		return r;
	str_addf(out, "%s\n", line);
	while ((line = strtok_r(NULL, "\n", &save)))
		if (is_wanted(line, column, pids, n))
			str_addf(out, "%s\n", line);
	return 0;
}

static const char *find_ps(struct arena *arena, struct err *err)
{
	const char *file = program_find(arena, "ps", "/usr/bin:/bin");

	if (file)
		return file;
	(void)err_set(err, ENOENT, "options of ps need the program ps, which is not installed");
	err_hint(err, "install it (procps), or leave the options out");
	return NULL;
}

int ps_host_run(struct arena *arena, char **options, const pid_t *pids, size_t n, struct str *out,
		struct err *err)
{
	_cleanup_close_ int output = memfd_create("ps", MFD_CLOEXEC);
	struct spawn_request request = { .path = find_ps(arena, err),
					 .env = (const char *const *)environ,
					 .timeout_ms = TIMEOUT_MS,
					 .cwd_fd = -1,
					 .output_fd = output,
					 .error_fd = -1 };
	const char **argv;
	struct spawn_result result;
	size_t argc = 0, n_argv = 0, len;
	char *text;
	int r;

	if (!request.path)
		return -ENOENT;
	if (output < 0)
		return err_errno(err, errno, "allocate memory for the output of ps");
	while (options[argc])
		argc++;
	argv = arena_array(arena, argc + 3, sizeof(*argv));
	argv[n_argv++] = "ps";
	/* A format alone selects the processes on the caller's terminal. */
	if (options[0] && str_starts(options[0], "-o"))
		argv[n_argv++] = "-e";
	for (size_t i = 0; i < argc; i++)
		argv[n_argv++] = options[i];
	request.argv = argv;
	r = spawn_run(&request, &result, err);
	if (r < 0)
		return r;
	if (result.timed_out || result.status != 0)
		return err_set(err, EIO, "ps failed: %s",
			       result.timed_out ? "no end" : result.words);
	if (lseek(output, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "read the output of ps");
	r = io_read_fd(output, "output of ps", MAX_OUTPUT, arena, &text, &len, err);
	return r < 0 ? r : ps_host_filter(text, pids, n, out, err);
}
