/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers installed on this host (usrun-handlers(7)): the description, and the files of the
 * program and its libraries. */
#pragma once

#include "src/oci/handler_doc.h"
#include "userns/caller.h"

struct handler_file {
	const char *source; /* absolute, on the host */
	const char *name;   /* in the directory that the container sees */
};

struct handler {
	const char *name;
	const char *path; /* of the description */
	struct handler_doc doc;
	const char *program;              /* absolute */
	const char *loader;               /* for dynamic programs, or NULL */
	const struct handler_file *files; /* the libraries, and those that the description names */
	size_t n_files;
};

/* Reads the description NAME.json. Only root and the caller may be able to change it, because what
 * it names runs with the container's rights and is trusted with its files. */
int handler_read(struct arena *arena, const struct caller *caller, const char *name,
		 struct handler *ret, struct err *err) MUST_CHECK;

/* Finds the handler's program and, through its loader, the libraries, and makes the same check of
 * each file. Removes optional mounts that do not exist from doc. */
int handler_find_files(struct arena *arena, const struct caller *caller, struct handler *handler,
		       struct err *err) MUST_CHECK;

/* Pure: reads the libraries from the output of `ld.so --list`. Fails if one was not found. */
int handler_parse_list(struct arena *arena, char *text, struct handler_file **ret, size_t *ret_n,
		       struct err *err) MUST_CHECK;
