/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation over D-Bus with whoever listens at a socket: no bus between. Nothing waits longer
 * than its deadline. */
#pragma once

#include "src/base/err.h"
#include "src/base/str.h"

#include <stdint.h>
#include <sys/types.h>

/* Messages, which are pure: written in the byte order of this machine, read in either. */

/* Values of a body, one behind the other; each is aligned within it. */
void dbus_put_byte(struct str *body, uint8_t value);
void dbus_put_u32(struct str *body, uint32_t value);    /* b, i, u */
void dbus_put_u64(struct str *body, uint64_t value);    /* t, x, and the bits of d */
void dbus_put_text(struct str *body, const char *text); /* s, o */
void dbus_put_signature(struct str *body,
			const char *types); /* g, and what a variant begins with */
void dbus_put_struct(struct str *body);     /* the members follow */

/* An array of elements of the type: they follow, and then its end, with what its beginning
 * returned. */
size_t dbus_put_array(struct str *body, char type);
void dbus_end_array(struct str *body, size_t array, char type);

enum dbus_type { DBUS_CALL = 1, DBUS_REPLY, DBUS_ERROR, DBUS_SIGNAL };

struct dbus_message { /* texts that are not there are NULL */
	enum dbus_type type;
	uint32_t serial, reply_to;
	const char *destination, *path, *interface, *member, *error, *signature;
	const char *body;
	size_t len;
	bool swapped; /* the other byte order */
};

void dbus_write(struct str *out, const struct dbus_message *message);

/* How long the message is that begins so. -EBADMSG: none does; -EMSGSIZE: more than DBUS_MAX. */
enum { DBUS_HEAD = 16, DBUS_MAX = 4 << 20 };
ssize_t dbus_measure(const char head[DBUS_HEAD]) MUST_CHECK;

/* Reads it; *ret points into it. -EBADMSG for what is none. */
int dbus_read(const char *bytes, size_t len, struct dbus_message *ret) MUST_CHECK;

/* The values of a body. Once one is not there, or not as it should be, `bad` is set and everything
 * is empty. */
struct dbus_reader {
	const char *bytes;
	size_t at, len;
	bool swapped, bad;
};

/* Bad from the beginning where the body is of other types. */
struct dbus_reader dbus_open_body(const struct dbus_message *message, const char *types);
uint32_t dbus_get_u32(struct dbus_reader *reader);
const char *dbus_get_text(struct dbus_reader *reader);
const char *dbus_get_signature(struct dbus_reader *reader);

/* The conversation. */
enum { DBUS_CONNECT_MS = 5000 };

struct dbus {
	int fd;
	uint32_t serial;    /* of the last call */
	long long deadline; /* of all that follows (clock_now()); the caller sets it */
	struct str out;     /* not yet sent */
	struct str in; /* received; the message that dbus_next() returned is at its beginning */
	size_t taken;  /* how much of it that is */
};

/* Connects, and is let in: somebody answers. -ENOENT or -ECONNREFUSED: nobody listens; -ETIMEDOUT:
 * who listens does not answer. dbus_close() when done, and only then. */
int dbus_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err) MUST_CHECK;
void dbus_close(struct dbus *bus);

/* Sends a call, whose serial is set. 0 or -errno. */
int dbus_send(struct dbus *bus, struct dbus_message *call) MUST_CHECK;

/* The next message, which is there until the next call of this. 0 or -errno; -EPIPE: the other side
 * has hung up. */
int dbus_next(struct dbus *bus, struct dbus_message *ret) MUST_CHECK;
