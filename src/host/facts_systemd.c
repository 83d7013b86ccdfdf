/* SPDX-License-Identifier: Apache-2.0 */
/* A socket file says little: a manager that has ended leaves it behind, one that hangs still listens, and the kernel
 * connects whom it does not let in. So whoever answers there is a manager, and nobody else. */
#include "src/host/facts_systemd.h"

#include "src/sys/dbus.h"

static bool answers(struct arena *arena, const char *dir, const char **ret_why)
{
	struct err err = { 0 };
	struct dbus bus;
	int r = dbus_open(arena_strf(arena, "%s/systemd/private", dir), DBUS_CONNECT_MS, &bus,
			  &err);

	if (r == 0)
		dbus_close(&bus);
	else if (r != -ENOENT && r != -ECONNREFUSED)
		*ret_why = arena_strdup(arena, err.text);
	return r == 0;
}

void facts_systemd_gather(struct arena *arena, const struct facts *facts, struct facts_systemd *ret)
{
	const struct caller *caller = &facts->caller;
	const char *dir = facts->runtime_dir, *usual = NULL;

	*ret = (struct facts_systemd){ 0 };
	if (caller->initial_userns && !caller->uid) { /* what root starts belongs to the system */
		ret->system = answers(arena, "/run", &ret->why);
		return;
	}
	if (!dir && caller->initial_userns)
		dir = arena_strf(arena, "/run/user/%u", caller->uid);
	if (dir && answers(arena, dir, &ret->why))
		ret->user_dir = dir;
	else if (!ret->why) /* that it lets users not in says nothing about their own */
		ret->system = answers(arena, "/run", &usual);
}
