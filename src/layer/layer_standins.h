/* SPDX-License-Identifier: Apache-2.0 */
/* For root of a copy of this machine: what not everybody may read would stop package managers
 * there, at the first lock, and has passwords. Empty files and directories of the same modes stand
 * in for them, user databases without passwords, and a word for apt, that it has one user alone. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Makes them in the upper directory of a part that has none yet, and records them there. lower:
 * what the part lies on. */
int layer_standins_make(struct arena *arena, int lower, int part, struct err *err) MUST_CHECK;

/* Records which names below are not shown: nobody who removes what is empty for him, or makes it
 * anew, has meant what this machine has there. names: without a slash in front. */
int layer_standins_hide(struct arena *arena, int part, const char *const *names, size_t n,
			struct err *err) MUST_CHECK;

struct layer_standins {
	struct layer_standin {
		const char *name;
		uint64_t inode, size, changed;
	} * v;
	size_t n, cap;
};

/* Those of a part; empty if there is no record. */
int layer_standins_read(struct arena *arena, int part, struct layer_standins *ret,
			struct err *err) MUST_CHECK;

/* Whether a name of the upper directory is one of them, as it was made; of a directory: whatever
 * has come into it. */
bool layer_standins_has(const struct layer_standins *standins, const char *name,
			const struct stat *now);

struct layer_hidden {
	const char *const *v;
	size_t n;
};
int layer_standins_hidden(struct arena *arena, int part, struct layer_hidden *ret,
			  struct err *err) MUST_CHECK;

/* Whether a change to a name is one to what is not shown, or (removed) takes it away. */
bool layer_standins_hides(const struct layer_hidden *hidden, const char *name, bool removed);
