/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the rules of the specification that a field table cannot express: relations between
 * members, duplicates, versions. Pure: never looks at the host. */
#pragma once

#include "src/oci/config.h"

/* file names the document in errors; if NULL, errors carry the JSON path alone. text and len are
 * the document, from which errors get their line and column; may be NULL, 0. */
int check_config(const struct oci_config *config, const char *file, const char *text, size_t len,
		 struct err *err) MUST_CHECK;

/* Also used for `exec --process`, with path "" instead of "process". */
int check_process(const struct oci_process *process, const char *file, const char *path,
		  const char *text, size_t len, struct err *err) MUST_CHECK;

/* Also used for `update --resources`, with path "" instead of "linux.resources". */
int check_resources(const struct oci_resources *resources, const char *file, const char *path,
		    const char *text, size_t len, struct err *err) MUST_CHECK;

/* For `do --seccomp`: the linux.seccomp object alone. */
int check_seccomp(const struct oci_seccomp *seccomp, const char *file, const char *text, size_t len,
		  struct err *err) MUST_CHECK;
