/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/dbus.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/sys/sock.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

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
	while (clock_left(bus->deadline)) { /* also for one who never stops talking */
		char chunk[CHUNK];
		ssize_t n = recv(bus->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		int r;

		if (n > 0)
			str_addn(&bus->in, chunk, (size_t)n);
		if (n >= 0)
			return n > 0 ? 0 : -EPIPE;
		r = errno == EINTR        ? 0
		    : errno == EAGAIN     ? wait_for(bus, POLLIN)
		    : errno == ECONNRESET ? -EPIPE /* it did not read all before it went */
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

/* One line of the greeting: whether it begins with the word. */
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

/* The socket says who we are. Our uid would be another to who is outside of our user namespace, so it is left out:
 * who then asks for it gets nothing a second time, and who does not takes that for a second request. Everything goes
 * out at once, as libsystemd does it: a call that systemd reads together with "BEGIN" is answered only when more
 * comes. */
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
		return err_set(err, error, "who listens at %s did not answer within %g s", path,
			       timeout_ms / 1000.0);
	if (error == ECONNABORTED)
		return err_set(err, error, "who listens at %s lets this user not in", path);
	if (error == EBADMSG)
		return err_set(err, error, "who listens at %s does not speak D-Bus", path);
	if (error == EPIPE)
		return err_set(err, error, "who listens at %s hung up", path);
	return err_errno(err, error, "connect to %s", path);
}

int dbus_open(const char *path, int timeout_ms, struct dbus *ret, struct err *err)
{
	int r;

	*ret = (struct dbus){ .deadline = clock_now() + timeout_ms };
	ret->fd = sock_connect(path, timeout_ms);
	r = ret->fd < 0 ? ret->fd : greet(ret);
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
