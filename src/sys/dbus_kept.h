/* SPDX-License-Identifier: Apache-2.0 */
/* One connection that is kept between two conversations of a command with the same manager: to
 * accept one costs systemd a fifth of all that a create takes of it. Children close it with all
 * that is not theirs. */
#pragma once

#include "src/sys/dbus.h"

/* As dbus_open(), or the connection that was kept, if it is to the same path and the peer has not
 * hung up. */
int dbus_kept_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err) MUST_CHECK;

/* In place of dbus_close(). What the peer says meanwhile piles up, so this is for moments. */
void dbus_kept_keep(const char *path, struct dbus *bus);

/* Closes what was kept. */
void dbus_kept_forget(void);
