/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with a service manager of systemd. Private to unit_call.c. */
#pragma once

#include "src/helper/sdbus.h"
#include "src/plan/cgroup_plan.h"

struct unit_bus {
	const struct sdbus *lib;
	struct sd_bus *bus;
	char job[128], result[32]; /* the job that is waited for, and how it ended */
	char error[96];            /* name of the last D-Bus error, or "" */
	char text[384];            /* and what it said */
};

/* Connects to the manager's own socket, which needs no bus daemon, else over its bus, and asks to hear of jobs.
 * -ENOTCONN with a text where nobody listens. */
int unit_bus_open(const struct cgroup_unit_ref *unit, struct unit_bus *ret,
		  struct err *err) MUST_CHECK;
void unit_bus_close(struct unit_bus *b);

/* A call to the manager object, to be filled. 0 or -errno. */
int unit_bus_method(struct unit_bus *b, const char *member, struct sd_bus_message **ret);

/* Sends it, gives it up, and returns the reply (ret may be NULL). -errno with error and text set. */
int unit_bus_call(struct unit_bus *b, struct sd_bus_message *call, struct sd_bus_message **ret);

/* A call with texts for arguments. */
int unit_bus_simple(struct unit_bus *b, const char *member, const char *const *texts, size_t n,
		    struct sd_bus_message **ret);

int unit_bus_append(struct unit_bus *b, struct sd_bus_message *call,
		    const struct cgroup_property *property);

/* Waits (at most 30 s) for the job that a reply names. */
int unit_bus_wait(struct unit_bus *b, struct sd_bus_message *reply, struct err *err) MUST_CHECK;
