/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/parts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/child.h"
#include "src/sys/sched.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A fork costs as much as some ten containers do. */
enum { LEAST = 64, MOST = 8, TEXT_MAX = 256 * 1024 * 1024, END_MS = 10000 };

struct part {
	size_t first, end;
	struct child child; /* or none: this process tells */
	int pipe;
};

static void be_child(const struct parts_work *work, const struct part *part, int pipe)
{
	struct str text = { 0 };
	struct err ignored; /* whoever reads the pipe meets the error, too, and tells it */
	int r = work->tell(work->data, part->first, part->end, &text, &ignored);

	if (r == 0)
		r = io_write_all(pipe, text.s, text.len);
	child_exit(r != 0);
}

static void start(const struct parts_work *work, struct part *part)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = child_clone(&request, &part->child);
	if (pid == 0) {
		fd_closep(&ends[0]); /* otherwise it would never see us die */
		be_child(work, part, ends[1]);
	}
	fd_closep(&ends[1]);
	part->pipe = ends[0];
}

/* Whether the child has told everything. */
static bool take(struct part *part, struct str *text)
{
	struct arena arena = { 0 };
	struct err ignored;
	char *told = NULL;
	size_t len = 0;
	int status = 0;
	int r = io_read_fd(part->pipe, "part", TEXT_MAX, &arena, &told, &len, &ignored);

	if (r == 0)
		r = child_reap(&part->child, END_MS, &status);
	if (r == 0 && status == 0)
		str_addn(text, told, len);
	arena_free(&arena);
	return r == 0 && status == 0;
}

static int tell(const struct parts_work *work, struct part *part, struct str *text, struct err *err)
{
	if (child_is_there(&part->child) && take(part, text))
		return 0;
	return work->tell(work->data, part->first, part->end, text, err);
}

/* How many parts are worth it. */
static size_t count_parts(size_t n)
{
	size_t cpus = n < 2 * LEAST ? 1 : sched_count_cpus();
	size_t parts = n / LEAST < cpus ? n / LEAST : cpus;

	return parts < 1 ? 1 : parts > MOST ? MOST : parts;
}

int parts_tell(const struct parts_work *work, struct str *text, struct err *err)
{
	size_t n = count_parts(work->n);
	struct part parts[MOST];
	int r = 0;

	for (size_t i = n; i-- > 0;) {
		parts[i] = (struct part){ .first = work->n * i / n,
					  .end = work->n * (i + 1) / n,
					  .child = CHILD_NONE,
					  .pipe = -1 };
		if (i > 0)
			start(work, &parts[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = tell(work, &parts[i], text, err);
		(void)child_end(&parts[i].child, END_MS);
		fd_closep(&parts[i].pipe);
	}
	return r;
}
