/* SPDX-License-Identifier: Apache-2.0 */
/* A manager listens on a socket of its own and on its bus; a socket file without a listener is what a manager
 * that has ended leaves behind, so it is connected to. */
#include "src/host/facts_systemd.h"

#include "src/base/fd.h"
#include "src/sys/helper.h"
#include "src/sys/sock.h"

static bool listens(struct arena *arena, const char *dir, const char *name)
{
	_cleanup_close_ int fd = sock_connect(arena_strf(arena, "%s/%s", dir, name));

	return fd >= 0;
}

void facts_systemd_gather(struct arena *arena, const struct facts *facts, struct facts_systemd *ret)
{
	struct err err = { 0 };
	const char *dir = facts->runtime_dir;

	*ret = (struct facts_systemd){ 0 };
	if (!dir && facts->caller.initial_userns)
		dir = arena_strf(arena, "/run/user/%u", facts->caller.uid);
	if (dir && (listens(arena, dir, "systemd/private") || listens(arena, dir, "bus")))
		ret->user_dir = dir;
	/* Its bus lets everybody in, and then refuses. */
	ret->system = listens(arena, "/run/systemd", "private");
	/* Last, because it is dearer than the rest, and without a manager of no use. */
	if (!ret->user_dir && !ret->system)
		return;
	ret->library = helper_start(&err) == 0;
	if (!ret->library)
		ret->why = arena_strf(arena, "%s%s%s%s", err.text, *err.hint ? " (" : "", err.hint,
				      *err.hint ? ")" : "");
}
