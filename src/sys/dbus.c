/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/dbus.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/sys/privs.h"
#include "src/sys/sock.h"

#include <byteswap.h>
#include <endian.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { VERSION = 1, NO_FLAGS = 0 };
enum field {
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR,
	FIELD_REPLY_TO,
	FIELD_DESTINATION,
	FIELD_SENDER,
	FIELD_SIGNATURE,
};

static char own_order(void)
{
	return __BYTE_ORDER == __LITTLE_ENDIAN ? 'l' : 'B';
}

static size_t alignment(char type)
{
	switch (type) {
	case 'y':
	case 'g':
	case 'v':
		return 1;
	case 'n':
	case 'q':
		return 2;
	case 'x':
	case 't':
	case 'd':
	case '(':
	case '{':
		return 8;
	default:
		return 4;
	}
}

static size_t aligned(size_t at, size_t to)
{
	return (at + to - 1) / to * to;
}

static void align(struct str *body, size_t to)
{
	static const char zeros[8];

	str_addn(body, zeros, aligned(body->len, to) - body->len);
}

void dbus_put_byte(struct str *body, uint8_t value)
{
	str_addn(body, (const char *)&value, sizeof(value));
}

void dbus_put_u32(struct str *body, uint32_t value)
{
	align(body, sizeof(value));
	str_addn(body, (const char *)&value, sizeof(value));
}

void dbus_put_u64(struct str *body, uint64_t value)
{
	align(body, sizeof(value));
	str_addn(body, (const char *)&value, sizeof(value));
}

void dbus_put_text(struct str *body, const char *text)
{
	size_t len = strlen(text);

	dbus_put_u32(body, (uint32_t)len);
	str_addn(body, text, len + 1);
}

void dbus_put_signature(struct str *body, const char *types)
{
	size_t len = strlen(types);

	dbus_put_byte(body, (uint8_t)len);
	str_addn(body, types, len + 1);
}

void dbus_put_struct(struct str *body)
{
	align(body, alignment('('));
}

size_t dbus_put_array(struct str *body, char type)
{
	size_t array;

	align(body, sizeof(uint32_t));
	array = body->len;
	dbus_put_u32(body, 0);
	align(body, alignment(type));
	return array;
}

/* The length excludes the padding before the first element. */
void dbus_end_array(struct str *body, size_t array, char type)
{
	size_t first = aligned(array + sizeof(uint32_t), alignment(type));
	uint32_t len = (uint32_t)(body->len - first);

	memcpy(body->s + array, &len, sizeof(len));
}

static void put_field(struct str *out, enum field field, const char *type, const char *text)
{
	if (!text)
		return;
	dbus_put_struct(out);
	dbus_put_byte(out, (uint8_t)field);
	dbus_put_signature(out, type);
	if (*type == 'g')
		dbus_put_signature(out, text);
	else
		dbus_put_text(out, text);
}

void dbus_write(struct str *out, const struct dbus_message *message)
{
	_cleanup_str_ struct str head = { 0 };
	size_t fields;

	dbus_put_byte(&head, (uint8_t)own_order());
	dbus_put_byte(&head, (uint8_t)message->type);
	dbus_put_byte(&head, NO_FLAGS);
	dbus_put_byte(&head, VERSION);
	dbus_put_u32(&head, (uint32_t)message->len);
	dbus_put_u32(&head, message->serial);
	fields = dbus_put_array(&head, '(');
	put_field(&head, FIELD_PATH, "o", message->path);
	put_field(&head, FIELD_INTERFACE, "s", message->interface);
	put_field(&head, FIELD_MEMBER, "s", message->member);
	put_field(&head, FIELD_ERROR, "s", message->error);
	if (message->reply_to) {
		dbus_put_struct(&head);
		dbus_put_byte(&head, FIELD_REPLY_TO);
		dbus_put_signature(&head, "u");
		dbus_put_u32(&head, message->reply_to);
	}
	put_field(&head, FIELD_DESTINATION, "s", message->destination);
	put_field(&head, FIELD_SIGNATURE, "g", message->signature);
	dbus_end_array(&head, fields, '(');
	align(&head, 8);
	str_addn(out, head.s, head.len);
	if (message->len)
		str_addn(out, message->body, message->len);
}

/* The next n bytes, aligned; NULL if there are fewer. */
static const char *take(struct dbus_reader *reader, size_t n, size_t alignment_of)
{
	size_t at = aligned(reader->at, alignment_of);

	reader->bad = reader->bad || at > reader->len || n > reader->len - at;
	if (reader->bad)
		return NULL;
	reader->at = at + n;
	return reader->bytes + at;
}

static uint8_t get_byte(struct dbus_reader *reader)
{
	const char *bytes = take(reader, 1, 1);

	return bytes ? (uint8_t)*bytes : 0;
}

uint32_t dbus_get_u32(struct dbus_reader *reader)
{
	const char *bytes = take(reader, sizeof(uint32_t), sizeof(uint32_t));
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return reader->swapped ? bswap_32(value) : value;
}

static const char *get_text(struct dbus_reader *reader, size_t len)
{
	/* With a 32-bit size_t, len + 1 may be 0. */
	const char *text = len < reader->len ? take(reader, len + 1, 1) : NULL;

	reader->bad = reader->bad || !text || text[len] || strlen(text) != len;
	return reader->bad ? NULL : text;
}

const char *dbus_get_text(struct dbus_reader *reader)
{
	return get_text(reader, dbus_get_u32(reader));
}

const char *dbus_get_signature(struct dbus_reader *reader)
{
	return get_text(reader, get_byte(reader));
}

struct dbus_reader dbus_open_body(const struct dbus_message *message, const char *types)
{
	return (struct dbus_reader){
		.bytes = message->body,
		.len = message->len,
		.swapped = message->swapped,
		.bad = !str_equal(message->signature, types),
	};
}

static struct dbus_reader open_head(const char *bytes, size_t len)
{
	return (struct dbus_reader){ .bytes = bytes,
				     .len = len,
				     .swapped = *bytes != own_order(),
				     .bad = *bytes != 'l' && *bytes != 'B' };
}

ssize_t dbus_measure(const char head[DBUS_HEAD])
{
	struct dbus_reader reader = open_head(head, DBUS_HEAD);
	uint32_t body, fields;

	reader.at = 4;
	body = dbus_get_u32(&reader);
	(void)dbus_get_u32(&reader);
	fields = dbus_get_u32(&reader);
	if (reader.bad || head[3] != VERSION)
		return -EBADMSG;
	if (body > DBUS_MAX || fields > DBUS_MAX)
		return -EMSGSIZE;
	return (ssize_t)(aligned(DBUS_HEAD + (size_t)fields, 8) + body);
}

static const char **text_of(struct dbus_message *message, enum field field)
{
	switch (field) {
	case FIELD_PATH:
		return &message->path;
	case FIELD_INTERFACE:
		return &message->interface;
	case FIELD_MEMBER:
		return &message->member;
	case FIELD_ERROR:
		return &message->error;
	case FIELD_DESTINATION:
		return &message->destination;
	case FIELD_SIGNATURE:
		return &message->signature;
	case FIELD_REPLY_TO:
	case FIELD_SENDER:
		break;
	}
	return NULL;
}

/* Skips unknown fields; those of the specification have these types. */
static void read_field(struct dbus_reader *reader, struct dbus_message *ret)
{
	enum field field = get_byte(reader);
	const char **place = text_of(ret, field), *type = dbus_get_signature(reader), *text = NULL;
	uint32_t number = 0;

	if (str_equal(type, "s") || str_equal(type, "o"))
		text = dbus_get_text(reader);
	else if (str_equal(type, "g"))
		text = dbus_get_signature(reader);
	else if (str_equal(type, "u"))
		number = dbus_get_u32(reader);
	else
		reader->bad = true;
	if (place)
		*place = text;
	if (field == FIELD_REPLY_TO)
		ret->reply_to = number;
}

int dbus_read(const char *bytes, size_t len, struct dbus_message *ret)
{
	ssize_t size = len < DBUS_HEAD ? -EBADMSG : dbus_measure(bytes);
	struct dbus_reader reader;
	size_t body, end;

	if (size < 0 || (size_t)size != len)
		return -EBADMSG;
	reader = open_head(bytes, len);
	*ret = (struct dbus_message){ .type = (enum dbus_type)bytes[1], .swapped = reader.swapped };
	reader.at = 4;
	ret->len = dbus_get_u32(&reader);
	ret->serial = dbus_get_u32(&reader);
	end = dbus_get_u32(&reader) + (size_t)DBUS_HEAD;
	body = aligned(end, 8);
	reader.len = end;
	while (!reader.bad && reader.at < end) {
		(void)take(&reader, 0, 8);
		read_field(&reader, ret);
	}
	ret->body = bytes + body;
	return reader.bad ? -EBADMSG : 0;
}

enum { MAX_LINE = 4096, CHUNK = 4096 };

static int wait_for(struct dbus *bus, short events)
{
	struct pollfd fd = { .fd = bus->fd, .events = events };
	int n, left;

	do {
		left = clock_left(bus->deadline);
		n = poll(&fd, 1, left);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int flush(struct dbus *bus)
{
	size_t sent = 0;
	int r = 0;

	while (r == 0 && sent < bus->out.len) {
		ssize_t n = send(bus->fd, bus->out.s + sent, bus->out.len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			r = wait_for(bus, POLLOUT);
		else if (errno != EINTR)
			r = errno == ECONNRESET ? -EPIPE : -errno;
	}
	bus->out.len = 0;
	return r;
}

static int receive(struct dbus *bus)
{
	while (clock_left(bus->deadline)) { /* even if the peer never stops sending */
		char chunk[CHUNK];
		ssize_t n = recv(bus->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		int r;

		if (n > 0)
			str_addn(&bus->in, chunk, (size_t)n);
		if (n >= 0)
			return n > 0 ? 0 : -EPIPE;
		r = errno == EINTR        ? 0
		    : errno == EAGAIN     ? wait_for(bus, POLLIN)
		    : errno == ECONNRESET ? -EPIPE /* the peer closed before it read everything */
					  : -errno;
		if (r < 0)
			return r;
	}
	return -ETIMEDOUT;
}

static void drop(struct dbus *bus, size_t n)
{
	if (!n)
		return;
	memmove(bus->in.s, bus->in.s + n, bus->in.len - n);
	bus->in.len -= n;
}

/* Reads a line of the handshake; *ret: whether it begins with the word. */
static int expect(struct dbus *bus, const char *word, bool *ret)
{
	const char *end;
	int r = 0;

	while (!(end = bus->in.len ? memmem(bus->in.s, bus->in.len, "\r\n", 2) : NULL)) {
		r = bus->in.len > MAX_LINE ? -EBADMSG : receive(bus);
		if (r < 0)
			return r;
	}
	*ret = (size_t)(end - bus->in.s) >= strlen(word) &&
	       memcmp(bus->in.s, word, strlen(word)) == 0;
	if (*ret)
		drop(bus, (size_t)(end - bus->in.s) + 2);
	return 0;
}

/* Authenticates by the socket's credentials. Our uid is left out, since it differs outside of our
 * user namespace: a server that asks for it gets an empty answer, and one that does not takes that
 * for another request. Everything is sent at once, as libsystemd does: systemd answers a call that
 * it reads together with "BEGIN" only when more data arrives. */
static int greet(struct dbus *bus)
{
	static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	bool asked = false, ok = false, ignored;
	int r;

	str_addn(&bus->out, words, sizeof(words) - 1);
	r = flush(bus);
	if (r == 0)
		r = expect(bus, "DATA", &asked);
	if (r == 0)
		r = expect(bus, "OK", &ok);
	if (r == 0 && ok && !asked)
		r = expect(bus, "", &ignored);
	return r < 0 ? r : ok ? 0 : -ECONNABORTED;
}

static int greet_failed(const char *path, int error, int timeout_ms, struct err *err)
{
	if (error == ETIMEDOUT)
		return err_set(err, error, "%s did not answer within %g s", path,
			       timeout_ms / 1000.0);
	if (error == ECONNABORTED)
		return err_set(err, error, "%s rejects this user", path);
	if (error == EBADMSG)
		return err_set(err, error, "the peer at %s does not speak D-Bus", path);
	if (error == EPIPE)
		return err_set(err, error, "%s closed the connection", path);
	if (error == EPERM)
		return err_set(err, error, "%s belongs to neither the caller nor root", path);
	return err_errno(err, error, "connect to %s", path);
}

/* A runtime directory may be writable by others, or belong to another user (su, sudo -E). */
static int check_peer(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.uid == privs_uid() || peer.uid == 0 ? 0 : -EPERM;
}

int dbus_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err)
{
	int r;

	*ret = (struct dbus){ .deadline = clock_now() + timeout_ms };
	ret->fd = sock_connect(path, timeout_ms);
	r = ret->fd < 0 ? ret->fd : check_peer(ret->fd);
	if (r == 0)
		r = greet(ret);
	if (r == 0)
		return 0;
	dbus_close(ret);
	return greet_failed(path, -r, timeout_ms, err);
}

void dbus_close(struct dbus *bus)
{
	if (bus->fd >= 0)
		fd_closep(&bus->fd);
	str_done(&bus->out);
	str_done(&bus->in);
}

int dbus_send(struct dbus *bus, struct dbus_message *call)
{
	call->serial = ++bus->serial;
	dbus_write(&bus->out, call);
	return flush(bus);
}

int dbus_next(struct dbus *bus, struct dbus_message *ret)
{
	ssize_t size = -EAGAIN;
	int r = 0;

	drop(bus, bus->taken);
	bus->taken = 0;
	while (r == 0) {
		if (bus->in.len >= DBUS_HEAD)
			size = dbus_measure(bus->in.s);
		if (size < 0 && size != -EAGAIN)
			return (int)size;
		if (size >= 0 && bus->in.len >= (size_t)size)
			break;
		r = receive(bus);
	}
	if (r < 0)
		return r;
	bus->taken = (size_t)size;
	return dbus_read(bus->in.s, bus->taken, ret);
}
