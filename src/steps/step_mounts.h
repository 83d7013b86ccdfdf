/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this directory that mount. */
#pragma once

#include "src/steps/steps.h"

#include <sys/stat.h>

/* What is written to one of the container's overlays (step_layer.c). */
#define STEP_LAYER_SIZE "25%" /* half of the memory, a tmpfs's default, fits only twice */
struct step_layer_use {
	size_t layer;     /* 1 + index in the plan's layers */
	int place;        /* mounted on; may cover a tmpfs mounted there before */
	const char *size; /* of that; NULL: the usual */
	int tree;         /* the lower directory, detached, for the server; or -1 */
	struct stat like; /* mode and owner of its root */
	bool strict;      /* an overlay that cannot replace directories is none */
	uint64_t attrs;   /* of the overlay */
};

/* The directory for what is written, and one for the kernel's work, which may be NULL. -errno. */
int step_layer_upper(struct start *start, const struct step_layer_use *use, int *ret_work);

/* Whether all files in it are the process's user's. layer: 1 + index. */
bool step_layer_squash(const struct start *start, size_t layer);

/* A detached overlay: the kernel's or, if that fails, a served one (layer_serve.h). The error has
 * both reasons. */
int step_layer_overlay(struct start *start, const struct step_layer_use *use, int lower,
		       struct err *err) MUST_CHECK;

/* One that is served. part: its directory of the layer. */
int step_layer_served(struct start *start, const struct step_layer_use *use, int part,
		      struct err *err) MUST_CHECK;

/* Over the rootfs, which is already in its place (step_overlay.c). */
int step_overlay_mount(struct start *start, struct err *err) MUST_CHECK;

/* Opens, or creates, the mount point of an entry in the rootfs. */
int step_mounts_target(struct start *start, const struct mount_entry *m, bool want_dir,
		       struct err *err) MUST_CHECK;

/* Attaches a detached mount there and sets its propagation. */
int step_mounts_attach(struct start *start, const struct mount_entry *m, int mount,
		       struct err *err) MUST_CHECK;

/* Opens the directory that the source of a bind mount lies in, and returns its name there; no link
 * is followed. -errno, no text. */
int step_mounts_source_dir(const struct mount_entry *m, const char **ret_name);

/* One for each enum mount_method: makes mount i. */
int step_mounts_fsmount(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_classic(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_bind(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_scratch(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_host_bind(struct start *start, size_t i, struct err *err) MUST_CHECK;
int step_mounts_cgroups(struct start *start, size_t i, struct err *err) MUST_CHECK;

/* A detached mount of a new file system, with the options of the entry and n more. */
int step_mounts_new_fs(struct start *start, const struct mount_entry *m,
		       const struct mount_super *more, size_t n, struct err *err) MUST_CHECK;

/* Copies the trees that could only be opened before, while nothing is mounted in them yet. */
int step_mounts_complete(struct start *start, struct err *err) MUST_CHECK;

/* The sources of the bind mounts, as detached trees. */
int step_mounts_sources(struct start *start, struct err *err) MUST_CHECK;

/* That of mount i with its attributes, still detached: a descriptor of it. */
int step_mounts_tree(struct start *start, size_t i, struct err *err) MUST_CHECK;

/* Maps the ids of a detached mount as the entry says. */
int step_mounts_map_ids(struct start *start, const struct mount_entry *m, int mount,
			struct err *err) MUST_CHECK;

/* tmpcopyup: copies what the tmpfs `mount` is about to cover into it. */
int step_mounts_copyup(struct start *start, const struct mount_entry *m, int mount,
		       struct err *err) MUST_CHECK;

/* Whether the file system of an entry is made for this container and is nowhere else. */
bool step_mounts_is_new(const struct mount_entry *m);
/* Whether a file is on a file system that was made for this container, or in its rootfs itself.
 * Nowhere else is anything made or changed, but mount points that are missing: what a bind mount
 * shows is the host's. */
bool step_mounts_is_own(const struct start *start, int fd);
/* The file system that was made for the container at path (len characters of it), not to be closed;
 * -1: there is none. */
int step_mounts_own_at(const struct start *start, const char *path, size_t len);
