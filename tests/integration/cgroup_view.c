/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/cgroup_view.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/oci/decode.h"
#include "src/plan/plan_cgroup.h"
#include "src/sys/child.h"
#include "tests/lib/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"
enum { TIMEOUT_S = 60 };

static struct arena arena;

const char *cgroup_view_name(void)
{
	static char name[64];

	if (!*name)
		(void)snprintf(name, sizeof(name), "usrun-cgtest-%d", (int)getpid());
	return name;
}

/* The v2 tree of the machine, or NULL. */
static const char *v2_tree(void)
{
	int mode = facts_cgroup_mode();

	return mode == FACTS_CGROUP_V2       ? MOUNT
	       : mode == FACTS_CGROUP_HYBRID ? MOUNT "/unified"
					     : NULL;
}

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter_v1(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2(MOUNT "/unified", MNT_DETACH) < 0)
		die("show cgroup v1 only");
}

static void enter_v2(const char *tree)
{
	if (io_write_at(AT_FDCWD,
			arena_strf(&arena, "%s/%s-root/cgroup.procs", tree, cgroup_view_name()),
			"0") < 0)
		die("join the root of the view");
	if (unshare(CLONE_NEWNS | CLONE_NEWCGROUP) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2(MOUNT, MNT_DETACH) < 0 || mount("none", MOUNT, "cgroup2", 0, NULL) < 0)
		die("show cgroup v2 only");
	/* As on a real machine, nobody is in the root of the tree. */
	if (mkdir(MOUNT "/test", 0755) < 0 ||
	    io_write_at(AT_FDCWD, MOUNT "/test/cgroup.procs", "0") < 0)
		die("leave the root of the view");
}

static void run_child(enum view view, const char *tree, void (*function)(void), int output)
{
	(void)alarm(TIMEOUT_S);
	if (dup2(output, STDOUT_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(2);
	if (view == VIEW_V1)
		enter_v1();
	if (view == VIEW_V2)
		enter_v2(tree);
	function();
	(void)fflush(stdout);
	_exit(0);
}

/* What the view's own root needs: the group, and hugetlb, the one controller that hybrid hosts
 * leave free. */
static void prepare_v2(const char *tree, const char *group, bool *ret_enabled)
{
	char text[256];
	const char *control = arena_strf(&arena, "%s/cgroup.subtree_control", tree);

	*ret_enabled = io_read_small(AT_FDCWD, control, text, sizeof(text)) >= 0 &&
		       !strstr(text, "hugetlb") && io_write_at(AT_FDCWD, control, "+hugetlb") == 0;
	CHECK(mkdir(group, 0755) == 0);
}

/* What a broken test left goes away all the same, and is told. */
static void sweep(const char *path)
{
	struct cgroup_plan plan;
	struct err err = { 0 };

	CHECK_INT(cgroup_view_plan(path, NULL, &plan, &err), 0);
	if (!cgroup_view_count(&plan))
		return;
	CHECK_INT(cgroup_view_count(&plan), 0);
	CHECK_INT(driver_remove(&plan.place, &err), 0);
}

static void finish_v2(const char *tree, const char *group, bool enabled)
{
	CHECK(rmdir(arena_strf(&arena, "%s/test", group)) == 0);
	CHECK(rmdir(group) == 0);
	sweep(arena_strf(&arena, "/%s-root", cgroup_view_name()));
	if (enabled)
		CHECK_INT(io_write_at(AT_FDCWD,
				      arena_strf(&arena, "%s/cgroup.subtree_control", tree),
				      "-hugetlb"),
			  0);
}

static bool is_possible(enum view view)
{
	int mode = facts_cgroup_mode();

	if (mode == FACTS_CGROUP_NONE)
		return false;
	return view == VIEW_V1   ? mode == FACTS_CGROUP_HYBRID
	       : view == VIEW_V2 ? v2_tree() != NULL
				 : true;
}

/* Each failed check prints a line, so a good child prints nothing. */
static void collect(int input, pid_t pid)
{
	char text[8192] = "";
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = read(input, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	CHECK_STR(text, "");
	CHECK_INT(cgroup_view_wait(pid), 0);
}

void cgroup_view_run(enum view view, void (*function)(void))
{
	static const char *const names[] = { "this host's cgroups", "cgroup v1 alone",
					     "cgroup v2 alone" };
	const char *tree = v2_tree(), *group = "";
	bool enabled = false;
	int pipe_fds[2];
	pid_t pid;

	if (geteuid() != 0)
		SKIP("needs root");
	if (!is_possible(view)) {
		printf("passed over: this host cannot show %s\n", names[view]);
		return;
	}
	if (view == VIEW_V2) {
		group = arena_strf(&arena, "%s/%s-root", tree, cgroup_view_name());
		prepare_v2(tree, group, &enabled);
	}
	(void)fflush(stdout);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0)
		run_child(view, tree, function, pipe_fds[1]);
	fd_closep(&pipe_fds[1]);
	collect(pipe_fds[0], pid);
	fd_closep(&pipe_fds[0]);
	if (view == VIEW_V2)
		finish_v2(tree, group, enabled);
	sweep(arena_strf(&arena, "/%s", cgroup_view_name()));
}

static void check_clean_dir(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (str_starts(entry->d_name, cgroup_view_name()))
			CHECK_STR(arena_strf(&arena, "%s/%s", dir, entry->d_name),
				  "nothing left behind");
	if (stream)
		(void)closedir(stream);
}

void cgroup_view_check_clean(void)
{
	DIR *stream = opendir(MOUNT);
	struct dirent *entry;

	check_clean_dir(MOUNT);
	while (stream && (entry = readdir(stream)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			check_clean_dir(arena_strf(&arena, MOUNT "/%s", entry->d_name));
	if (stream)
		(void)closedir(stream);
}

int cgroup_view_plan(const char *path, const char *resources, struct cgroup_plan *ret,
		     struct err *err)
{
	struct plan_cgroup_options options = { .id = "x", .may_own_cgroups = true };
	struct oci_linux linux_ = { .cgroups_path = path };
	struct oci_config config = { .linux_ = &linux_ };
	struct facts *facts = arena_new(&arena, struct facts);
	int r = facts_gather(&arena, FACTS_CALLER | FACTS_CGROUP, facts, err);

	if (r == 0 && resources)
		r = decode_resources(&arena, "config.json", resources, strlen(resources),
				     &linux_.resources, err);
	return r < 0 ? r : plan_cgroup_build(&arena, &config, facts, &options, ret, err);
}

struct cgroup cgroup_view_create(const char *path, const char *resources, struct cgroup_plan *plan)
{
	struct cgroup cgroup = { 0 };
	struct err err = { 0 };
	int r = cgroup_view_plan(path, resources, plan, &err);

	if (r == 0)
		r = driver_create(plan, DRIVER_ALL, &cgroup, &err);
	if (r == 0)
		r = driver_apply(&cgroup, plan, &err);
	CHECK_STR(r < 0 ? err.text : "", "");
	return cgroup;
}

pid_t cgroup_view_spawn(const struct cgroup *cgroup, int (*function)(void))
{
	struct clone_request request = { .cgroup_fd = driver_clone_fd(cgroup) };
	struct child child = CHILD_NONE;
	int sync_fds[2];
	struct err err;
	pid_t pid;
	char c;

	if (pipe2(sync_fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = child_clone(&request, &child);
	if (pid == 0) {
		fd_closep(&sync_fds[0]);
		if (driver_join_self(cgroup, &err) < 0)
			_exit(99);
		fd_closep(&sync_fds[1]);
		(void)close(STDOUT_FILENO); /* the parent of the view reads it to the end */
		_exit(function());
	}
	fd_closep(&sync_fds[1]);
	(void)!read(sync_fds[0], &c, 1); /* until it has joined */
	fd_closep(&sync_fds[0]);
	CHECK(pid > 0);
	fd_closep(&child.pidfd);
	return pid;
}

int cgroup_view_wait(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *cgroup_view_read(const struct cgroup *cgroup, const char *controller, const char *file)
{
	char text[4096];

	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		const char *has = cgroup->place.dirs.v[i].controllers;
		bool match = *controller ? str_equal(has, controller) : !*has;

		if (match && cgroup->fds[i] >= 0 &&
		    io_read_small(cgroup->fds[i], file, text, sizeof(text)) >= 0)
			return arena_strdup(&arena, text);
	}
	return "(no such file)";
}

size_t cgroup_view_count(const struct cgroup_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->place.dirs.n; i++)
		n += access(arena_strf(&arena, "%s%s", plan->place.dirs.v[i].mount,
				       plan->place.dirs.v[i].path),
			    F_OK) == 0;
	return n;
}
