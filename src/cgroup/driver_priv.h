/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the driver. */
#pragma once

#include "src/cgroup/driver.h"

static inline bool driver_priv_is_v2(const struct cgroup_dir *dir)
{
	return !*dir->controllers;
}

/* Index of the v2 directory, of one that has the named v1 controller, or of any open one; -1. */
int driver_priv_v2(const struct cgroup *cgroup);
int driver_priv_find(const struct cgroup *cgroup, const char *controller);
int driver_priv_any(const struct cgroup *cgroup);

/* Whether a word is among comma-separated controllers. */
bool driver_priv_has(const char *controllers, const char *word);
