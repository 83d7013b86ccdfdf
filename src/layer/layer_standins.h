/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-ins for a copy of this machine in which the user is root. Files that not everybody may read
 * hold passwords, and would stop package managers at the first lock. Empty files and directories of
 * the same modes replace them, user databases without passwords, and a setting that tells apt that
 * there is a single user. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Creates and records the stand-ins in the upper directory of a part that has none yet. lower is
 * the part's lower directory. */
int layer_standins_make(struct arena *arena, int lower, int part, struct err *err) MUST_CHECK;

/* Records the lower names that are not shown: a program that removes an empty stand-in, or creates
 * it anew, does not mean this machine's file. names have no leading slash. */
int layer_standins_hide(struct arena *arena, int part, const char *const *names, size_t n,
			struct err *err) MUST_CHECK;

struct layer_standins {
	struct layer_standin {
		const char *name;
		uint64_t inode, size, changed;
	} * v;
	size_t n, cap;
};

/* Reads the stand-ins of a part; none if there is no record. */
int layer_standins_read(struct arena *arena, int part, struct layer_standins *ret,
			struct err *err) MUST_CHECK;

/* Whether a name in the upper directory is a stand-in as it was created; for directories, whatever
 * their contents. */
bool layer_standins_has(const struct layer_standins *standins, const char *name,
			const struct stat *now);

struct layer_hidden {
	const char *const *v;
	size_t n;
};
int layer_standins_hidden(struct arena *arena, int part, struct layer_hidden *ret,
			  struct err *err) MUST_CHECK;

/* Whether changing this name would change something that is not shown, or (removed) remove it. */
bool layer_standins_hides(const struct layer_hidden *hidden, const char *name, bool removed);
