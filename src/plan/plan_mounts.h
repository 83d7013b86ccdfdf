/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that plan mounts. */
#pragma once

#include "src/plan/plan_parts.h"

/* Whether mounts are made with the rights of another user namespace than the first. */
bool plan_mounts_in_userns(const struct plan *plan);

/* What the options make of an entry, before their other words can be understood. */
struct plan_mount_shape {
	bool bind, recursive, remount;
};

void plan_mount_options_shape(const struct oci_mount *mount, struct plan_mount_shape *ret);

/* Applies the words to m, whose kind, target and recursive are set. */
int plan_mount_options_apply(struct plan_build *b, const struct oci_mount *mount,
			     struct mount_entry *m, struct err *err) MUST_CHECK;

/* Finds the mapping that entry i asks for and sets m->idmap, 0 where it asks for none. Entries with
 * equal mappings share one. */
int plan_mount_idmap_build(struct plan_build *b, const struct oci_mount *mount,
			   struct mount_entry *m, struct err *err) MUST_CHECK;
