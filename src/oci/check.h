/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the specification that a field table cannot express: relations between members,
 * duplicates, versions. Pure; nothing here looks at the host. */
#pragma once

#include "src/oci/config.h"

/* file names the document in errors; NULL: there is none, and errors carry the JSON path alone.
 * text and len (may be NULL, 0) are the document, to give errors their line and column. */
int check_config(const struct oci_config *config, const char *file, const char *text, size_t len,
		 struct err *err) MUST_CHECK;

/* Also used for `exec --process`, with path "" instead of "process". */
int check_process(const struct oci_process *process, const char *file, const char *path,
		  const char *text, size_t len, struct err *err) MUST_CHECK;

/* Also used for `update --resources`, with path "" instead of "linux.resources". */
int check_resources(const struct oci_resources *resources, const char *file, const char *path,
		    const char *text, size_t len, struct err *err) MUST_CHECK;

/* Used for `do --seccomp`: the linux.seccomp object alone. */
int check_seccomp(const struct oci_seccomp *seccomp, const char *file, const char *text, size_t len,
		  struct err *err) MUST_CHECK;
