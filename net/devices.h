/* SPDX-License-Identifier: Apache-2.0 */
/* Host network devices in a container's namespace: moved, renamed, given their addresses back and
 * brought up; returned when the start fails. */
#pragma once

#include "net/rtnl_message.h"
#include "src/base/arena.h"
#include "src/base/err.h"

#include <net/if.h>

struct devices_request {
	const char *from; /* name here */
	const char *to;   /* name in the container; one "%d" becomes the first free number */
};

struct devices_moved {
	char from[IFNAMSIZ], to[IFNAMSIZ];
	bool was_up;
	struct rtnl_message *addresses; /* requests that restore the addresses */
	size_t n_addresses, cap_addresses;
};

struct devices {
	int here, there; /* netlink sockets in both namespaces, or -1 */
	struct devices_moved *moved;
	size_t n_moved;
};

/* Opens both sockets. member: any socket created in the container's network namespace. The caller
 * needs its own privileges over that namespace. */
int devices_open(int member, struct devices *ret, struct err *err) MUST_CHECK;
void devices_close(struct devices *devices);

/* Moves one device. After a failure, the list holds the devices already moved. */
int devices_move(struct arena *arena, struct devices *devices,
		 const struct devices_request *request, struct err *err) MUST_CHECK;

/* Moves all devices back, last first, with their names, addresses and state. The open socket keeps
 * the namespace alive; without it a virtual device would be destroyed along with its namespace. */
int devices_return(struct devices *devices, struct err *err) MUST_CHECK;
