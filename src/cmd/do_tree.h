/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a sandbox: this machine's tree, or that of --rootfs. */
#pragma once

#include "src/do/do.h"

/* --rootfs DIR: fills in the request, and the machine's shell. */
int do_tree_choose(struct arena *arena, struct machine *machine, const char *word,
		   struct do_request *request, struct err *err) MUST_CHECK;

/* The kind of file at an absolute path inside. rootfs NULL: this machine. */
enum machine_kind do_tree_find(struct arena *arena, const char *rootfs, const char *path);

/* The capabilities of a tree's root, changed by the options ("cap-add=NAME"). */
int do_tree_caps(struct arena *arena, const char *const *words, size_t n,
		 struct do_request *request, struct err *err) MUST_CHECK;
