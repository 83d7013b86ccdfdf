/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup part of a plan: which driver, which directories, which limits. Pure. */
#pragma once

#include "src/host/facts.h"
#include "src/oci/config.h"

enum cgroup_driver_kind { CGROUP_DRIVER_NONE, CGROUP_DRIVER_V2, CGROUP_DRIVER_V1 };

struct cgroup_dir {
	const char *controllers; /* as in struct facts_hierarchy */
	const char *mount;
	const char *path;        /* in the hierarchy; mount + path is the directory */
};

struct cgroup_write {
	const char *controller; /* the hierarchy (v1) or controller (v2) it belongs to */
	const char *file, *value;
	bool required;          /* the config asked for it: a failure is an error */
	const char *json_path;  /* "linux.resources.memory.limit" */
};

struct cgroup_plan {
	enum cgroup_driver_kind driver;
	const struct cgroup_dir *dirs;
	size_t n_dirs;
	const struct cgroup_write *writes;
	size_t n_writes;
	const struct oci_resources *resources; /* for the device rules; may be NULL */
	bool limit_devices;                    /* device rules are to be enforced */
	const char *why;                       /* why there is none, or why it is elsewhere */
};
