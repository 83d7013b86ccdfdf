/* SPDX-License-Identifier: Apache-2.0 */
/* The subordinate ids of a user: /etc/subuid and /etc/subgid (subuid(5)), matched by name and by
 * number as newuidmap does, all lines added up; or the getsubids program where nsswitch.conf names
 * another source than files. */
#pragma once

#include "userns/idmap.h"

#define SUBID_UID_FILE "/etc/subuid"
#define SUBID_GID_FILE "/etc/subgid"

/* What useradd assigns to a user. */
enum { SUBID_FIRST = 100000, SUBID_USUAL_COUNT = 65536 };

struct subid {
	struct idmap_range *v; /* arena; inside is 0, outside the first host id */
	size_t n;
	const char *source;  /* "/etc/subuid", "getsubids" */
	const char *missing; /* why there is none: "no line for dev (1000) in /etc/subuid" */
	size_t bad_line;     /* the first of the user's lines that is malformed, from 1; or 0 */
	bool unmapped;   /* the user has more than these, which are not mapped where usrun runs */
	uint32_t unused; /* a first id from which on SUBID_USUAL_COUNT are given to nobody, for
			  * advice (usermod --add-subuids); 0 when that is not known */
};

/* Pure: the ranges of a user out of the text of a file, and unused. Bad lines are skipped, as
 * shadow does. name may be NULL (a user without a passwd entry). source stays NULL. */
void subid_parse(struct arena *arena, const char *text, const char *name, uint32_t uid,
		 struct subid *ret);

/* Pure: the ranges from the output of getsubids ("0: dev 100000 65536"). */
void subid_parse_program(struct arena *arena, const char *text, struct subid *ret);

/* Pure: the first source that the text of nsswitch.conf names for subid, or NULL where it is
 * "files" or not named. */
const char *subid_parse_source(struct arena *arena, const char *nsswitch);

/* Pure: leaves of the ranges what map, that of the own user namespace, has inside: the kernel lets
 * nobody map ids that are not there (systemd's PrivateUsers=, a container with few ids). */
void subid_keep_mapped(struct arena *arena, const struct idmap *map, struct subid *subid);

/* Reads both kinds for a user. Having none is no error: missing says why. A user whom /etc/passwd
 * does not know (name NULL) is looked up by getent, where the number alone finds nothing. */
void subid_load(struct arena *arena, const char *name, uint32_t uid, struct subid *ret_uids,
		struct subid *ret_gids);
