/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what denies access to a path: the first directory on the way that the process may not
 * enter, or the file at its end, with owner and mode. Used only after the kernel has returned
 * EACCES. */
#pragma once

#include "src/base/arena.h"
#include "userns/idmap.h"

/* Whose access is in question. All zero: the caller's, on the host. */
struct barrier_view {
	bool container;                  /* a process in the container, for paths inside it */
	const struct idmap *uids, *gids; /* the map of its ids; NULL or empty: not mapped */
};

/* Checks whether the calling process may follow the path and, at its end, do what `want` says
 * (R_OK, W_OK, X_OK; 0: nothing more). NULL: nothing on the way denies it, or the path does not
 * exist. Otherwise one line: "uid 4000 may not enter the directory /home/dev (owner 1000:1000, mode
 * 0700): use a path outside of it". */
const char *barrier_words(struct arena *arena, const struct barrier_view *view, const char *path,
			  int want);

/* Adds that to the error as its hint, or in front of the existing hint. */
void barrier_hint(struct arena *arena, const struct barrier_view *view, const char *path, int want,
		  struct err *err);

/* For a mount point in a root file system, seen by the caller with the host's ids: the first
 * directory whose mode keeps out the root of a container with these maps, or in which it may not
 * create the rest of the path. NULL if no mode is in the way. */
const char *barrier_of_root(struct arena *arena, const struct barrier_view *view,
			    const char *rootfs, const char *path);
