/* SPDX-License-Identifier: Apache-2.0 */
/* resctrl groups (linux.intelRdt). A group not named after the container is shared: it may be
 * created here, but existing settings are compared, not changed, and it is never removed. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/oci/rdt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_root(struct err *err)
{
	_cleanup_close_ int root = openat(AT_FDCWD, RDT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0 && faccessat(root, "tasks", F_OK, 0) == 0)
		return fd_take(&root);
	(void)err_set(err, ENOTSUP, ERR_AT "linux.intelRdt: no resctrl on " RDT_ROOT);
	return err_hint(err, "if the processor supports it: mount -t resctrl resctrl " RDT_ROOT);
}

/* Adds the kernel's message about the last command that it refused. */
static int refused(int root, int error, struct err *err, const char *what)
{
	char words[256] = "";

	(void)err_errno(err, error, ERR_AT "linux.intelRdt: %s", what);
	if (io_read_small(root, "info/last_cmd_status", words, sizeof(words)) > 0) {
		words[strcspn(words, "\n")] = '\0';
		if (*words && strcmp(words, "ok") != 0)
			err_hint(err, "resctrl says: %s", words);
	}
	return -error;
}

static int write_lines(struct start *start, int root, const struct rdt_plan *p, struct err *err)
{
	const char *path = arena_strf(start->arena, "%s/schemata", p->group), *text = "";
	int r;

	for (size_t i = 0; i < p->n_lines; i++)
		text = arena_strf(start->arena, "%s%s\n", text, p->lines[i]);
	r = io_write_at(root, path, text);
	return r < 0 ? refused(root, -r, err,
			       arena_strf(start->arena, "write \"%s\" to %s", text, path))
		     : 0;
}

static int compare_lines(struct start *start, int root, const struct rdt_plan *p, struct err *err)
{
	const char *path = arena_strf(start->arena, "%s/schemata", p->group);
	char *text;
	size_t len;
	int r = io_read_file(root, path, 64 << 10, start->arena, &text, &len, err);

	if (r < 0)
		return err_prefix(err, ERR_AT "linux.intelRdt");
	for (size_t i = 0; i < p->n_lines; i++)
		if (!rdt_has_line(text, p->lines[i]))
			return err_set(err, EINVAL,
				       ERR_AT "linux.intelRdt: the group %s already exists, with a "
					      "schema other than \"%s\"",
				       p->group, p->lines[i]);
	return 0;
}

static int make_monitor(struct start *start, int root, const struct rdt_plan *p, struct err *err)
{
	int error;

	if (!p->monitor || mkdirat(root, p->monitor, 0755) == 0)
		return 0;
	error = errno;
	return refused(root, error, err,
		       arena_strf(start->arena, "create the group %s", p->monitor));
}

int step_rdt_create(struct start *start, struct err *err)
{
	const struct rdt_plan *p = &start->plan->rdt;
	_cleanup_close_ int root = -1;
	bool made = false;
	int r = 0, error = 0;

	if (!p->group)
		return 0;
	root = open_root(err);
	if (root < 0)
		return root;
	if (p->own || p->n_lines)
		made = mkdirat(root, p->group, 0755) == 0;
	if (!made)
		error = errno;
	if (!made && p->own)
		r = refused(root, error, err,
			    arena_strf(start->arena, "create the group %s", p->group));
	else if (!made && faccessat(root, p->group, F_OK, 0) < 0)
		r = err_set(err, EINVAL,
			    ERR_AT "linux.intelRdt.closID: the group %s does not exist, and there "
				   "is no schema to create it with",
			    p->group);
	if (r == 0 && p->n_lines)
		r = made ? write_lines(start, root, p, err) : compare_lines(start, root, p, err);
	if (r == 0)
		r = make_monitor(start, root, p, err);
	if (r < 0) {
		if (made)
			(void)unlinkat(root, p->group, AT_REMOVEDIR);
		start->state->rdt_groups.n = 0; /* whatever exists there now belongs to another */
	}
	return r;
}

static int join(struct start *start, int root, const char *group, struct err *err)
{
	const char *path = arena_strf(start->arena, "%s/tasks", group);
	char pid[16];
	int r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)start->init.pid);
	r = io_write_at(root, path, pid);
	return r < 0 ? refused(root, -r, err, arena_strf(start->arena, "write %s to %s", pid, path))
		     : 0;
}

int step_rdt_join(struct start *start, struct err *err)
{
	const struct rdt_plan *p = &start->plan->rdt;
	_cleanup_close_ int root = -1;
	int r;

	if (!p->group)
		return 0;
	root = open_root(err);
	if (root < 0)
		return root;
	r = join(start, root, p->group, err);
	return r == 0 && p->monitor ? join(start, root, p->monitor, err) : r;
}
