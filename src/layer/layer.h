/* SPDX-License-Identifier: Apache-2.0 */
/* The upper layers of a sandbox's or container's overlays, in a directory of the user's or in a
 * tmpfs.
 *
 *   layer.json     the overlays' kind of attributes, and the lower directory of each
 *   0/upper 0/work 1/upper ...
 *
 * The kernel refuses neither an upper layer that is in use nor one on another lower directory than
 * before, and then shows nonsense. So every user of a layer holds flock(2) on its directory, and
 * the lower directories are checked. Programs in the sandbox have created what is in a layer:
 * names, links and modes are hostile, nothing is followed, and only regular files and directories
 * are opened. */
#pragma once

#include "src/base/json_read.h"
#include "src/base/str.h"

#include <sys/types.h>
#include <time.h>

enum layer_kind { LAYER_USER = 1, LAYER_TRUSTED }; /* user.overlay.*, trusted.overlay.* */

struct layer_part { /* one overlay */
	struct json_uint number, device, inode;
	const char *lower;       /* absolute; the mount point if there is no lower directory */
	struct json_bool empty;  /* there is no lower directory */
	struct json_uint since;  /* ns; later changes below were not seen by the layer */
	struct json_bool squash; /* the owners in it are meaningless */
};

struct layer {
	int fd;           /* the directory, locked if others could use it, too */
	const char *path; /* NULL: a tmpfs */
	int kind;         /* enum layer_kind */
	bool mapped;      /* files in it belong to ids other than the user's */
	/* Part of a file's temporary name while changes are applied, so that no program can have
	 * created it. */
	struct json_uint key;
	JSON_LIST(struct layer_part) parts;
};

/* Opens and locks DIR: it is created if missing, and must otherwise be empty or a layer of this
 * kind. kind 0: any kind, and DIR must be a layer. -EBUSY: it is in use. */
int layer_open(struct arena *arena, const char *path, int kind, struct layer *ret,
	       struct err *err) MUST_CHECK;
void layer_close(struct layer *layer);

/* The index of the part for a lower directory, added if there is none. Its ownership mode is set on
 * first use. -ESTALE if the path is another directory by now. */
int layer_add(struct arena *arena, struct layer *layer, const char *lower, bool empty, bool squash,
	      struct err *err) MUST_CHECK;
/* Notes that the layer has seen the current state of its lower directories. */
void layer_seen(struct layer *layer);
int layer_write(const struct layer *layer, struct err *err) MUST_CHECK;

/* Opens the lower directory of a part, O_PATH; -1: there is none. */
int layer_open_lower(const struct layer_part *part, int *ret_fd, struct err *err) MUST_CHECK;
/* Opens the upper directory of a part, O_PATH. */
int layer_open_upper(const struct layer *layer, const struct layer_part *part,
		     struct err *err) MUST_CHECK;

/* Opens a directory of an upper layer for reading, whatever mode a program has given it. Restore
 * *ret_mode afterwards unless it is 0. */
int layer_open_dir(int dir, const char *name, mode_t *ret_mode);

/* Lists a directory, sorted, without "." and "..". Takes fd. 0 or -errno. */
int layer_list(struct arena *arena, int fd, const char *const **ret, size_t *ret_n);

enum layer_what {
	LAYER_ADDED = 'A',
	LAYER_MODIFIED = 'M',
	LAYER_DELETED = 'D',
	LAYER_RETYPED = 'T', /* its type changed */
	LAYER_TOUCHED = 'm', /* only its mode, owner or time changed */
};

struct layer_side { /* the parts of struct stat that are reported */
	uint32_t mode;
	uint64_t size;
	struct timespec changed; /* of the inode */
	uint64_t inode;
};

struct layer_change {
	enum layer_what what;
	const struct layer_part *part;
	const char *name; /* relative to part->lower; "" for itself */
	struct layer_side now, was;
};

struct layer_changes {
	struct layer_change *v; /* directories before their contents */
	size_t n, cap;
};

/* Lists the differences between the layer and its lower directories. */
int layer_changes(struct arena *arena, const struct layer *layer, struct layer_changes *ret,
		  struct err *err) MUST_CHECK;

struct json_write;

/* Writes a line per change, and one with the totals. Control characters and invalid text are
 * escaped. */
void layer_text(struct str *out, const struct layer_changes *changes);
void layer_text_json(struct json_write *w, const struct layer_changes *changes);
void layer_text_name(struct str *out, const char *path);

/* The path of a change on the host. */
const char *layer_text_path(struct arena *arena, const struct layer_change *change);

struct layer_choice {
	const char *const *paths; /* absolute, clean: these and everything below; all if n is 0 */
	size_t n;
	/* Whether a change is made only if one of the paths names it. path: on the host; prefix:
	 * length of the lower directory's path in it; mode: the new mode, 0 if it is removed. */
	bool (*guarded)(const void *data, const char *path, size_t prefix, uint32_t mode);
	const void *data;
};

struct layer_applied {
	struct layer_changes done, guarded;
	struct layer_changes newer;   /* changed below since */
	struct layer_changes foreign; /* sockets and devices, which are not created */
};

/* Applies the changes, never through a link, and each file whole or not at all. */
int layer_apply(struct arena *arena, struct layer *layer, const struct layer_changes *changes,
		const struct layer_choice *choice, struct layer_applied *ret,
		struct err *err) MUST_CHECK;

/* Removes a name and everything below it, regardless of modes. 0 or -errno. */
int layer_remove_tree(int dir, const char *name);

/* Removes an open layer. */
int layer_remove(struct arena *arena, struct layer *layer, struct err *err) MUST_CHECK;
