/* SPDX-License-Identifier: Apache-2.0 */
/* What this host lets this caller do. Everything that a container may need is tried for real, in
 * processes and namespaces that end with the trial, and nothing on the host is changed. Causes and
 * hints are those of the errors that a container would get. */
#pragma once

#include "src/plan/plan.h"

enum doctor_result { DOCTOR_OK, DOCTOR_SKIP, DOCTOR_WARN, DOCTOR_FAIL };

/* warn: containers start, but something in them does not work; fail: they do not start, or the path
 * in question is of no use. */
struct doctor_finding {
	enum doctor_result result;
	const char *cause; /* one line */
	const char *fix;   /* a command to type, or NULL */
};

/* Shared by the checks; each may leave information for later ones. */
struct doctor {
	struct arena *arena;
	const char *state_root; /* --root, or NULL */
	const char *path;       /* the directory in question */
	struct facts facts;
	struct err facts_failed; /* code 0: the facts were gathered */
	const struct plan *plan; /* of a usual container, or NULL */
	struct err plan_failed;
	bool no_userns;                /* skip trials that need a user namespace */
	const struct idmap_write *map; /* for trials in a user namespace; NULL: they need none */
	struct idmap_write single;
};

enum doctor_group { DOCTOR_HOST, DOCTOR_ENGINES };

struct doctor_check {
	char id[16];
	char argument[20]; /* tells apart the rows that share a function */
	enum doctor_group group : 8;
};

/* Ends with an empty id. The order matters: see struct doctor. */
extern const struct doctor_check doctor_checks[];

const char *doctor_result_name(enum doctor_result result);

/* Gathers the facts and plans a usual container. Failures become findings. */
void doctor_prepare(struct doctor *d);

/* The prefix of the marks of cgroups that checks in this pid namespace create, "" if that is
 * unknown; and, given the rest of a mark, whether the doctor that set it has ended. */
const char *doctor_mark_prefix(struct arena *arena);
bool doctor_has_ended(const char *rest);

/* Runs a check; skipped if its facts are missing. */
void doctor_look(struct doctor *d, const struct doctor_check *check, struct doctor_finding *ret);
