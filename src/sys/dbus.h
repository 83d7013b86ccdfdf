/* SPDX-License-Identifier: Apache-2.0 */
/* A D-Bus conversation with the peer that listens on a socket, without a bus in between. Nothing
 * waits beyond its deadline. */
#pragma once

#include "src/base/err.h"
#include "src/base/str.h"

#include <stdint.h>
#include <sys/types.h>

/* Messages. Pure: written in this machine's byte order, read in either. */

/* Append the values of a body one after another, each aligned within it. */
void dbus_put_byte(struct str *body, uint8_t value);
void dbus_put_u32(struct str *body, uint32_t value);          /* b, i, u */
void dbus_put_u64(struct str *body, uint64_t value);          /* t, x, or the bits of d */
void dbus_put_text(struct str *body, const char *text);       /* s, o */
void dbus_put_signature(struct str *body, const char *types); /* g, or the start of a variant */
void dbus_put_struct(struct str *body);                       /* its members follow */

/* Opens an array of elements of the type; the elements follow, and then dbus_end_array() with the
 * value that this returned. */
size_t dbus_put_array(struct str *body, char type);
void dbus_end_array(struct str *body, size_t array, char type);

enum dbus_type { DBUS_CALL = 1, DBUS_REPLY, DBUS_ERROR, DBUS_SIGNAL };

struct dbus_message { /* missing strings are NULL */
	enum dbus_type type;
	uint32_t serial, reply_to;
	const char *destination, *path, *interface, *member, *error, *signature;
	const char *body;
	size_t len;
	bool swapped; /* in the other byte order */
};

void dbus_write(struct str *out, const struct dbus_message *message);

/* The length of the message that starts with these bytes. -EBADMSG: not a message; -EMSGSIZE: more
 * than DBUS_MAX. */
enum { DBUS_HEAD = 16, DBUS_MAX = 4 << 20 };
ssize_t dbus_measure(const char head[DBUS_HEAD]) MUST_CHECK;

/* Parses a message; *ret points into it. -EBADMSG if it is not a message. */
int dbus_read(const char *bytes, size_t len, struct dbus_message *ret) MUST_CHECK;

/* Reads the values of a body. Once one is missing or malformed, `bad` is set and all further values
 * are empty. */
struct dbus_reader {
	const char *bytes;
	size_t at, len;
	bool swapped, bad;
};

/* Bad from the start if the body's types differ. */
struct dbus_reader dbus_open_body(const struct dbus_message *message, const char *types);
uint32_t dbus_get_u32(struct dbus_reader *reader);
const char *dbus_get_text(struct dbus_reader *reader);
const char *dbus_get_signature(struct dbus_reader *reader);

/* The conversation. */
enum { DBUS_CONNECT_MS = 5000 };

struct dbus {
	int fd;
	uint32_t serial;    /* of the last call */
	long long deadline; /* for all that follows (clock_now()); set by the caller */
	struct str out;     /* not yet sent */
	struct str in;      /* received; starts with the message that dbus_next() returned */
	size_t taken;       /* length of that message */
};

/* Connects and authenticates. -ENOENT or -ECONNREFUSED: nobody listens; -ETIMEDOUT: the listener
 * does not answer. Call dbus_close() only after success. */
int dbus_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err) MUST_CHECK;
void dbus_close(struct dbus *bus);

/* Sends a call and sets its serial. 0 or -errno. */
int dbus_send(struct dbus *bus, struct dbus_message *call) MUST_CHECK;

/* Receives the next message, valid until the next call. 0 or -errno; -EPIPE: the peer has hung
 * up. */
int dbus_next(struct dbus *bus, struct dbus_message *ret) MUST_CHECK;
