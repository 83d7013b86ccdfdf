/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this directory: what the parts of plan_build() share (plan_parts.c), and the parts
 * themselves, each in the file of its name. A part fills its fields of the plan. */
#pragma once

#include "src/plan/plan.h"
#include "src/plan/powers.h"

struct plan_build { /* only while the plan is being built */
	struct arena *arena;
	struct plan *plan;
	struct plan_warning *warnings;
	size_t n_warnings, cap_warnings;
};

/* Records a departure from the config. */
void plan_parts_warn(struct plan_build *b, const char *fmt, ...) PRINTF(2, 3);

/* Whether a container id has a host id, as far as the plan knows (a joined user namespace is
 * unknown). */
bool plan_parts_uid_mapped(const struct plan *plan, uint32_t uid);
bool plan_parts_gid_mapped(const struct plan *plan, uint32_t gid);

/* Whether mounts are made with the privileges of a user namespace other than the initial one. */
bool plan_parts_in_userns(const struct plan *plan);

static inline bool plan_parts_creates(const struct plan *plan, enum plan_ns kind)
{
	return plan->ns.v[kind].action == NS_NEW;
}

int plan_ns_build(struct plan_build *b, struct err *err) MUST_CHECK;

int plan_idmap_build(struct plan_build *b, struct err *err) MUST_CHECK;
/* plan_idmap_ranges() reads a list of the config; plan_idmap_split() cuts maps so that the kernel
 * accepts them below the caller's namespace. */
struct idmap plan_idmap_ranges(struct arena *arena, const oci_id_mappings *list);
int plan_idmap_split(struct plan_build *b, struct idmap_write *write, struct err *err) MUST_CHECK;
/* Finds the mapping that a mount asks for and sets m->idmap; 0 if it asks for none. Entries with
 * equal mappings share one. */
int plan_idmap_mount_build(struct plan_build *b, const struct oci_mount *mount,
			   struct mount_entry *m, struct err *err) MUST_CHECK;

int plan_mounts_build(struct plan_build *b, struct err *err) MUST_CHECK;
/* For a running container: mounts to add, and targets of those to remove. */
int plan_mounts_build_added(struct plan_build *b, struct err *err) MUST_CHECK;
void plan_mounts_build_places(struct plan_build *b);

/* Plan the directory that keeps changes; the copy of the root itself; and, once all copies are
 * known, check whether they are compatible. */
int plan_layer_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_layer_build_overlay(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_layer_check(struct plan_build *b, struct err *err) MUST_CHECK;
/* Adds the layer part for a mount that shows a copy. Returns its number, from 1. */
size_t plan_layer_of(struct plan_build *b, const struct mount_entry *m);

/* Options that must be known before the other words can be understood. */
struct plan_mount_shape {
	bool bind, recursive, remount;
};
/* Whether a mount asks for mapped ids. */
/* For entry i, a bind of what an earlier mount shows: who can map its ids, or that nobody can. */
int plan_idmap_mount_shown(struct plan_build *b, size_t i, struct mount_entry *m,
			   struct err *err) MUST_CHECK;
bool plan_idmap_mount_is_wanted(const struct oci_mount *mount);

void plan_mount_options_shape(const struct oci_mount *mount, struct plan_mount_shape *ret);
/* linux.mountLabel as an option of a new file system; false if there is none, or no SELinux. */
bool plan_mount_options_label(const struct plan *plan, struct mount_super *ret);
/* Applies the words to m, whose kind, target and recursive are set. */
int plan_mount_options_apply(struct plan_build *b, const struct oci_mount *mount,
			     struct mount_entry *m, struct err *err) MUST_CHECK;

int plan_devices_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_devices_build_net(struct plan_build *b, struct err *err) MUST_CHECK;

/* The requested network: as changes to the config, and once namespaces and ids are decided. */
int plan_net_ask(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_net_build(struct plan_build *b, struct err *err) MUST_CHECK;

/* The handler's program, files, devices and system calls, as changes to the config. */
int plan_handler_apply(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_handler_apply_exec(struct plan_build *b, const struct handler_kept *kept,
			    const struct oci_process **process, struct err *err) MUST_CHECK;

int plan_process_build(struct plan_build *b, const struct oci_process *process,
		       struct err *err) MUST_CHECK;
