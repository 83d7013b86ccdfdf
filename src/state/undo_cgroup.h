/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the cgroups and units of containers, and nobody else's: a cgroup's mark (cgroup/mark.h)
 * says whose it is. */
#pragma once

#include "src/host/facts.h"
#include "src/state/store.h"

/* Kills and removes what has the container's mark. What has another's, or none and processes in it,
 * stays; a note says so. */
int undo_cgroup_remove(struct store *store, const char *id, const struct cgroup_place *place,
		       struct err *err) MUST_CHECK;

/* Whether a process is in it, or in a cgroup below. If that cannot be read, it is in use. */
bool undo_cgroup_in_use(const struct cgroup_place *place);

/* The same after a moment: a creator that was killed before it could mark the cgroup leaves
 * processes that are just dying. */
bool undo_cgroup_stays_in_use(const struct cgroup_place *place);

/* Stops the unit, and kills its processes, if its cgroup has the container's mark or is empty.
 * Another container's stays; a note says so. -EBUSY: it is in use, and nothing says by whom. */
int undo_cgroup_remove_unit(struct store *store, const char *id, const struct cgroup_unit_ref *unit,
			    const struct facts_cgroup *host, struct err *err) MUST_CHECK;

/* The place of a path in all hierarchies of the host (arena). */
struct cgroup_place undo_cgroup_place(struct arena *arena, const struct facts_cgroup *host,
				      const char *path);
