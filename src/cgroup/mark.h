/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a cgroup is: names recur under other state directories, and a damaged state may name
 * anything. An extended attribute on the cgroup has the state directory (device and inode) and the
 * id. All hierarchies have the cgroup of a container at one path, so that of the first one stands
 * for all. */
#pragma once

#include "src/cgroup/driver.h"

enum { MARK_SIZE = 320 };

/* Marks the open cgroups with `mark`, "DEVICE:INODE ID". -EEXIST, without a text: one is another's,
 * whose mark is in ret_other. take: makes it ours all the same. done: a path that has ours already,
 * or NULL. A cgroup that takes no mark is no error. */
int mark_claim(const struct cgroup *cgroup, const char *done, const char *mark, bool take,
	       char ret_other[MARK_SIZE]) MUST_CHECK;

/* Inodes of marked cgroups are never reused. DOUBTED: it is the cgroup created for the container,
 * and has another's mark. */
enum mark_owner { MARK_OURS, MARK_NOBODYS, MARK_OTHERS, MARK_DOUBTED };

/* Records the inode of the cgroup that stands for the others in `dirs`, a copy of the place's
 * list. */
void mark_note(const struct cgroup *cgroup, struct cgroup_dir *dirs);

/* Whether everything in the place is at one path, and there is a cgroup with the mark. */
bool mark_agrees(const struct cgroup_place *place, const char *mark);

/* The path of a cgroup with the mark, anywhere in a hierarchy (arena), or NULL. */
const char *mark_search(struct arena *arena, const char *mount, const char *mark);

/* All cgroups of a hierarchy whose mark begins with `prefix` (arena). */
struct mark_found {
	const char *rest; /* of the mark */
	const char *path;
};
size_t mark_list(struct arena *arena, const char *mount, const char *prefix,
		 const struct mark_found **ret);

/* The directory of a cgroup (arena), anywhere in a hierarchy, that has one of the names (a list
 * ending with NULL) and nobody's mark; or NULL. */
const char *mark_search_nobodys(struct arena *arena, const char *mount, const char *const *names);

/* Whose the cgroup of a unit is: the mark is on it, or on one below. OURS: *ret_path is where
 * (arena). OTHERS: ret_other is theirs. -ENOENT, without a text: no hierarchy has the cgroup. */
int mark_find(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      const char **ret_path, char ret_other[MARK_SIZE]) MUST_CHECK;

/* Those directories of the place that belong to `owner`. One that is gone is ours; where the kernel
 * keeps no attributes on groups, all are. ret_other (may be NULL) gets the mark of the first of
 * them, where OTHERS or DOUBTED are picked and there are any. */
struct cgroup_place mark_pick(struct arena *arena, const struct cgroup_place *place,
			      const char *mark, enum mark_owner owner, char ret_other[MARK_SIZE]);
