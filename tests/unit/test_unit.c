/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"
#include "src/cgroup/driver.h"
#include "src/cgroup/unit.h"
#include "src/sys/dbus_kept.h"
#include "tests/lib/check.h"
#include "tests/lib/fake_manager.h"

#include <string.h>

static const char *const texts[] = { "a b", "", "c" };
static const uint8_t bytes[] = { 0, 255, 7 };
static const struct cgroup_property_pair named[] = { { .first = "/dev/null", .second = "rwm" },
						     { .first = "char-pts", .second = "r" } };
static const struct cgroup_property_pair numbered[] = { { .first = "/dev/sda",
							  .number = UINT64_MAX } };
static const struct cgroup_property properties[] = {
	{ .name = "Delegate", .type = "b", .number = 1 },
	{ .name = "Share", .type = "d", .real = -0.125 },
	{ .name = "Description", .type = "s", .text = "" },
	{ .name = "After", .type = "as", .texts = texts, .n = 3 },
	{ .name = "AllowedCPUs", .type = "ay", .bytes = bytes, .n = 3 },
	{ .name = "DeviceAllow", .type = "a(ss)", .pairs = named, .n = 2 },
	{ .name = "IOReadBandwidthMax", .type = "a(st)", .pairs = numbered, .n = 1 },
	{ .name = "Strange", .type = "t", .number = 5 },
	{ .name = "DeviceAllow", .type = "a(ss)" },
};

static struct cgroup_unit unit_of(const struct fake_manager *manager)
{
	return (struct cgroup_unit){
		.ref = { "usrun-a.scope", CGROUP_MANAGER_USER, manager->dir },
		.slice = "user.slice",
		.properties = properties,
		.n_properties = sizeof(properties) / sizeof(properties[0]),
	};
}

/* "": it works. */
static void check_start(enum fake_manager_mode mode, const char *error, const char *calls)
{
	_cleanup_str_ struct str dropped = { 0 };
	struct fake_manager manager;
	struct arena arena = { 0 };
	struct err err = { 0 };
	char called[256];
	const char *path;
	struct cgroup_unit unit;
	int r;

	fake_manager_start(&manager, mode);
	unit = unit_of(&manager);
	r = unit_start(&arena, &unit, 1, &dropped, &path, &err);
	if (*error)
		CHECK_ERR(r, &err, error);
	else
		CHECK_INT(r, 0);
	CHECK_STR(str_text(&dropped), mode == FAKE_PICKY ? "Strange" : "");
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, calls);
	CHECK(!path);
	fake_manager_stop(&manager);
	arena_free(&arena);
}

TEST(a_unit_is_started)
{
	check_start(FAKE_GOOD, "", "StartTransientUnit ");
	check_start(FAKE_OLD, "", "StartTransientUnit ");
	check_start(FAKE_EARLY, "", "StartTransientUnit ");
	check_start(FAKE_EXISTS, "", "StartTransientUnit ResetFailedUnit StartTransientUnit ");
	check_start(FAKE_PICKY, "", "StartTransientUnit StartTransientUnit ");
}

TEST(a_property_that_the_config_names_is_not_left_out)
{
	struct cgroup_property strange = { .name = "Strange", .type = "t", .number = 5 };
	struct str dropped = { 0 };
	struct fake_manager manager;
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct cgroup_unit unit;
	const char *path;

	fake_manager_start(&manager, FAKE_PICKY);
	unit = unit_of(&manager);
	strange.from = "annotations[\"org.systemd.property.Strange\"]";
	unit.properties = &strange;
	unit.n_properties = 1;
	CHECK_ERR(unit_start(&arena, &unit, 1, &dropped, &path, &err), &err,
		  "not start the unit usrun-a.scope: ");
	CHECK(strstr(err.text, "Strange") != NULL);
	CHECK_INT(dropped.len, 0);
	fake_manager_stop(&manager);
	arena_free(&arena);
}

TEST(too_many_properties_are_refused)
{
	static const struct cgroup_property many[128];
	const struct cgroup_unit_ref unit = { .name = "x.scope",
					      .manager = CGROUP_MANAGER_USER,
					      .runtime_dir = "/nowhere" };
	struct str dropped = { 0 };
	struct err err = { 0 };

	CHECK_ERR(unit_set(&unit, many, 128, &dropped, &err), &err,
		  "128 properties for the unit x.scope, at most 127");
}

TEST(what_hinders_it_is_told)
{
	check_start(FAKE_FAILS, "start the unit usrun-a.scope: systemd's job ended as \"failed\"",
		    "StartTransientUnit ");
	check_start(FAKE_TAKEN, "not start the unit usrun-a.scope: Unit already exists.",
		    "StartTransientUnit ResetFailedUnit StartTransientUnit ");
	check_start(FAKE_DENIES,
		    "not start the unit usrun-a.scope: org.freedesktop.DBus.Error.AccessDenied",
		    "StartTransientUnit ");
	check_start(FAKE_DROPS, "not start the unit usrun-a.scope: it closed the connection",
		    "StartTransientUnit ");
	check_start(FAKE_NONSENSE, "not start the unit usrun-a.scope: ", "StartTransientUnit ");
	check_start(FAKE_REJECTS, "reach the user's systemd: /tmp/usrun-", "");
	check_start(FAKE_CLOSES, "closed the connection", "");
	check_start(FAKE_GARBAGE, "does not speak D-Bus", "");
}

TEST(a_silent_manager_has_five_seconds)
{
	long long start = clock_now();

	check_start(FAKE_SILENT, "systemd/private did not answer within 5 s", "");
	CHECK(clock_now() - start < 60000);
}

TEST(a_slice_tells_its_group)
{
	_cleanup_str_ struct str dropped = { 0 };
	struct fake_manager manager;
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct cgroup_unit unit;
	char called[256];
	const char *path;

	fake_manager_start(&manager, FAKE_GOOD);
	unit = unit_of(&manager);
	unit.is_slice = true;
	CHECK_INT(unit_start(&arena, &unit, 1, &dropped, &path, &err), 0);
	CHECK_STR(path, "/some.slice");
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, "StartTransientUnit GetUnit Get ");
	fake_manager_stop(&manager);
	arena_free(&arena);
}

static void check_stop(enum fake_manager_mode mode, int wanted, const char *calls)
{
	struct fake_manager manager;
	struct err err = { 0 };
	char called[256];

	fake_manager_start(&manager, mode);
	CHECK_INT(unit_stop(&(struct cgroup_unit_ref){ "usrun-a.scope", CGROUP_MANAGER_USER,
						       manager.dir },
			    &err),
		  wanted);
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, calls);
	fake_manager_stop(&manager);
}

TEST(a_unit_is_stopped)
{
	check_stop(FAKE_GOOD, 0, "KillUnit StopUnit ResetFailedUnit ");
	check_stop(FAKE_EMPTY, 0, "KillUnit ");
	check_stop(FAKE_GONE, 0, "");
	check_stop(FAKE_NONE, 0, "");
	check_stop(FAKE_FAILS, -EIO, "KillUnit StopUnit ResetFailedUnit ");
	check_stop(FAKE_DROPS, -EPIPE, "KillUnit ");
}

TEST(a_connection_is_kept_for_the_next)
{
	struct fake_manager manager, other;
	struct err err = { 0 };
	struct dbus bus;
	int fd;

	fake_manager_start(&manager, FAKE_GOOD);
	fake_manager_start(&other, FAKE_GOOD);
	CHECK_INT(dbus_kept_open(manager.path, 5000, &bus, &err), 0);
	fd = bus.fd;
	dbus_kept_keep(manager.path, &bus);
	CHECK_INT(dbus_kept_open(other.path, 5000, &bus, &err), 0);
	CHECK(bus.fd != fd);
	dbus_close(&bus);
	CHECK_INT(dbus_kept_open(manager.path, 5000, &bus, &err), 0);
	CHECK_INT(bus.fd, fd);
	/* Not one that the peer has ended. */
	dbus_kept_keep(manager.path, &bus);
	fake_manager_stop(&manager);
	CHECK_INT(dbus_kept_open(manager.path, 5000, &bus, &err), -ENOENT);
	dbus_kept_forget();
	fake_manager_stop(&other);
}

TEST(a_unit_is_changed_and_joined)
{
	_cleanup_str_ struct str dropped = { 0 };
	struct fake_manager manager;
	struct err err = { 0 };
	struct cgroup_unit unit;
	char called[256];

	fake_manager_start(&manager, FAKE_PICKY);
	unit = unit_of(&manager);
	CHECK_INT(unit_set(&unit.ref, properties, unit.n_properties, &dropped, &err), 0);
	CHECK_STR(str_text(&dropped), "Strange");
	CHECK_INT(unit_attach(&unit.ref, "/container", 1, &err), 0);
	fake_manager_calls(&manager, called, sizeof(called));
	CHECK_STR(called, "SetUnitProperties SetUnitProperties AttachProcessesToUnit ");
	fake_manager_stop(&manager);
}

/* A damaged state may name more directories than there is room for. */
/* What cannot join a group of the container's would be without its limits. */
TEST(of_too_many_directories_none_can_be_joined)
{
	enum { MANY = 40 * GROUP_MAX_DIRS };
	struct arena arena = { 0 };
	struct cgroup_dir dirs[MANY];
	const struct cgroup_place place = { CGROUP_DRIVER_V1, { dirs, MANY } };
	struct {
		struct cgroup cgroup;
		int behind[MANY];
	} there;
	const char *instead;
	struct err err = { 0 };

	memset(&there, -2, sizeof(there));
	for (size_t i = 0; i < MANY; i++)
		dirs[i] = (struct cgroup_dir){ .controllers = "none",
					       .mount = "/nonexistent",
					       .path = "/a" };
	CHECK_ERR(driver_open_of(&arena, &place, 0, &there.cgroup, &instead, &err), &err,
		  "the container's cgroup /a is gone, and the cgroup of its process 0 cannot be "
		  "found");
	CHECK_ERR(driver_open_of(&arena, &place, INT32_MAX, &there.cgroup, &instead, &err), &err,
		  "the container's process 2147483647 has just exited");
	CHECK(!instead);
	for (size_t i = 0; i < MANY; i++)
		if (there.behind[i] == -1)
			CHECK_INT(i, -1);
	arena_free(&arena);
}
