/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_ids.h"

#include "src/base/fd.h"
#include "src/host/facts.h"
#include "userns/idmap_write.h"

#include <errno.h>
#include <sched.h>

int do_ids_enter(struct arena *arena, const struct layer *layer, struct err *err)
{
	static bool entered;
	struct idmap_write write = { .writer = IDMAP_WRITER_HELPER };
	_cleanup_close_ int fd = -1;
	struct facts facts;
	int r;

	if (!layer->mapped || entered)
		return 0;
	r = facts_gather(arena, FACTS_USERNS, &facts, err);
	if (r < 0)
		return r;
	write.newuidmap = facts.newuidmap.path;
	write.newgidmap = facts.newgidmap.path;
	(void)idmap_build_default(arena, facts.caller.uid, facts.subuid.v, facts.subuid.n,
				  &write.uid);
	(void)idmap_build_default(arena, facts.caller.gid, facts.subgid.v, facts.subgid.n,
				  &write.gid);
	fd = idmap_write_fd(&write, err);
	if (fd < 0)
		return fd;
	if (setns(fd, CLONE_NEWUSER) < 0)
		return err_errno(err, errno, "enter a user namespace with the ids of the layer");
	entered = true;
	return 0;
}
