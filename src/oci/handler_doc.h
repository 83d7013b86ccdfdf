/* SPDX-License-Identifier: Apache-2.0 */
/* The description of a handler, a program that runs what the kernel cannot execute itself, such as
 * a WebAssembly module (usrun-handlers(7)). An unknown member is an error, as it would be ignored.
 * Pure. */
#pragma once

#include "src/base/json_write.h"

enum {
	HANDLER_DOC_MAX_FILE = 256 * 1024,
	HANDLER_DOC_MAX_NAME = 64,
};

enum handler_exec { /* what `exec` does in a container of the handler */
		    HANDLER_EXEC_SAME =
			    1,          /* programs of its kind by the handler, others directly */
		    HANDLER_EXEC_PLAIN, /* everything directly */
		    HANDLER_EXEC_REFUSE,
};

struct handler_mount { /* a read-only bind of the host's, with everything below it */
	const char *source, *destination;
	struct json_bool optional; /* nothing is mounted where the host has no source */
};

struct handler_device {
	const char *path, *type; /* "c" or "b" */
	struct json_int major, minor;
	struct json_uint file_mode;
	const char *access; /* of r, w, m; absent: all */
};

struct handler_limit { /* the minimum it can run with */
	int type;      /* RLIMIT_* */
	struct json_uint min;
};

struct handler_doc {
	const char *program;     /* absolute, or beside the description */
	const char *package;     /* that brings it and its libraries, for errors; or NULL */
	const char *config_file; /* where it reads the config.json, absolute; or NULL */
	JSON_LIST(const char *) suffixes; /* of the files that it runs */
	JSON_LIST(const char *) args;     /* template: "{args}" stands for those of the container */
	JSON_LIST(const char *) env;      /* names that it gets as variables of its own, too */
	JSON_LIST(const char *) files;    /* of the host, for it to open beside itself */
	JSON_LIST(const char *) seccomp;  /* system calls that it cannot do without */
	JSON_LIST(struct handler_mount) mounts;
	JSON_LIST(struct handler_device) devices;
	JSON_LIST(struct handler_limit) limits;
	int exec; /* enum handler_exec */
};

/* Every member but program may be absent; exec is set in any case, and so are args. */
int handler_doc_read(struct arena *arena, const char *file, const char *text, size_t len,
		     struct handler_doc *ret, struct err *err) MUST_CHECK;

/* Letters, "_", and behind the first one digits, "+", "-" and ".": a name of a file, and no version
 * of usrun. */
bool handler_doc_is_name(const char *name);

/* Whether the program is one that the handler runs, by the end of its name. */
bool handler_doc_takes(const char *const *suffixes, size_t n, const char *program);

/* What a container keeps of its handler, for `exec`. */
struct handler_kept {
	const char *name;
	int exec; /* enum handler_exec */
	JSON_LIST(const char *) suffixes;
	JSON_LIST(const char *) command; /* with "{args}" among the words */
	JSON_LIST(const char *) env;
	JSON_LIST(const char *) seccomp;
};

extern const struct json_type handler_doc_kept_type;
void handler_doc_write_kept(struct json_write *w, const char *key, const struct handler_kept *kept);
