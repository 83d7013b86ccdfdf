/* SPDX-License-Identifier: Apache-2.0 */
/* Records which container a cgroup belongs to: names recur under other state directories, and a
 * damaged state may name anything. An extended attribute holds the state directory (device and
 * inode) and the container's id. A container's cgroup has the same path in all hierarchies, so the
 * mark in the first one counts for all. */
#pragma once

#include "src/cgroup/driver.h"

enum { MARK_SIZE = 320 };

/* Marks the open cgroups with `mark`, "DEVICE:INODE ID". -EEXIST, without a text, if another
 * container owns one; its mark is in ret_other. take: claims it anyway. done: a path already marked
 * as ours, or NULL. A cgroup that cannot be marked is not an error. */
int mark_claim(const struct cgroup *cgroup, const char *done, const char *mark, bool take,
	       char ret_other[MARK_SIZE]) MUST_CHECK;

/* Inodes of marked cgroups are never reused. DOUBTED: created for this container, but marked by
 * another. */
enum mark_owner { MARK_OURS, MARK_NOBODYS, MARK_OTHERS, MARK_DOUBTED };

/* Records the inode of the cgroup that stands for all others in `dirs`, a copy of the place's
 * list. */
void mark_note(const struct cgroup *cgroup, struct cgroup_dir *dirs);

/* Whether all directories of the place have the same path, and the cgroup there has the mark. */
bool mark_agrees(const struct cgroup_place *place, const char *mark);

/* Each search goes through a hierarchy, and skips what the caller may not read. One that could
 * not be finished has found nothing, and is an error. */

/* The path of a cgroup with this mark (arena), or NULL. */
int mark_search(struct arena *arena, const char *mount, const char *mark, const char **ret,
		struct err *err) MUST_CHECK;

/* All cgroups whose mark begins with `prefix` (arena). An error comes without a text. */
struct mark_found {
	const char *rest; /* the mark after the prefix */
	const char *path;
};
int mark_list(struct arena *arena, const char *mount, const char *prefix,
	      const struct mark_found **ret, size_t *ret_n) MUST_CHECK;

/* The directory of an unmarked cgroup that has one of the names (a list that ends with NULL), or
 * NULL (arena). */
int mark_search_nobodys(struct arena *arena, const char *mount, const char *const *names,
			const char **ret, struct err *err) MUST_CHECK;

/* Finds the owner of a unit's cgroup, by the mark on it or on one below. OURS: *ret_path is where
 * (arena). OTHERS: ret_other is the owner's mark. Errors come without a text; -ENOENT: no hierarchy
 * has the cgroup. */
int mark_find(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      const char **ret_path, char ret_other[MARK_SIZE]) MUST_CHECK;

/* The directories of a place by their owners. A missing one counts as ours; where cgroups have no
 * extended attributes, all do. others, doubted: the mark of the first such one, or "". */
struct mark_sorted {
	struct cgroup_place of[MARK_DOUBTED + 1];
	char others[MARK_SIZE], doubted[MARK_SIZE];
};
int mark_sort(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      struct mark_sorted *ret, struct err *err) MUST_CHECK;
