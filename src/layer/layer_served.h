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

/* Turns this process into the container's root if that is another user, because it creates files
 * for the container's ids. With a single id other than 0 it stays the caller, with all groups. */
int layer_served_enter(int userns, struct err *err) MUST_CHECK;

/* Becomes the server. Errors go to words. */
void layer_served_main(struct arena *arena, const struct layer_served *what)
	__attribute__((noreturn));
