/* SPDX-License-Identifier: Apache-2.0 */
/* Life and end of groups: made, joined, frozen, killed, removed, refused. */
#include "tests/integration/cgroup_view.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/cgroup/mark.h"
#include "src/state/undo_cgroup.h"
#include "tests/lib/check.h"
#include "tests/lib/fake_manager.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static const char *path_of(const char *end)
{
	return arena_strf(&arena, "/%s%s", cgroup_view_name(), end);
}

static int sleep_for_ever(void)
{
	while (pause() < 0)
		continue;
	return 0;
}

static void check_remove(const struct cgroup_plan *plan)
{
	struct err err = { 0 };
	int r = driver_remove(&plan->place, &err);

	CHECK_STR(r < 0 ? err.text : "", "");
	CHECK_INT(cgroup_view_count(plan), 0);
}

static size_t count_pids(const struct cgroup *cgroup)
{
	struct err err = { 0 };
	pid_t *pids;
	size_t n = 0;

	CHECK_INT(driver_pids(cgroup, &arena, &pids, &n, &err), 0);
	return n;
}

/* The process is in the group in each of its hierarchies. */
static void check_membership(const struct cgroup_plan *plan, pid_t pid)
{
	char *text;
	struct err err;
	size_t found = 0;

	CHECK_INT(io_read_file(AT_FDCWD, arena_strf(&arena, "/proc/%d/cgroup", (int)pid), 65536,
			       &arena, &text, NULL, &err),
		  0);
	for (char *at = text; (at = strstr(at, path_of(""))); at++)
		found++;
	CHECK_INT(found, plan->place.dirs.n);
}

static void life(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of("/a/b"), NULL, &plan), again;
	struct err err = { 0 };
	pid_t pid;

	CHECK_INT(cgroup_view_count(&plan), plan.place.dirs.n);
	CHECK_INT(count_pids(&cgroup), 0);
	pid = cgroup_view_spawn(&cgroup, sleep_for_ever);
	check_membership(&plan, pid);
	CHECK_INT(count_pids(&cgroup), 1);
	CHECK_ERR(driver_create(&plan, DRIVER_ALL, &again, &err), &err,
		  "container's cgroup is not empty: 1 process(es) found");
	CHECK_INT(driver_is_frozen(&cgroup.place, &err), 0);
	CHECK_INT(driver_freeze(&cgroup, true, &err), 0);
	CHECK_INT(driver_is_frozen(&cgroup.place, &err), 1);
	CHECK_INT(driver_freeze(&cgroup, false, &err), 0);
	CHECK_INT(driver_is_frozen(&cgroup.place, &err), 0);
	CHECK_INT(driver_kill(&cgroup, SIGTERM, &err), 0);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGTERM);
	CHECK_INT(count_pids(&cgroup), 0);
	CHECK_INT(driver_freeze(&cgroup, true, &err), 0);
	CHECK_ERR(driver_create(&plan, DRIVER_ALL, &again, &err), &err,
		  "container's cgroup unexpectedly frozen");
	CHECK_INT(driver_freeze(&cgroup, false, &err), 0);
	CHECK_INT(driver_create(&plan, DRIVER_ALL, &again, &err), 0);
	driver_close(&again);
	driver_close(&cgroup);
	check_remove(&plan);
	check_remove(&plan);
	CHECK_ERR(driver_open(&plan.place, &again, &err), &err, "is gone");
	cgroup = cgroup_view_create(path_of("/a"), NULL, &plan);
	driver_close(&cgroup);
	check_remove(&plan);
	cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	driver_close(&cgroup);
	check_remove(&plan);
}

TEST(life_and_end)
{
	cgroup_view_run(VIEW_HOST, life);
	cgroup_view_run(VIEW_V1, life);
	cgroup_view_run(VIEW_V2, life);
}

/* A tree of processes that ignore what can be ignored, in groups of their own below, one with a
 * dot. */
static int stubborn(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			return sleep_for_ever();
	return sleep_for_ever();
}

static void kills_all(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan), below;
	struct cgroup_plan deeper;
	struct err err = { 0 };
	pid_t pid, other;

	CHECK_INT(cgroup_view_plan(path_of("/.hidden"), NULL, &deeper, &err), 0);
	pid = cgroup_view_spawn(&cgroup, stubborn);
	CHECK_INT(driver_create(&deeper, DRIVER_ALL, &below, &err), 0);
	other = cgroup_view_spawn(&below, stubborn);
	while (count_pids(&cgroup) < 22)
		(void)sched_yield();
	CHECK_INT(driver_kill(&cgroup, SIGTERM, &err), 0);
	CHECK_INT(count_pids(&cgroup), 22);
	CHECK_INT(driver_freeze(&below, true, &err),
		  0); /* as a container that may write there can */
	driver_close(&below);
	CHECK_INT(driver_freeze(&cgroup, true, &err), 0);
	driver_close(&cgroup);
	check_remove(&plan);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
	CHECK_INT(cgroup_view_wait(other), 128 + SIGKILL);
}

TEST(frozen_and_stubborn_processes_are_killed_with_the_groups_below)
{
	cgroup_view_run(VIEW_HOST, kills_all);
	cgroup_view_run(VIEW_V1, kills_all);
	cgroup_view_run(VIEW_V2, kills_all);
}

static int fork_for_ever(void)
{
	while (fork() >= 0 || errno == EAGAIN)
		(void)waitpid(-1, NULL, WNOHANG);
	return 1;
}

/* Never without a limit that is seen to be there. */
static void check_bomb(struct cgroup *cgroup, const struct cgroup_plan *plan)
{
	pid_t pid = -1;

	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		(void)io_write_at(cgroup->fds[i], "pids.max", "60");
	if (str_equal(cgroup_view_read(cgroup, "pids", "pids.max"), "60"))
		pid = cgroup_view_spawn(cgroup, fork_for_ever);
	while (pid > 0 && count_pids(cgroup) < 50)
		(void)sched_yield();
	driver_close(cgroup);
	check_remove(plan);
	if (pid > 0)
		CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
}

static void ends_fork_bomb(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);

	check_bomb(&cgroup, &plan);
}

/* The directories but those that can freeze or kill. */
static void ends_fork_bomb_without_freezer(void)
{
	struct cgroup_plan plan;
	struct cgroup_dir dirs[GROUP_MAX_DIRS];
	struct cgroup cgroup;
	struct err err = { 0 };
	size_t n = 0;

	CHECK_INT(cgroup_view_plan(path_of(""), NULL, &plan, &err), 0);
	for (size_t i = 0; i < plan.place.dirs.n; i++)
		if (*plan.place.dirs.v[i].controllers &&
		    !strstr(plan.place.dirs.v[i].controllers, "freezer"))
			dirs[n++] = plan.place.dirs.v[i];
	plan.place.dirs.v = dirs;
	plan.place.dirs.n = n;
	CHECK_INT(driver_create(&plan, DRIVER_ALL, &cgroup, &err), 0);
	CHECK_ERR(driver_freeze(&cgroup, true, &err), &err, "has no freezer");
	check_bomb(&cgroup, &plan);
}

TEST(fork_bombs_end)
{
	cgroup_view_run(VIEW_HOST, ends_fork_bomb);
	cgroup_view_run(VIEW_V1, ends_fork_bomb);
	cgroup_view_run(VIEW_V1, ends_fork_bomb_without_freezer);
}

/* Deeper than a process has descriptors, and than any recursion likes. */
static void deep(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	int v = driver_clone_fd(&cgroup) >= 0 ? (int)cgroup.place.dirs.n - 1 : 0;
	int dir = openat(cgroup.fds[v], ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 1500; i++) {
		int next;

		if (mkdirat(dir, "d", 0755) < 0)
			break;
		next = openat(dir, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_closep(&dir);
		dir = next;
	}
	fd_closep(&dir);
	CHECK_INT(count_pids(&cgroup), 0);
	driver_close(&cgroup);
	check_remove(&plan);
}

TEST(deep_groups_are_removed)
{
	cgroup_view_run(VIEW_HOST, deep);
	cgroup_view_run(VIEW_V1, deep);
}

/* A process in one hierarchy only: what an exec leaves that was killed between two joins. */
static void half_joined(void)
{
	struct cgroup_plan plan;
	struct cgroup_place place;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan), one = { 0 };
	struct err err = { 0 };
	pid_t pid;

	place = (struct cgroup_place){ plan.place.kind, { &plan.place.dirs.v[1], 1 } };
	CHECK_INT(driver_open(&place, &one, &err), 0);
	pid = cgroup_view_spawn(&one, sleep_for_ever);
	driver_close(&one);
	driver_close(&cgroup);
	check_remove(&plan);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
}

TEST(half_joined_processes_go_too)
{
	cgroup_view_run(VIEW_V1, half_joined);
}

/* The last hierarchy refuses: nothing is left in the first ones, not even the parents. */
static void undone(void)
{
	struct cgroup_plan plan, first;
	struct cgroup_dir last;
	struct cgroup cgroup, one = { 0 };
	struct err err = { 0 };
	pid_t pid;

	CHECK_INT(cgroup_view_plan(path_of("/p/q"), NULL, &plan, &err), 0);
	last = plan.place.dirs.v[plan.place.dirs.n - 1];
	first = plan;
	first.place.dirs.v = &last;
	first.place.dirs.n = 1;
	CHECK_INT(driver_create(&first, DRIVER_ALL, &one, &err), 0);
	pid = cgroup_view_spawn(&one, sleep_for_ever);
	CHECK_ERR(driver_create(&plan, DRIVER_ALL, &cgroup, &err), &err, "not empty: 1 process");
	CHECK_INT(cgroup_view_count(&plan), 1);
	driver_close(&one);
	check_remove(&plan);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
	/* With the last group the parents go that were made for it. */
	for (const char *const *up = (const char *const[]){ "/p", "", NULL }; *up; up++) {
		CHECK_INT(cgroup_view_plan(path_of(*up), NULL, &plan, &err), 0);
		CHECK_INT(cgroup_view_count(&plan), 0);
	}
}

TEST(a_failed_create_takes_back_what_it_made)
{
	cgroup_view_run(VIEW_HOST, undone);
	cgroup_view_run(VIEW_V1, undone);
	cgroup_view_run(VIEW_V2, undone);
}

/* One group has been given to another, and the mark of one that is ours was changed. */
static void picks(void)
{
	static const char mark[] = "1:1 a";
	struct cgroup_plan plan, deeper;
	struct cgroup one = cgroup_view_create(path_of("/one"), NULL, &plan),
		      two = cgroup_view_create(path_of("/two"), NULL, &deeper);
	int first = group_v2(&one) < 0 ? 0 : group_v2(&one);
	struct cgroup_dir dirs[2] = { plan.place.dirs.v[first], deeper.place.dirs.v[first] };
	struct cgroup_place place = { plan.place.kind, { dirs, 2 } };
	struct mark_sorted sorted;
	struct err err;
	char other[MARK_SIZE] = "";
	struct cgroup pair = { .place = place, .fds = { one.fds[first] } };

	mark_note(&pair, dirs); /* the inode of the first */
	CHECK_INT(mark_claim(&one, NULL, "1:1 changed", true, other), 0);
	CHECK_INT(mark_claim(&two, NULL, "2:2 b", true, other), 0);
	CHECK_INT(mark_sort(&arena, &place, mark, &sorted, &err), 0);
	CHECK_INT(sorted.of[MARK_OTHERS].dirs.n, 1);
	CHECK_STR(sorted.others, "2:2 b");
	CHECK_INT(sorted.of[MARK_DOUBTED].dirs.n, 1);
	CHECK_STR(sorted.doubted, "1:1 changed");
	driver_close(&one);
	driver_close(&two);
	check_remove(&plan);
	check_remove(&deeper);
}

TEST(the_mark_of_another_is_that_of_the_group_that_was_picked)
{
	cgroup_view_run(VIEW_V2, picks);
	cgroup_view_run(VIEW_HOST, picks);
}

static struct facts_cgroup facts_of(const struct cgroup_place *place)
{
	struct facts_cgroup facts = { .mode = place->kind == CGROUP_DRIVER_V2 ? FACTS_CGROUP_V2
									      : FACTS_CGROUP_HYBRID,
				      .n = place->dirs.n };

	facts.v = arena_array(&arena, facts.n, sizeof(*facts.v));
	for (size_t i = 0; i < facts.n; i++)
		facts.v[i] = (struct facts_hierarchy){ .controllers = place->dirs.v[i].controllers,
						       .mount = place->dirs.v[i].mount };
	return facts;
}

/* What becomes of a unit whose group is `path`; the methods that the manager is asked for. */
static void check_unit(const struct cgroup_plan *plan, struct store *store, int result,
		       const char *calls)
{
	const struct facts_cgroup facts = facts_of(&plan->place);
	struct fake_manager manager;
	struct cgroup_unit_ref unit = { .name = "usrun-a.scope", .manager = CGROUP_MANAGER_USER };
	struct err err = { 0 };
	char called[256];

	fake_manager_start_with(&manager, FAKE_GOOD, plan->place.dirs.v[0].path);
	unit.runtime_dir = manager.dir;
	CHECK_INT(undo_cgroup_remove_unit(store, "a", &unit, &facts, &err), result);
	if (result < 0)
		CHECK_ERR(result, &err,
			  "keeping the unit usrun-a.scope: it is in use, and nothing");
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, calls);
	fake_manager_stop(&manager);
}

static void units(void)
{
	static const char stopped[] = "GetUnit Get KillUnit StopUnit ResetFailedUnit ";
	char root[] = "/tmp/usrun-test-unit-XXXXXX", other[MARK_SIZE];
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	struct err err = { 0 };
	struct store *store;
	pid_t pid;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	pid = cgroup_view_spawn(&cgroup, sleep_for_ever);
	check_unit(&plan, store, -EBUSY, "GetUnit Get ");
	CHECK_INT(mark_claim(&cgroup, NULL, "1:1 a", true, other), 0);
	check_unit(&plan, store, 0, "GetUnit Get ");
	CHECK_INT(kill(pid, 0), 0);
	CHECK_INT(mark_claim(&cgroup, NULL, store_mark(store, "a", &arena), true, other), 0);
	check_unit(&plan, store, 0, stopped);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
	check_unit(&plan, store, 0, stopped); /* its group is gone */
	driver_close(&cgroup);
	cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	check_unit(&plan, store, 0, stopped); /* empty */
	driver_close(&cgroup);
	check_remove(&plan);
	CHECK_INT(rmdir(root), 0);
}

TEST(a_unit_is_stopped_by_its_name_only_where_it_is_the_containers)
{
	cgroup_view_run(VIEW_HOST, units);
	cgroup_view_run(VIEW_V1, units);
	cgroup_view_run(VIEW_V2, units);
}

/* What becomes of a scope that its mark alone leads to, and the methods that systemd is asked for. */
static int remove_found(const struct cgroup_plan *plan, struct store *store,
			enum fake_manager_mode mode, const char *group, const char *calls)
{
	struct fake_manager manager;
	struct err err = { 0 };
	char called[256];
	int r;

	fake_manager_start_with(&manager, mode, group);
	CHECK_INT(mount(manager.dir, "/run", NULL, MS_BIND, NULL), 0);
	r = undo_cgroup_remove_found(store, "a", &plan->place, &err);
	CHECK_INT(umount2("/run", MNT_DETACH), 0);
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, calls);
	fake_manager_stop(&manager);
	if (r < 0)
		CHECK_ERR(r, &err, "stop the unit ");
	return r;
}

static void found_scopes(void)
{
	static const struct {
		enum fake_manager_mode mode;
		const char *group; /* NULL: that of the container */
		const char *calls;
		int result;
	} rows[] = {
		{ FAKE_GOOD, NULL, "GetUnit Get KillUnit StopUnit ResetFailedUnit ", 0 },
		{ FAKE_GOOD, "/elsewhere.scope", "GetUnit Get ", 0 },
		{ FAKE_EMPTY, NULL, "GetUnit ", 0 },
		{ FAKE_NONE, NULL, "", 0 },
		{ FAKE_REJECTS, NULL, "", -EIO },
	};
	char root[] = "/tmp/usrun-test-unit-XXXXXX", other[MARK_SIZE];
	struct err err = { 0 };
	struct store *store;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cgroup_plan plan;
		struct cgroup cgroup = cgroup_view_create(path_of(".scope"), NULL, &plan);
		const char *group = rows[i].group ? rows[i].group : plan.place.dirs.v[0].path;
		pid_t pid = cgroup_view_spawn(&cgroup, sleep_for_ever);

		CHECK_INT(mark_claim(&cgroup, NULL, store_mark(store, "a", &arena), true, other),
			  0);
		driver_close(&cgroup);
		CHECK_INT(remove_found(&plan, store, rows[i].mode, group, rows[i].calls),
			  rows[i].result);
		CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
		/* Found again. */
		CHECK_INT(cgroup_view_count(&plan), rows[i].result ? plan.place.dirs.n : 0);
		CHECK_INT(driver_remove(&plan.place, &err), 0);
	}
	CHECK_INT(rmdir(root), 0);
}

TEST(a_scope_that_its_mark_leads_to_is_stopped_before_it_is_removed)
{
	cgroup_view_run(VIEW_V1, found_scopes);
	cgroup_view_run(VIEW_V2, found_scopes);
}

static void refused(void)
{
	static const struct {
		const char *mount, *path;
	} bad[] = {
		{ NULL, "/" },     { NULL, "/." },         { NULL, "//" },
		{ NULL, "/../x" }, { NULL, "/a/../../x" }, { NULL, "x" },
		{ NULL, "" },      { "/tmp", "/x" },       { "/sys/fs/cgroup/../../../tmp", "/x" },
	};
	struct cgroup_plan plan;
	struct err err = { 0 };

	CHECK_INT(cgroup_view_plan(path_of(""), NULL, &plan, &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cgroup_dir dir = { .controllers = plan.place.dirs.v[0].controllers,
					  .mount = bad[i].mount ? bad[i].mount
								: plan.place.dirs.v[0].mount,
					  .path = bad[i].path };
		struct cgroup_place place = { plan.place.kind, { &dir, 1 } };
		struct cgroup cgroup;

		CHECK_ERR(driver_open(&place, &cgroup, &err), &err,
			  "is not the cgroup of a container");
		CHECK_ERR(driver_remove(&place, &err), &err, "is not the cgroup of a container");
		plan.place = place;
		CHECK_ERR(driver_create(&plan, DRIVER_ALL, &cgroup, &err), &err,
			  "is not the cgroup of a container");
		CHECK_INT(cgroup_view_plan(path_of(""), NULL, &plan, &err), 0);
	}
}

/* The damaged state names the group that usrun runs in. */
static void spares_itself(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	struct err err = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		int r = driver_join_self_slowly(&cgroup, &err);

		if (r == 0)
			r = driver_remove(&plan.place, &err);
		_exit(r == -EINVAL && strstr(err.text, "usrun itself is in it") ? 0 : 1);
	}
	CHECK_INT(cgroup_view_wait(pid), 0);
	driver_close(&cgroup);
	check_remove(&plan);
}

TEST(what_is_no_container_is_refused)
{
	cgroup_view_run(VIEW_HOST, refused);
	cgroup_view_run(VIEW_V2, refused);
	cgroup_view_run(VIEW_HOST, spares_itself);
	cgroup_view_run(VIEW_V2, spares_itself);
}

static void opens_main(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan), main_one;
	struct err err = { 0 };
	pid_t pid = cgroup_view_spawn(&cgroup, sleep_for_ever);
	size_t open_dirs = 0;

	CHECK_INT(driver_open_main(&plan.place, &main_one, &err), 0);
	for (size_t i = 0; i < main_one.place.dirs.n; i++)
		open_dirs += main_one.fds[i] >= 0;
	CHECK(open_dirs >= 1 && open_dirs <= 2);
	CHECK_INT(count_pids(&main_one), 1);
	CHECK_INT(driver_freeze(&main_one, true, &err), 0);
	CHECK_INT(driver_is_frozen(&main_one.place, &err), 1);
	CHECK_INT(driver_kill(&main_one, SIGKILL, &err), 0);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
	driver_close(&main_one);
	driver_close(&cgroup);
	check_remove(&plan);
}

TEST(the_main_directory_is_enough_to_kill)
{
	cgroup_view_run(VIEW_HOST, opens_main);
	cgroup_view_run(VIEW_V1, opens_main);
	cgroup_view_run(VIEW_V2, opens_main);
}

TEST(zz_nothing_is_left)
{
	cgroup_view_check_clean();
}
