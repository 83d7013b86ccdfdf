/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the checks of all parts: names the offending value, reports the error, and checks rules
 * that apply in several places. */
#pragma once

#include "src/oci/config.h"

struct check {
	const char *file, *text;
	size_t len;
	struct err *err;
	const char *prefix; /* JSON path of the checked object, "" for the document */
	char path[320];     /* of the offending value */
};

/* Names the value, relative to the prefix, for the next check_fail(). */
void check_at(struct check *check, const char *fmt, ...) PRINTF(2, 3);
/* The same for a member of a map. */
void check_at_key(struct check *check, const char *map, const char *key);
/* Fills err with file, position, path and rule. Returns -EINVAL. */
int check_fail(struct check *check, const char *fmt, ...) PRINTF(2, 3);

/* Checks a list such as "0-3,7", which may have spaces around the numbers, and may be "". The path
 * must be set. */
int check_list(struct check *check, const char *list);

/* Checks a user or group id that goes to the kernel. The path must be set. */
int check_id(struct check *check, uint64_t id);

/* Checks uidMappings and gidMappings of one object: both or neither present, sizes, ends. where is
 * "" or ends in a dot. */
int check_mappings(struct check *check, const char *where, const oci_id_mappings *uid,
		   const oci_id_mappings *gid);

/* CLONE_NEW* flags of the namespaces in the list, and of those that are new. */
int check_namespaces_listed(const struct oci_linux *lin);
int check_namespaces_new(const struct oci_linux *lin);

/* The parts that check.c combines. */
int check_linux(struct check *check, const struct oci_linux *lin);
int check_resources_part(struct check *check, const struct oci_resources *resources);
/* receiver: whether an annotation names the agent. */
int check_seccomp_part(struct check *check, const struct oci_seccomp *seccomp, bool receiver);
