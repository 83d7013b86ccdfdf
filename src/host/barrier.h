/* SPDX-License-Identifier: Apache-2.0 */
/* What refuses a path: the first directory on the way that the process may not enter, or the file
 * at its end, with owner and mode. Used only after the kernel has returned EACCES. */
#pragma once

#include "src/base/arena.h"
#include "userns/idmap.h"

/* From whose point of view. All zero: the caller on the host. */
struct barrier_view {
	bool container;                  /* a process of the container, for paths inside it */
	const struct idmap *uids, *gids; /* how its ids are mapped; NULL or empty: not at all */
};

/* Whether the calling process may go along the path and, at its end, do what `want` says (R_OK,
 * W_OK, X_OK; 0: nothing more). NULL: nothing on the way refuses it, or it is not there. Else one
 * line: "uid 4000 may not enter the directory /home/dev (owner 1000:1000, mode 0700): use a path
 * outside of it". */
const char *barrier_words(struct arena *arena, const struct barrier_view *view, const char *path,
			  int want);

/* Adds it to the error as its hint, or before the existing hint. */
void barrier_hint(struct arena *arena, const struct barrier_view *view, const char *path, int want,
		  struct err *err);

/* For a mount point in a root file system, from the point of view of the caller, who sees the
 * host's ids as they are: the first directory whose mode keeps out the root of a container with
 * these maps, or in which it may not create the rest of the path. NULL if no mode is in the way. */
const char *barrier_of_root(struct arena *arena, const struct barrier_view *view,
			    const char *rootfs, const char *path);
