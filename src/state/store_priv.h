/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the store. */
#pragma once

#include "src/state/store.h"

struct store {
	const char *path;
	int fd; /* -1: it does not exist, so there are no containers */
	unsigned long long dev, ino;
	bool chosen_by_user; /* --root */
};

struct store_place {
	const char *path;
	bool chosen_by_user; /* --root: the last component may be a link */
	bool shared_parent;  /* below /tmp: others may not even list it */
};

/* Chooses the root directory, from the option or the environment. */
int store_priv_choose_root(const char *option, struct arena *arena, struct store_place *ret,
			   struct err *err) MUST_CHECK;

/* Opens it into *store, creating it if asked. -ENOENT, without a text, if it is missing and was not
 * to be created. */
int store_priv_open_root(const struct store_place *place, bool create, struct arena *arena,
			 struct store *store, struct err *err) MUST_CHECK;

/* The directory of a container, or -errno without a text. */
int store_priv_open_dir(const struct store *store, const char *id);
