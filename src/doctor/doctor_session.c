/* SPDX-License-Identifier: Apache-2.0 */
/* The user's session: where state is kept, and what ends running containers. */
#include "src/doctor/doctor_parts.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/state/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the path can be created or written to: the deepest existing directory decides. */
static int check_writable(struct doctor *d, const char *path, struct err *err)
{
	char *dir = arena_strdup(d->arena, path);

	while (access(dir, F_OK) < 0 && errno == ENOENT && strrchr(dir, '/') != dir)
		*strrchr(dir, '/') = '\0';
	if (access(dir, F_OK) < 0 && errno == ENOENT)
		dir[1] = '\0';
	if (access(dir, W_OK | X_OK) == 0)
		return 0;
	(void)err_errno(err, errno, "make %s: write to %s", path, dir);
	return err_hint(err, "name a directory of your own: in XDG_RUNTIME_DIR, or with --root");
}

void doctor_session_state(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct store *store;
	struct err err = { 0 };

	(void)argument;
	if (store_open(d->state_root, false, d->arena, &store, &err) < 0 ||
	    check_writable(d, store_root(store), &err) < 0)
		doctor_say(d, ret, DOCTOR_FAIL, &err);
	else
		doctor_ok(d, ret, "%s", store_root(store));
}

static bool is_dead(struct doctor *d, struct store *store, const char *id)
{
	struct err ignored;
	_cleanup_close_ int dir = store_open_container(store, id, &ignored);
	struct state state = { 0 };

	if (dir < 0 || store_lock(dir, 0, &ignored) < 0)
		return false;
	if (store_is_cut_off(dir))
		return store_is_private(dir);
	if (store_is_foreign(dir))
		return false;
	return store_read(store, dir, id, d->arena, &state, &ignored) == 0 &&
	       status_why_dead(&state, dir);
}

void doctor_session_stale(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct store *store;
	const char *const *ids;
	struct err err = { 0 };
	size_t n = 0, dead = 0;
	int r = store_open(d->state_root, false, d->arena, &store, &err);

	(void)argument;
	if (r == 0)
		r = store_list(store, d->arena, &ids, &n, &err);
	if (r < 0) {
		doctor_skip(d, ret, "needs state-directory");
		return;
	}
	for (size_t i = 0; i < n; i++)
		dead += is_dead(d, store, ids[i]);
	if (dead)
		doctor_warn(d, ret, "usrun gc", "something is left of %zu dead container%s", dead,
			    dead == 1 ? "" : "s");
	else
		doctor_ok(d, ret, "nothing is left of dead containers");
}

static bool has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

void doctor_session_manager(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct facts_systemd *systemd = &d->facts.systemd;
	const char *name = d->facts.caller.name ? d->facts.caller.name : "USER";

	(void)argument;
	if (systemd->user_dir)
		doctor_ok(d, ret, "this user's manager answers in %s", systemd->user_dir);
	else if (systemd->system)
		doctor_ok(d, ret, "the system's manager answers");
	else if (systemd->why)
		doctor_warn(d, ret, "systemctl --user daemon-reexec, or log in again", "%s",
			    systemd->why);
	else if (!has_systemd())
		doctor_skip(d, ret, "this host is not run by systemd");
	else
		doctor_warn(d, ret,
			    arena_strf(d->arena,
				       "log in by ssh, a console or `machinectl shell %s@` (su and "
				       "sudo make no session), or as root: loginctl enable-linger "
				       "%s; then export XDG_RUNTIME_DIR=/run/user/%u",
				       name, name, d->facts.caller.uid),
			    "no manager of this user answers: no unit for a container, and so no "
			    "limits");
}

void doctor_session_linger(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const char *name = d->facts.caller.name;

	(void)argument;
	if (!d->facts.systemd.user_dir || !name)
		doctor_skip(d, ret, "containers do not depend on a session");
	else if (access(arena_strf(d->arena, "/var/lib/systemd/linger/%s", name), F_OK) == 0)
		doctor_ok(d, ret, "containers outlive the session");
	else
		doctor_warn(d, ret, arena_strf(d->arena, "loginctl enable-linger %s", name),
			    "containers end when this user logs out");
}
