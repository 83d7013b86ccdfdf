/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of D-Bus servers, as in DBUS_SESSION_BUS_ADDRESS: a list of alternatives, of which
 * clients take the first that works ("Server addresses" of the D-Bus specification). Pure. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

/* Takes the next address from *list on. 1, with the path of its socket, or NULL if it has none; 0
 * at the end; -EINVAL if it is not an address. */
int dbus_address_next(struct arena *arena, const char **list, const char **ret_path) MUST_CHECK;

/* The address of a socket. */
const char *dbus_address_of(struct arena *arena, const char *path);
