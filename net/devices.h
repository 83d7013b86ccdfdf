/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices of the host in a container's namespace: moved, renamed, with their addresses,
 * brought up; and moved back when the start fails. */
#pragma once

#include "net/rtnl_message.h"
#include "src/base/arena.h"
#include "src/base/err.h"

#include <net/if.h>

struct devices_request {
	const char *from; /* name here */
	const char *to;   /* name there; one "%d" becomes the first free number */
};

struct devices_moved {
	char from[IFNAMSIZ], to[IFNAMSIZ];
	bool was_up;
	struct rtnl_message *addresses; /* requests that restore them */
	size_t n_addresses, cap_addresses;
};

struct devices {
	int here, there; /* netlink sockets in both namespaces, or -1 */
	struct devices_moved *moved;
	size_t n_moved;
};

/* Opens both. member: any socket that was made in the container's network namespace; all rights
 * over the namespace are the caller's own. */
int devices_open(int member, struct devices *ret, struct err *err) MUST_CHECK;
void devices_close(struct devices *devices);

/* Moves one device. Devices moved before a failure are in the list, too. */
int devices_move(struct arena *arena, struct devices *devices,
		 const struct devices_request *request, struct err *err) MUST_CHECK;

/* Moves all back, last first, with their names, addresses and state. The namespace lives as long as
 * its socket does, but a virtual device would end with it. */
int devices_return(struct devices *devices, struct err *err) MUST_CHECK;
