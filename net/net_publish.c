/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_publish.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/sys/sock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* For the whole answer, counted by the clock: a helper may give it bit by bit. Short, because the
 * waiting process must watch for the container's end, too. */
enum { ANSWER_TIMEOUT_MS = 10000 };

#define PORT_START "net.ipv4.ip_unprivileged_port_start"

/* 0, or the errno of bind() for the port. */
static int try_port(const struct net_port *port)
{
	const int one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port->host) };
	_cleanup_close_ int sock =
		socket(AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (sock < 0 || inet_pton(AF_INET, port->ip, &address.sin_addr) != 1)
		return 0;
	if (!port->udp)
		(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static uint64_t first_free_port(void)
{
	char text[16];
	uint64_t n;

	if (io_read_small(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", text,
			  sizeof(text)) > 0 &&
	    parse_u64(text, &n) == 0)
		return n;
	return 1024;
}

int net_publish_reason(const struct net_port *port, struct err *err)
{
	const char *kind = port->udp ? "udp" : "tcp";
	int error = try_port(port);
	uint64_t first = first_free_port();

	if (error == EADDRINUSE) {
		(void)err_set(err, error, "publish the %s port %u of the host: it is in use", kind,
			      port->host);
		return err_hint(err, "`ss -l%cnp 'sport = :%u'` shows by whom", *kind, port->host);
	}
	if (error == EADDRNOTAVAIL)
		return err_set(err, error, "publish the %s port %u: the host has no address %s",
			       kind, port->host, port->ip);
	if (port->host < first) {
		/* This applies to root, too: the helper has root's rights only in the container's
		 * user namespace. */
		(void)err_set(err, EACCES,
			      "publish the %s port %u of the host: %s may only publish ports from "
			      "%llu up (" PORT_START ")",
			      kind, port->host,
			      error ? "unprivileged users"
				    : "the network's helper, which is not root on the host,",
			      (unsigned long long)first);
		return err_hint(
			err,
			"publish another one, such as %u, or let root call `sysctl " PORT_START
			"=%u`",
			port->host + 8000U, port->host);
	}
	return error ? err_errno(err, error, "publish the %s port %u of the host", kind, port->host)
		     : 0;
}

static int connect_api(int api)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/api", fd_path(api).text);
	return sock_connect(path, ANSWER_TIMEOUT_MS); /* also limits sending */
}

static ssize_t read_until(int sock, char *buf, size_t size, long long deadline)
{
	struct pollfd more = { .fd = sock, .events = POLLIN };
	int n = poll(&more, 1, clock_left(deadline));
	ssize_t len = n > 0 ? read(sock, buf, size) : n;

	return n == 0 ? -ETIMEDOUT : len < 0 ? -errno : len;
}

/* One request per connection; the answer ends it. */
static int ask(int api, const char *request, char *answer, size_t size)
{
	long long deadline = clock_now() + ANSWER_TIMEOUT_MS;
	_cleanup_close_ int sock = connect_api(api);
	size_t have = 0;
	ssize_t n = 1;
	int r = sock < 0 ? sock : io_write_all(sock, request, strlen(request));

	if (r < 0 || shutdown(sock, SHUT_WR) < 0)
		return r < 0 ? r : -errno;
	while (n > 0 && have < size - 1) {
		n = read_until(sock, answer + have, size - 1 - have, deadline);
		have += n > 0 ? (size_t)n : 0;
	}
	answer[have] = '\0';
	return n < 0 ? (int)n : 0;
}

int net_publish(struct arena *arena, int api, const struct net_port *port, struct err *err)
{
	char answer[1024];
	int r = ask(api, net_port_request(arena, port), answer, sizeof(answer));

	if (r < 0)
		return err_errno(err, -r, "publish the port %u: ask slirp4netns", port->host);
	if (net_port_accepted(answer))
		return 0;
	r = net_publish_reason(port, err);
	return r < 0 ? r
		     : err_set(err, EIO, "publish the port %u: slirp4netns refused it", port->host);
}
