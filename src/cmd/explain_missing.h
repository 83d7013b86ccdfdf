/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a config names and this host lacks or denies to the caller, as create would find
 * out. */
#pragma once

#include "src/base/str.h"

struct arena;
struct plan;

/* Called for each: where in the config it is named, and what is wrong. */
struct explain_missing {
	void (*tell)(void *data, const char *json_path, const char *text);
	void *data;
};

/* Root file system, mount sources and mount points, hooks, the command. */
void explain_missing(struct arena *arena, const struct plan *plan,
		     const struct explain_missing *out);

/* File system types, sysctls, devices, cgroups and resctrl. */
void explain_kernel(struct arena *arena, const struct plan *plan,
		    const struct explain_missing *out);
