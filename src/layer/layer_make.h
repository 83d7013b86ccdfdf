/* SPDX-License-Identifier: Apache-2.0 */
/* Applies a single change of a layer. */
#pragma once

#include "src/layer/layer.h"

#include <sys/stat.h>

struct layer_records;

struct layer_job { /* one change */
	struct arena *arena;
	struct layer_records *records;
	const struct timespec *begun; /* later changes were made by this call */
	const struct layer_change *change;
	int upper, lower;   /* directories of the part */
	int from, to;       /* parent directories of the change in both */
	const char *name;   /* in them */
	char temporary[32]; /* contains the layer's key */
	struct stat st;     /* of the file in the layer */
};

/* What a file or directory of this type and mode gets. */
mode_t layer_make_mode(mode_t mode);

/* Makes the change itself; descriptors, name and st are those of its parent directories. A file is
 * there whole or not at all; one left by a killed call under the temporary name is removed. 0 or
 * -errno. */
int layer_make(const struct layer_job *job) MUST_CHECK;
