/* SPDX-License-Identifier: Apache-2.0 */
/* The description of a handler, a program that runs what the kernel cannot execute itself, such as
 * a WebAssembly module (usrun-handlers(7)). Unknown members are errors, because they would be
 * ignored otherwise. Pure. */
#pragma once

#include "src/base/json_write.h"

enum {
	HANDLER_DOC_MAX_FILE = 256 * 1024,
	HANDLER_DOC_MAX_NAME = 64,
};

enum handler_exec { /* what `exec` does in a container with the handler */
		    HANDLER_EXEC_SAME =
			    1,          /* its kind of program with the handler, others directly */
		    HANDLER_EXEC_PLAIN, /* everything directly */
		    HANDLER_EXEC_REFUSE,
};

struct handler_mount { /* a read-only recursive bind mount from the host */
	const char *source, *destination;
	struct json_bool optional; /* skip it if the host lacks the source */
};

struct handler_device {
	const char *path, *type; /* "c" or "b" */
	struct json_int major, minor;
	struct json_uint file_mode;
	const char *access; /* out of r, w, m; absent: all */
};

struct handler_limit { /* the least it needs to run */
	int type;      /* RLIMIT_* */
	struct json_uint min;
};

struct handler_doc {
	const char *program;     /* absolute, or relative to the description's directory */
	const char *package;     /* that contains it and its libraries, for errors; or NULL */
	const char *config_file; /* where it reads config.json, absolute; or NULL */
	JSON_LIST(const char *) suffixes; /* of the programs that it runs */
	JSON_LIST(const char *) args;  /* template; "{args}" stands for the container's arguments */
	JSON_LIST(const char *) env;   /* names that it also gets as variables of its own */
	JSON_LIST(const char *) files; /* host files it opens, placed beside it */
	JSON_LIST(const char *) seccomp; /* system calls that it needs */
	JSON_LIST(struct handler_mount) mounts;
	JSON_LIST(struct handler_device) devices;
	JSON_LIST(struct handler_limit) limits;
	int exec; /* enum handler_exec */
};

/* Every member but program may be absent. exec and args are always set. */
int handler_doc_read(struct arena *arena, const char *file, const char *text, size_t len,
		     struct handler_doc *ret, struct err *err) MUST_CHECK;

/* A file name, but not a version of usrun: letters and "_", and after the first character also
 * digits, "+", "-" and ".". */
bool handler_doc_is_name(const char *name);

/* Whether the handler runs this program, judged by the end of its name. */
bool handler_doc_takes(const char *const *suffixes, size_t n, const char *program);

/* What a container remembers of its handler, for `exec`. */
struct handler_kept {
	const char *name;
	int exec; /* enum handler_exec */
	JSON_LIST(const char *) suffixes;
	JSON_LIST(const char *) command; /* with "{args}" as one of the words */
	JSON_LIST(const char *) env;
	JSON_LIST(const char *) seccomp;
};

extern const struct json_type handler_doc_kept_type;
void handler_doc_write_kept(struct json_write *w, const char *key, const struct handler_kept *kept);
