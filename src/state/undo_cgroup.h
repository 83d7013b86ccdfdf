/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the cgroups and units of a container, and no others: a cgroup's mark (cgroup/mark.h) says
 * whose it is. */
#pragma once

#include "src/host/facts.h"
#include "src/state/store.h"

/* Kills and removes the cgroups that have the container's mark. Those that have another mark, or
 * that are unmarked and populated, stay, with a notice. */
int undo_cgroup_remove(struct store *store, const char *id, const struct cgroup_place *place,
		       struct err *err) MUST_CHECK;

/* The same for cgroups to which no state led: stops their scopes first, too. systemd may not notice
 * that a cgroup is empty if that is removed at once, and would keep the unit, and its name. */
int undo_cgroup_remove_found(struct store *store, const char *id, const struct cgroup_place *place,
			     struct err *err) MUST_CHECK;

/* Whether the cgroup or a descendant contains a process. One that cannot be read counts as in
 * use. */
bool undo_cgroup_in_use(const struct cgroup_place *place);

/* The same after a moment: a creator killed before it marked the cgroup leaves processes that are
 * still dying. */
bool undo_cgroup_stays_in_use(const struct cgroup_place *place);

/* Kills the unit's processes and stops it, if its cgroup has the container's mark or is empty.
 * Another container's unit stays, with a notice. -EBUSY: in use by an unknown owner. */
int undo_cgroup_remove_unit(struct store *store, const char *id, const struct cgroup_unit_ref *unit,
			    const struct facts_cgroup *host, struct err *err) MUST_CHECK;

/* The place that a path has in all hierarchies of the host (arena). */
struct cgroup_place undo_cgroup_place(struct arena *arena, const struct facts_cgroup *host,
				      const char *path);
