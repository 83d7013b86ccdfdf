/* SPDX-License-Identifier: Apache-2.0 */
/* Guards against what a sandbox could leave in a writable directory for other programs to run
 * later: git's hooks and configuration, and files that shells, editors and agents read at start.
 * Existing ones are made read-only; new ones are reported. */
#pragma once

#include "src/base/str.h"
#include "src/do/do.h"

#include <sys/types.h>
#include <time.h>

struct do_guards {
	struct do_path *v; /* for do_request.guards */
	size_t n, cap;
	struct do_watched {
		const char *path;
		bool there; /* a link, which cannot be guarded, or a path behind one */
		bool file;  /* a new directory is not reported */
		dev_t dev;
		ino_t inode;
		struct timespec changed;
	} * watched;
	size_t n_watched, cap_watched;
	struct do_bare { /* a bare repository in a writable directory */
		const char *path;
	} * bare;
	size_t n_bare, cap_bare;
	const char **roots; /* the writable directories */
	size_t n_roots, cap_roots;
};

/* Looks into one more writable directory. unprotected: names that --unprotect gave. */
int do_guards_find(struct arena *arena, struct do_guards *guards, const struct do_path *writable,
		   const struct do_texts *unprotected, struct err *err) MUST_CHECK;

/* The names that did not exist before, in one line; a program may have created any number. */
void do_guards_news(struct arena *arena, const struct do_guards *guards, struct str *ret);
