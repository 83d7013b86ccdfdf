/* SPDX-License-Identifier: Apache-2.0 */
/* config.json and process.json into the structs of config.h: types, ranges and required members.
 * What concerns several members at once is checked in check.h. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/oci/config.h"

enum {
	DECODE_MAX_FILE = 16 * 1024 * 1024, /* bytes; the caller reads no more */
	DECODE_MAX_STRING = 1024 * 1024,
	DECODE_MAX_DEPTH = 64,
};

/* file is the name in errors. The result lives in the arena. */
int decode_config(struct arena *arena, const char *file, const char *text, size_t len,
		  const struct oci_config **ret, struct err *err) MUST_CHECK;

/* The unknown members of a config (or of a resources object), each described on a line. The text
 * was accepted. */
void decode_tell_unknown(struct arena *arena, const char *file, const char *text, size_t len,
			 bool resources, struct str *out);

/* The document of `exec --process`: the process object alone. */
int decode_process(struct arena *arena, const char *file, const char *text, size_t len,
		   const struct oci_process **ret, struct err *err) MUST_CHECK;

/* The document of `update --resources`: the linux.resources object alone. */
int decode_resources(struct arena *arena, const char *file, const char *text, size_t len,
		     const struct oci_resources **ret, struct err *err) MUST_CHECK;

/* The document of `do --seccomp`: the linux.seccomp object alone. */
int decode_seccomp(struct arena *arena, const char *file, const char *text, size_t len,
		   const struct oci_seccomp **ret, struct err *err) MUST_CHECK;

/* The document of `mounts add` and `mounts remove`: an array as config.json's `mounts`. Errors have
 * the JSON path, and no file. *ret has mounts alone. */
int decode_mounts(struct arena *arena, const char *text, size_t len, const struct oci_config **ret,
		  struct err *err) MUST_CHECK;
