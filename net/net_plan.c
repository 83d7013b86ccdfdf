/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_plan.h"

#include "src/base/parse.h"
#include "src/base/str.h"

#include <string.h>

/* slirp4netns's maximum; it makes two system calls per packet. */
#define MTU "65520"

static const char names[][12] = {
	[NET_UNSET] = "",
	[NET_NONE] = "none",
	[NET_HOST] = "host",
	[NET_PATH] = "path",
	[NET_SLIRP4NETNS] = "slirp4netns",
	[NET_PASTA] = "pasta",
	[NET_PROXY] = "proxy",
};

const char *net_kind_name(enum net_kind kind)
{
	return names[kind];
}

bool net_has_helper(enum net_kind kind)
{
	return net_has_device(kind) || kind == NET_PROXY;
}

bool net_has_device(enum net_kind kind)
{
	return kind == NET_SLIRP4NETNS || kind == NET_PASTA;
}

int net_parse(const char *words, struct net_plan *ret, struct err *err)
{
	static const enum net_kind plain[] = { NET_NONE, NET_HOST, NET_SLIRP4NETNS, NET_PASTA };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (str_equal(words, names[plain[i]])) {
			ret->kind = plain[i];
			return 0;
		}
	ret->kind = NET_PATH;
	ret->text = words;
	if (*words == '/')
		return 0;
	if (!str_starts(words, "proxy:") || !words[strlen("proxy:")])
		return err_set(err, EINVAL,
			       "expected none, host, slirp4netns, pasta, proxy:COMMAND or an "
			       "absolute path, got \"%s\"",
			       words);
	ret->kind = NET_PROXY;
	ret->text = words + strlen("proxy:");
	return 0;
}

static bool is_address(const char *text)
{
	int parts = 0;

	for (;;) {
		char part[4] = "";
		size_t len = strcspn(text, ".");
		uint64_t n;

		if (!len || len > 3)
			return false;
		memcpy(part, text, len);
		if (parse_u64_range(part, 0, 255, &n) < 0)
			return false;
		parts++;
		if (!text[len])
			return parts == 4;
		text += len + 1;
	}
}

static bool take_port(const char *text, uint16_t *ret)
{
	uint64_t n;

	if (parse_u64_range(text, 1, UINT16_MAX, &n) < 0)
		return false;
	*ret = (uint16_t)n;
	return true;
}

int net_parse_port(const char *words, struct net_port *ret, struct err *err)
{
	struct net_port port = { .ip = "0.0.0.0" };
	char text[64] = "", *inside, *host, *kind;

	if (strlen(words) < sizeof(text))
		memcpy(text, words, strlen(words) + 1);
	kind = strchr(text, '/');
	if (kind) {
		*kind++ = '\0';
		port.udp = str_equal(kind, "udp");
	}
	inside = strrchr(text, ':');
	if (!inside)
		inside = text;
	else
		*inside++ = '\0';
	host = strrchr(text, ':');
	if (host)
		*host++ = '\0';
	if (host && is_address(text))
		memcpy(port.ip, text, strlen(text) + 1);
	if (inside == text || (kind && !port.udp && !str_equal(kind, "tcp")) ||
	    (host && !is_address(text)) || !take_port(host ? host : text, &port.host) ||
	    !take_port(inside, &port.inside))
		return err_set(err, EINVAL,
			       "expected [IPv4:]HOSTPORT:PORT[/udp], such as 8080:80, got \"%s\"",
			       words);
	*ret = port;
	return 0;
}

const char *const *net_slirp_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, const struct net_helper_fds *fds, bool ipv6)
{
	const char **argv = arena_array(arena, 16, sizeof(*argv));
	size_t n = 0;

	argv[n++] = title;
	argv[n++] = "--configure";
	argv[n++] = "--mtu=" MTU;
	if (!plan->host_loopback)
		argv[n++] = "--disable-host-loopback";
	argv[n++] = "--enable-sandbox";
	argv[n++] = "--enable-seccomp";
	if (ipv6)
		argv[n++] = "--enable-ipv6";
	argv[n++] = arena_strf(arena, "--ready-fd=%d", fds->ready);
	argv[n++] = arena_strf(arena, "--exit-fd=%d", fds->exit);
	if (fds->api)
		argv[n++] = "--api-socket=api"; /* created before it enters its sandbox */
	if (fds->guide) {
		argv[n++] = arena_strf(arena, "%d", (int)fds->guide);
	} else {
		argv[n++] = "--netns-type=path";
		argv[n++] = arena_strf(arena, "/proc/self/fd/%d", fds->netns);
	}
	argv[n] = NET_DEVICE;
	return argv;
}

/* The same addresses as slirp4netns's. Given an address, pasta copies none of the host's routes,
 * one of which could lead to 169.254.169.254. And a container that had the host's address could not
 * reach the host at it. */
static const char pasta_words[][20] = {
	/* clang-format off */
	"--foreground", "--quiet", "--netns-only", "--no-netns-quit",
	"--netns", "/proc/self/fd/0", "--pid", "/proc/self/fd/1",
	"--config-net", "--ns-ifname", NET_DEVICE, "--mtu", MTU,
	"--address", "10.0.2.100", "--netmask", "24", "--gateway", "10.0.2.2",
	"--dns-forward", NET_NAMESERVER,
	"--no-dhcp", "--no-dhcpv6", "--no-ndp", "--no-ra", "--tcp-ns", "none", "--udp-ns", "none",
	/* clang-format on */
};

const char *const *net_pasta_argv(struct arena *arena, const struct net_plan *plan,
				  const char *title, bool ipv6, bool root)
{
	const size_t n_words = sizeof(pasta_words) / sizeof(pasta_words[0]);
	const char **argv = arena_array(arena, n_words + 16 + 2 * plan->n_ports, sizeof(*argv));
	size_t n = 0, n_udp = 0;

	argv[n++] = title;
	for (size_t i = 0; i < n_words; i++)
		argv[n++] = pasta_words[i];
	if (root) { /* by default pasta becomes nobody, who cannot join root's namespaces */
		argv[n++] = "--runas";
		argv[n++] = "0:0";
	}
	if (!plan->host_loopback)
		argv[n++] = "--no-map-gw";
	if (ipv6) {
		argv[n++] = "--address";
		argv[n++] = "fd00::100";
		argv[n++] = "--gateway";
		argv[n++] = "fd00::2";
	} else {
		argv[n++] = "--ipv4-only";
	}
	for (size_t i = 0; i < plan->n_ports; i++) {
		const struct net_port *port = &plan->ports[i];

		n_udp += port->udp;
		argv[n++] = port->udp ? "--udp-ports" : "--tcp-ports";
		argv[n++] = arena_strf(arena, "%s/%u:%u", port->ip, port->host, port->inside);
	}
	/* By default pasta publishes every port the container listens on. */
	if (!n_udp) {
		argv[n++] = "--udp-ports";
		argv[n++] = "none";
	}
	if (n_udp == plan->n_ports) {
		argv[n++] = "--tcp-ports";
		argv[n++] = "none";
	}
	argv[n] = NULL;
	return argv;
}

const char *net_port_request(struct arena *arena, const struct net_port *port)
{
	return arena_strf(arena,
			  "{\"execute\": \"add_hostfwd\", \"arguments\": {\"proto\": \"%s\", "
			  "\"host_addr\": \"%s\", \"host_port\": %u, \"guest_port\": %u}}",
			  port->udp ? "udp" : "tcp", port->ip, port->host, port->inside);
}

bool net_port_accepted(const char *answer)
{
	return strstr(answer, "\"return\"") && !strstr(answer, "\"error\"");
}

static bool is_chatter(const char *line)
{
	static const char starts[][16] = { "WARNING: ", "sent tapfd=", "received tapfd=",
					   "Failed to send " /* to syslog */ };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (str_starts(line, starts[i]))
			return true;
	return !*line;
}

const char *net_words(struct arena *arena, char *said)
{
	struct str out = { 0 };
	const char *text;

	while (*said) {
		size_t len = strcspn(said, "\n");
		bool last = !said[len];

		said[len] = '\0';
		if (!is_chatter(said))
			str_addf(&out, "%s%s", out.len ? "; " : "", said);
		said += len + !last;
	}
	text = arena_strdup(arena, out.len ? out.s : "it exited without an error message");
	str_done(&out);
	return text;
}

const char *net_resolv(struct arena *arena, const char *host, const char *nameserver)
{
	struct str out = { 0 };
	const char *text;

	if (!nameserver)
		return arena_strdup(arena, host);
	while (*host) {
		size_t len = strcspn(host, "\n"), skip = strspn(host, " \t");

		if (strncmp(host + skip, "search", 6) == 0 ||
		    strncmp(host + skip, "domain", 6) == 0 ||
		    strncmp(host + skip, "options", 7) == 0) {
			str_addn(&out, host, len);
			str_add(&out, "\n");
		}
		host += len + (host[len] == '\n');
	}
	str_addf(&out, "nameserver %s\n", nameserver);
	text = arena_strdup(arena, out.s);
	str_done(&out);
	return text;
}

/* Fields of a line: destination, prefix length, source, and so on; the device comes last. */
bool net_routes_ipv6(const char *text)
{
	static const char any[] = "00000000000000000000000000000000 00 ";

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (str_starts(text, any) && len > 3 && strncmp(text + len - 3, " lo", 3) != 0)
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}
