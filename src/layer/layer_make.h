/* SPDX-License-Identifier: Apache-2.0 */
/* One change of a layer, made where it belongs. */
#pragma once

#include "src/layer/layer.h"

#include <sys/stat.h>

struct layer_records;

struct layer_job { /* one change */
	struct arena *arena;
	struct layer_records *records;
	const struct timespec *begun; /* what has changed since was changed by this call */
	const struct layer_change *change;
	int upper, lower;   /* of the part */
	int from, to;       /* the directories that have it */
	const char *name;   /* in them */
	char temporary[32]; /* by the layer's key */
	struct stat st;     /* in the layer */
};

/* The change itself; descriptors, name and st are those of its own directories. A file is there
 * whole or not at all; what a call that was killed has left under the temporary name goes. 0 or
 * -errno. */
int layer_make(const struct layer_job *job) MUST_CHECK;
