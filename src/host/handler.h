/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers installed here (usrun-handlers(7)): the description, and which files of the host the
 * program and its libraries are. */
#pragma once

#include "src/oci/handler_doc.h"
#include "userns/caller.h"

struct handler_file {
	const char *source; /* absolute, on the host */
	const char *name;   /* in the directory that the container gets */
};

struct handler {
	const char *name;
	const char *path; /* of the description */
	struct handler_doc doc;
	const char *program;              /* absolute */
	const char *loader;               /* of dynamic programs, or NULL */
	const struct handler_file *files; /* the libraries, and what the description names */
	size_t n_files;
};

/* Reads the description NAME.json. Nobody but root and the caller may be able to change it, as what
 * it names runs with the container's rights and is trusted with its files. */
int handler_read(struct arena *arena, const struct caller *caller, const char *name,
		 struct handler *ret, struct err *err) MUST_CHECK;

/* Finds the program of one that was read, and by its loader what that needs; with the same question
 * to each file. Mounts that are optional and not there are taken out of doc. */
int handler_find_files(struct arena *arena, const struct caller *caller, struct handler *handler,
		       struct err *err) MUST_CHECK;

/* Pure: the libraries in the output of `ld.so --list`. Fails if one was not found. */
int handler_parse_list(struct arena *arena, char *text, struct handler_file **ret, size_t *ret_n,
		       struct err *err) MUST_CHECK;
