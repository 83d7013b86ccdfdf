/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the checks of all parts: naming a value and reporting a mistake, and rules that apply
 * in several places. */
#pragma once

#include "src/oci/config.h"

struct check {
	const char *file, *text;
	size_t len;
	struct err *err;
	const char *prefix; /* JSON path of the object that is checked, "" for the document */
	char path[320];     /* of the value that is complained about */
};

/* Names the value, relative to the prefix, for the check_fail() that follows. */
void check_at(struct check *check, const char *fmt, ...) PRINTF(2, 3);
/* The same for a member of a map. */
void check_at_key(struct check *check, const char *map, const char *key);
/* Fills err with file, place, path and the rule. Returns -EINVAL. */
int check_fail(struct check *check, const char *fmt, ...) PRINTF(2, 3);

/* A list such as "0-3,7", with blanks allowed around the numbers; "" is one. The path must be
 * set. */
int check_list(struct check *check, const char *list);

/* A user or group id that is given to the kernel. The path must be set. */
int check_id(struct check *check, uint64_t id);

/* uidMappings and gidMappings of one object: both or none, sizes, ends. where: "" or with a dot. */
int check_mappings(struct check *check, const char *where, const oci_id_mappings *uid,
		   const oci_id_mappings *gid);

/* CLONE_NEW* flags of the namespaces that are listed, and of the new ones among them. */
int check_namespaces_listed(const struct oci_linux *lin);
int check_namespaces_new(const struct oci_linux *lin);

/* The parts that check.c combines. */
int check_linux(struct check *check, const struct oci_linux *lin);
int check_resources_part(struct check *check, const struct oci_resources *resources);
/* receiver: an annotation names the agent. */
int check_seccomp_part(struct check *check, const struct oci_seccomp *seccomp, bool receiver);
