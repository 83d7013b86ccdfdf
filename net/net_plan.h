/* SPDX-License-Identifier: Apache-2.0 */
/* Decides on a container's network: from the words of options and annotations to its helper's
 * command line. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum net_kind {
	NET_UNSET,       /* whatever the config says */
	NET_NONE,        /* lo alone */
	NET_HOST,        /* the caller's */
	NET_PATH,        /* the network namespace at a path */
	NET_SLIRP4NETNS, /* a new one, with slirp4netns between it and the host's sockets */
	NET_PASTA,       /* the same with pasta */
	NET_PROXY,       /* lo alone, with a port on it that the caller's program serves */
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
	bool host_loopback; /* the gateway's address reaches the host's loopback */
	bool metadata;      /* 169.254.0.0/16 is reachable, too */
};

/* The address and port on which NET_PROXY listens inside, and the resolver behind slirp4netns. */
#define NET_PROXY_ADDRESS "127.0.0.1"
enum { NET_PROXY_PORT = 3128 };
#define NET_NAMESERVER "10.0.2.3"
#define NET_DEVICE "tap0"

/* Parses "none", "host", "slirp4netns", "pasta", "proxy:COMMAND" or an absolute path; fills kind
 * and text. */
int net_parse(const char *words, struct net_plan *ret, struct err *err) MUST_CHECK;

/* Parses "[IP:]HOST:CONTAINER[/tcp|/udp]". */
int net_parse_port(const char *words, struct net_port *ret, struct err *err) MUST_CHECK;

/* Whether this kind needs a process outside the container. */
bool net_has_helper(enum net_kind kind);

/* Whether the helper creates a device, and thus a way to the host's network. */
bool net_has_device(enum net_kind kind);
const char *net_kind_name(enum net_kind kind);

struct net_helper_fds { /* descriptor numbers the helper inherits */
	int ready, exit;
	int netns;   /* without guide */
	pid_t guide; /* a process that will be in the namespaces; or 0 */
	bool api;    /* create the API socket in the working directory */
};

/* The command line of slirp4netns, NULL-terminated. title is what ps(1) shows. */
const char *const *net_slirp_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, const struct net_helper_fds *fds, bool ipv6);

/* The command line of pasta, which closes all but its standard streams: standard input is the
 * network namespace, and it reports readiness on standard output, a pipe. root: it runs as id 0. */
const char *const *net_pasta_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, bool ipv6, bool root);

/* A request to slirp4netns's API socket, and whether the answer reports success. */
const char *net_port_request(struct arena *arena, const struct net_port *port);
bool net_port_accepted(const char *answer);

/* A helper's output on one line, without its usual chatter. Modifies the text. */
const char *net_words(struct arena *arena, char *said);

/* The container's resolv.conf: the host's, with the nameserver replaced unless it is NULL. */
const char *net_resolv(struct arena *arena, const char *host, const char *nameserver);

/* Whether the text of /proc/net/ipv6_route has a default route other than through lo. */
bool net_routes_ipv6(const char *text);
