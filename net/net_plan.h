/* SPDX-License-Identifier: Apache-2.0 */
/* Which network a container gets: from the words of options and annotations to the arguments of its
 * helper. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum net_kind {
	NET_UNSET,       /* as the config says */
	NET_NONE,        /* lo alone */
	NET_HOST,        /* the caller's */
	NET_PATH,        /* the namespace at a path */
	NET_SLIRP4NETNS, /* one of its own, with slirp4netns between it and the host's sockets */
	NET_PASTA,       /* the same by pasta */
	NET_PROXY,       /* lo alone, and a port there that a program of the caller serves */
};

struct net_port {
	char ip[16]; /* of the host, such as 127.0.0.1 */
	uint16_t host, inside;
	bool udp;
};

struct net_plan {
	enum net_kind kind;
	const char *text; /* NET_PATH: absolute path; NET_PROXY: command line */
	const struct net_port *ports;
	size_t n_ports;
	bool host_loopback; /* the host's loopback is reached at the gateway's address */
	bool metadata;      /* so is 169.254.0.0/16 */
};

/* The address on which the namespace of NET_PROXY listens, and who resolves names behind
 * slirp4netns. */
#define NET_PROXY_ADDRESS "127.0.0.1"
enum { NET_PROXY_PORT = 3128 };
#define NET_NAMESERVER "10.0.2.3"
#define NET_DEVICE "tap0"

/* "none", "host", "slirp4netns", "pasta", "proxy:COMMAND" or an absolute path: fills kind and
 * text. */
int net_parse(const char *words, struct net_plan *ret, struct err *err) MUST_CHECK;

/* "[IP:]HOST:CONTAINER[/tcp|/udp]". */
int net_parse_port(const char *words, struct net_port *ret, struct err *err) MUST_CHECK;

/* Whether it needs a process outside. */
bool net_has_helper(enum net_kind kind);

/* Whether that gives it a device, and thus a way to the host's network. */
bool net_has_device(enum net_kind kind);
const char *net_kind_name(enum net_kind kind);

struct net_helper_fds { /* what the helper inherits, by number */
	int ready, exit, netns;
	bool api; /* its socket is to be in its working directory */
};

/* The command line of slirp4netns, NULL-terminated. title: the name that others see. */
const char *const *net_slirp_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, const struct net_helper_fds *fds, bool ipv6);

/* That of pasta, which closes what it inherits but the standard streams: standard input is the
 * network namespace, and to standard output, a pipe, it writes when it is ready. root: it has id
 * 0. */
const char *const *net_pasta_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, bool ipv6, bool root);

/* A request to its socket, and whether the answer to it says yes. */
const char *net_port_request(struct arena *arena, const struct net_port *port);
bool net_port_accepted(const char *answer);

/* A helper's output, on one line, without what it always says. Modifies the text. */
const char *net_words(struct arena *arena, char *said);

/* The container's resolv.conf: the host's, with the nameserver in place of its own; NULL: with its
 * own. */
const char *net_resolv(struct arena *arena, const char *host, const char *nameserver);

/* Whether the text of /proc/net/ipv6_route has a default route that leads out. */
bool net_routes_ipv6(const char *text);
