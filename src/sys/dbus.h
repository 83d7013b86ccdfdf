/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation over D-Bus with whoever listens at a socket: no bus between. Nothing waits longer than its deadline. */
#pragma once

#include "src/sys/dbus_message.h"

enum { DBUS_CONNECT_MS = 5000 };

struct dbus {
	int fd;
	uint32_t serial;    /* of the last call */
	long long deadline; /* of all that follows (clock_now()); the caller sets it */
	struct str out;     /* not yet sent */
	struct str in; /* received; the message that dbus_next() returned is at its beginning */
	size_t taken;  /* how much of it that is */
};

/* Connects, and is let in: somebody answers. -ENOENT or -ECONNREFUSED: nobody listens; -ETIMEDOUT: who listens does
 * not answer. dbus_close() when done, and only then. */
int dbus_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err) MUST_CHECK;
void dbus_close(struct dbus *bus);

/* Sends a call, whose serial is set. 0 or -errno. */
int dbus_send(struct dbus *bus, struct dbus_message *call) MUST_CHECK;

/* The next message, which is there until the next call of this. 0 or -errno; -EPIPE: the other side has hung up. */
int dbus_next(struct dbus *bus, struct dbus_message *ret) MUST_CHECK;
