/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes config.json and process.json into the structs of config.h, and checks types, ranges and
 * required members. Relations between members are left to check.h. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/oci/config.h"

enum {
	DECODE_MAX_FILE = 16 * 1024 * 1024, /* bytes; callers read no more */
	DECODE_MAX_STRING = 1024 * 1024,
	DECODE_MAX_DEPTH = 64,
};

/* file is the name used in errors. The result lives in the arena. */
int decode_config(struct arena *arena, const char *file, const char *text, size_t len,
		  const struct oci_config **ret, struct err *err) MUST_CHECK;

/* Lists the unknown members of a config (or of a resources object), one per line. The text must
 * have been accepted. */
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

/* The document of `mounts add` and `mounts remove`: an array like config.json's `mounts`. Errors
 * carry the JSON path, but no file. Only the mounts of *ret are set. */
int decode_mounts(struct arena *arena, const char *text, size_t len, const struct oci_config **ret,
		  struct err *err) MUST_CHECK;
