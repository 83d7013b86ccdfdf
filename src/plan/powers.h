/* SPDX-License-Identifier: Apache-2.0 */
/* What this start may do, decided once and by name. Other code tests a power, never a uid: uid 0 of
 * podman's user namespace is not root, and neither is root without CAP_SYS_RESOURCE. Pure. */
#pragma once

#include "src/host/facts.h"

enum power {
	POWER_NAMESPACES = 1 << 0,     /* create namespaces without a new user namespace */
	POWER_MAP_DIRECT = 1 << 1,     /* write maps of many ids itself */
	POWER_MAP_HELPER = 1 << 2,     /* have newuidmap and newgidmap write them */
	POWER_OPEN_MOUNTS = 1 << 3,    /* open mount sources in the caller's own mount namespace */
	POWER_MKNOD = 1 << 4,          /* create device nodes */
	POWER_OWN_CGROUPS = 1 << 5,    /* create cgroups anywhere in the hierarchies */
	POWER_RAISE_LIMITS = 1 << 6,   /* raise hard resource limits, lower oom_score_adj */
	POWER_SETGROUPS = 1 << 7,      /* change supplementary groups in the container */
	POWER_RAISE_PRIORITY = 1 << 8, /* realtime and better nice values, of any process */
	POWER_MOVE_LINKS = 1 << 9,     /* take network devices out of the caller's namespace */
	POWER_TRACE = 1 << 10,         /* enter the namespaces of undumpable processes */
};

/* new_userns: the container gets its own user namespace. */
uint32_t powers_derive(const struct facts *facts, bool new_userns);

/* The name of POWER_MKNOD is "mknod", for explain; NULL after the last one. */
const char *powers_name(unsigned int bit);
