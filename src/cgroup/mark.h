/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a cgroup is: names alone are met again under another state directory, and a damaged state
 * may name anything. An extended attribute on the group has the state directory (device and inode)
 * and the id. All hierarchies have the group of a container at one path, so that of the first one
 * speaks for them. */
#pragma once

#include "src/cgroup/driver.h"

enum { MARK_SIZE = 320 };

/* Marks the groups that are open as those of `mark`, "DEVICE:INODE ID". -EEXIST, without a text:
 * one is another's, whose mark is in ret_other. take: makes it ours all the same. done: a path that
 * has ours already, or NULL. A group that takes no mark is no error. */
int mark_claim(const struct cgroup *cgroup, const char *done, const char *mark, bool take,
	       char ret_other[MARK_SIZE]) MUST_CHECK;

/* The inodes of marked groups are never given to another one. DOUBTED: it is the group that was
 * made for the container, and has the mark of another. */
enum mark_owner { MARK_OURS, MARK_NOBODYS, MARK_OTHERS, MARK_DOUBTED };

/* Notes the inode of the group that speaks for the others in `dirs`, a copy of the list of the
 * place. */
void mark_note(const struct cgroup *cgroup, struct cgroup_dir *dirs);

/* Whether all of the place is at one path, and there is a group with the mark. */
bool mark_agrees(const struct cgroup_place *place, const char *mark);

/* The path of a group with the mark, anywhere in a hierarchy (arena), or NULL. */
const char *mark_search(struct arena *arena, const char *mount, const char *mark);

/* All groups of a hierarchy whose mark begins with `prefix` (arena). */
struct mark_found {
	const char *rest; /* of the mark */
	const char *path;
};
size_t mark_list(struct arena *arena, const char *mount, const char *prefix,
		 const struct mark_found **ret);

/* The directory of a group (arena) anywhere in a hierarchy that has one of the names, a list with
 * NULL at its end, and nobody's mark; or NULL. */
const char *mark_search_nobodys(struct arena *arena, const char *mount, const char *const *names);

/* Whose the group of a unit is: the mark is on it, or on one below. OURS: *ret_path is where
 * (arena). OTHERS: ret_other is theirs. -ENOENT, without a text: no hierarchy has the group. */
int mark_find(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      const char **ret_path, char ret_other[MARK_SIZE]) MUST_CHECK;

/* Those directories of the place that belong to `owner`. One that is gone is ours; where the kernel
 * keeps no attributes on groups, all are. ret_other (may be NULL) gets the mark of the first of
 * them, where OTHERS or DOUBTED are picked and there are any. */
struct cgroup_place mark_pick(struct arena *arena, const struct cgroup_place *place,
			      const char *mark, enum mark_owner owner, char ret_other[MARK_SIZE]);
