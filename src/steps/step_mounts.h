/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this directory that mount. */
#pragma once

#include "src/steps/steps.h"

#include <sys/stat.h>

/* Where the writes to one of the container's overlays go (step_layer.c). */
#define STEP_LAYER_SIZE "25%" /* a tmpfs defaults to half of the memory, which fits only twice */
struct step_layer_use {
	size_t layer;     /* 1 + index in the plan's layers */
	int place;        /* to mount on; may cover a tmpfs mounted there before */
	const char *size; /* of the tmpfs; NULL: the default */
	int tree;         /* the detached lower directory, for the server; or -1 */
	struct stat like; /* mode and owner of the lower directory's root */
	bool strict;      /* refuse an overlay that cannot replace directories */
	uint64_t attrs;   /* of the overlay */
};

/* Opens the upper directory and the kernel's work directory, which may be NULL. -errno. */
int step_layer_upper(struct start *start, const struct step_layer_use *use, int *ret_work);

/* Whether all files in it belong to the process's user. layer: 1 + index. */
bool step_layer_squash(const struct start *start, size_t layer);

/* A detached overlay: the kernel's or, if that fails, a served one (layer_serve.h). The error gives
 * both reasons. */
int step_layer_overlay(struct start *start, const struct step_layer_use *use, int lower,
		       struct err *err) MUST_CHECK;

/* A served overlay. part: its directory in the layer. */
int step_layer_served(struct start *start, const struct step_layer_use *use, int part,
		      struct err *err) MUST_CHECK;

/* Covers the rootfs, which is already in place (step_overlay.c). */
int step_overlay_mount(struct start *start, struct err *err) MUST_CHECK;

/* Opens an entry's mount point in the rootfs, creating it if missing. */
int step_mounts_target(struct start *start, const struct mount_entry *m, bool want_dir,
		       struct err *err) MUST_CHECK;

/* Ends the propagation of a copy to the host's mounts where the config does not ask for it. */
int step_mounts_leave(struct start *start, const struct mount_entry *m, int mount,
		      struct err *err) MUST_CHECK;

/* Sets the propagation of an attached mount. 0 or -errno. */
int step_mounts_propagate(const struct mount_entry *m, int mount);

/* Attaches a detached mount there and sets its propagation. */
int step_mounts_attach(struct start *start, const struct mount_entry *m, int mount,
		       struct err *err) MUST_CHECK;

/* Opens the parent directory of a bind mount's source, without following links, and returns the
 * source's name in it. -errno, no text. */
int step_mounts_source_dir(const struct mount_entry *m, const char **ret_name);

/* One for each enum mount_method: makes mount i. */
int step_mounts_fsmount(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_classic(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_bind(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_scratch(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_host_bind(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_cgroups(struct start *start, size_t i, struct err *err) MUST_CHECK;

/* A detached mount of a new file system, with the entry's options and n more. */
int step_mounts_new_fs(struct start *start, const struct mount_entry *m,
		       const struct mount_super *more, size_t n, struct err *err) MUST_CHECK;

/* Copies the trees that could only be opened earlier, before anything is mounted in them. */
int step_mounts_complete(struct start *start, struct err *err) MUST_CHECK;

/* Opens the sources of the bind mounts as detached trees. */
int step_mounts_sources(struct start *start, struct err *err) MUST_CHECK;

/* Returns a descriptor of mount i's tree, with its attributes, still detached. */
int step_mounts_tree(struct start *start, size_t i, struct err *err) MUST_CHECK;

/* Maps the ids of a detached mount as the entry says. */
int step_mounts_map_ids(struct start *start, const struct mount_entry *m, int mount,
			struct err *err) MUST_CHECK;

/* tmpcopyup: copies what `mount`, a tmpfs, is about to cover into it. */
int step_mounts_copyup(struct start *start, const struct mount_entry *m, int mount,
		       struct err *err) MUST_CHECK;

/* Whether an entry's file system is created for this container and exists nowhere else. */
bool step_mounts_is_new(const struct mount_entry *m);
/* Whether a file is on a file system created for this container, or in its rootfs itself. Elsewhere
 * only missing mount points may be created, and nothing changed: what a bind mount shows is the
 * host's. */
bool step_mounts_is_own(const struct start *start, int fd);
/* The file system created for the container at path (its first len characters), which must not be
 * closed; -1: none. */
int step_mounts_own_at(const struct start *start, const char *path, size_t len);
