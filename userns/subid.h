/* SPDX-License-Identifier: Apache-2.0 */
/* The subordinate ids of a user: from /etc/subuid and /etc/subgid (subuid(5)), matched by name and
 * by number as newuidmap does, all lines combined; or from getsubids(1) where nsswitch.conf names a
 * source other than files. */
#pragma once

#include "userns/idmap.h"

#define SUBID_UID_FILE "/etc/subuid"
#define SUBID_GID_FILE "/etc/subgid"

/* What useradd(8) assigns to a user. */
enum { SUBID_FIRST = 100000, SUBID_USUAL_COUNT = 65536 };

struct subid {
	struct idmap_range *v; /* in the arena; inside is 0, outside the first host id */
	size_t n;
	const char *source;  /* "/etc/subuid" or "getsubids" */
	const char *missing; /* why there are none: "no line for dev (1000) in /etc/subuid" */
	size_t bad_line;     /* number of the user's first malformed line, from 1; or 0 */
	bool unmapped;       /* the user owns more ids, which usrun's user namespace does not map */
	uint32_t unused; /* the first of SUBID_USUAL_COUNT ids that nobody owns, for advice (usermod
			  * --add-subuids); 0 if not known */
};

/* Pure: reads a user's ranges, and unused, from the text of a file. Skips bad lines, as shadow
 * does. name may be NULL (a user without a passwd entry). Leaves source NULL. */
void subid_parse(struct arena *arena, const char *text, const char *name, uint32_t uid,
		 struct subid *ret);

/* Pure: reads the ranges from the output of getsubids ("0: dev 100000 65536"). */
void subid_parse_program(struct arena *arena, const char *text, struct subid *ret);

/* Pure: the first source that nsswitch.conf names for subid, or NULL if it is "files" or there is
 * none. */
const char *subid_parse_source(struct arena *arena, const char *nsswitch);

/* Pure: keeps only ids that map, the map of our own user namespace, has inside: the kernel lets
 * nobody map others (systemd's PrivateUsers=, a container with few ids). */
void subid_keep_mapped(struct arena *arena, const struct idmap *map, struct subid *subid);

/* Loads both kinds for a user. Having none is not an error: missing says why. For a user without a
 * passwd entry (name NULL) asks getent(1) if the number alone finds nothing. */
void subid_load(struct arena *arena, const char *name, uint32_t uid, struct subid *ret_uids,
		struct subid *ret_gids);
