/* SPDX-License-Identifier: Apache-2.0 */
/* The process that becomes fuse-overlayfs. Private to this directory. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct layer_served_ids {
	bool squash;
	uint32_t uid, gid;
};

struct layer_served {
	const char *program, *id;
	int lower, part, device, words;
	struct layer_served_ids ids;
};

/* From here on this process is the container's root where that is another user, as it makes files
 * for its ids. With a single id that is not 0 it is the caller, with all groups. */
int layer_served_enter(int userns, struct err *err) MUST_CHECK;

/* Errors are written to words. */
void layer_served_main(struct arena *arena, const struct layer_served *what)
	__attribute__((noreturn));
