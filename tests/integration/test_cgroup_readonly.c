/* SPDX-License-Identifier: Apache-2.0 */
/* The unit of a container where usrun may not change the cgroups, as in a service with
 * ProtectControlGroups=: systemd may, and is asked to. */
#include "tests/integration/cgroup_view.h"

#include "src/base/str.h"
#include "src/state/undo_list.h"
#include "tests/lib/check.h"
#include "tests/lib/fake_manager.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static struct arena arena;

static int sleep_for_ever(void)
{
	while (pause() < 0)
		continue;
	return 0;
}

/* Over the mounts that are there, in which files are open for writing. */
static void cover(const struct cgroup_place *place)
{
	for (size_t i = 0; i < place->dirs.n; i++) {
		const char *dir = place->dirs.v[i].mount;

		CHECK_INT(mount(dir, dir, NULL, MS_BIND, NULL), 0);
		CHECK_INT(mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	}
}

static void uncover(const struct cgroup_place *place)
{
	for (size_t i = 0; i < place->dirs.n; i++)
		CHECK_INT(umount2(place->dirs.v[i].mount, MNT_DETACH), 0);
}

/* `delete` of a container whose only trace is its unit; what the manager is asked for then. */
static int undo_unit(const struct cgroup_place *place, struct store *store, const char *calls,
		     struct err *err)
{
	struct fake_manager manager;
	struct state state = { .id = "a", .cgroup = *place };
	char called[256];
	int r = -ENOENT;

	fake_manager_start_with(&manager, FAKE_GOOD, place->dirs.v[0].path);
	state.unit = (struct cgroup_unit_ref){ .name = "usrun-a.scope",
					       .manager = CGROUP_MANAGER_USER,
					       .runtime_dir = manager.dir };
	for (const struct undo_list_entry *e = undo_list_entries; e->name; e++)
		if (str_equal(e->name, "cgroup-unit"))
			r = e->run(store, &state, err);
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, calls);
	fake_manager_stop(&manager);
	return r;
}

static void leaves(void)
{
	char root[] = "/tmp/usrun-test-unit-XXXXXX";
	struct cgroup_plan plan;
	struct cgroup cgroup =
		cgroup_view_create(arena_strf(&arena, "/%s", cgroup_view_name()), NULL, &plan);
	pid_t pid = cgroup_view_spawn(&cgroup, sleep_for_ever);
	struct err err = { 0 };
	struct store *store;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	driver_close(&cgroup);
	cover(&plan.place);
	CHECK_ERR(undo_unit(&plan.place, store, "", &err), &err,
		  "keeping the unit usrun-a.scope, with processes in it: the cgroups are mounted "
		  "read-only");
	CHECK_STR(err.hint, "systemctl --user stop usrun-a.scope");
	CHECK_INT(kill(pid, 0), 0);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
	err = (struct err){ 0 };
	CHECK_INT(undo_unit(&plan.place, store, "KillUnit StopUnit ResetFailedUnit ", &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(cgroup_view_count(&plan), plan.place.dirs.n);
	uncover(&plan.place);
	CHECK_INT(driver_remove(&plan.place, &err), 0);
	CHECK_INT(rmdir(root), 0);
}

TEST(a_group_that_is_read_only_is_left_to_systemd)
{
	cgroup_view_run(VIEW_V1, leaves);
	cgroup_view_run(VIEW_V2, leaves);
}

TEST(zz_nothing_is_left)
{
	cgroup_view_check_clean();
}
