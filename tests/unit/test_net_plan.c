/* SPDX-License-Identifier: Apache-2.0 */
/* Words of networks and ports, and what helpers are told. */
#include "net/net_plan.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <string.h>

TEST(words_of_networks)
{
	static const struct {
		const char *words;
		enum net_kind kind;
		const char *text;
	} good[] = {
		{ "none", NET_NONE, NULL },
		{ "host", NET_HOST, NULL },
		{ "slirp4netns", NET_SLIRP4NETNS, NULL },
		{ "pasta", NET_PASTA, NULL },
		{ "/run/netns/x", NET_PATH, "/run/netns/x" },
		{ "proxy:filter --port 1", NET_PROXY, "filter --port 1" },
	};
	static const char *const bad[] = { "", "None", "bridge", "proxy:", "run/netns/x" };
	struct err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct net_plan plan = { 0 };

		CHECK_INT(net_parse(good[i].words, &plan, &err), 0);
		CHECK_INT(plan.kind, good[i].kind);
		CHECK_STR(plan.text, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct net_plan plan = { 0 };

		CHECK_ERR(net_parse(bad[i], &plan, &err), &err, "expected none, host");
	}
}

TEST(words_of_ports)
{
	static const struct {
		const char *words, *ip;
		unsigned int host, inside;
		bool udp;
	} good[] = {
		{ "8080:80", "0.0.0.0", 8080, 80, false },
		{ "8080:80/tcp", "0.0.0.0", 8080, 80, false },
		{ "53:5353/udp", "0.0.0.0", 53, 5353, true },
		{ "127.0.0.1:1:65535", "127.0.0.1", 1, 65535, false },
		{ "255.255.255.255:1:1/udp", "255.255.255.255", 1, 1, true },
	};
	static const char *const bad[] = {
		"",
		"80",
		"80:",
		":80",
		"0:80",
		"80:65536",
		"a:80",
		"80:80/sctp",
		"80:80/",
		"1.2.3:80:80",
		"1.2.3.4.5:80:80",
		"256.0.0.1:80:80",
		"::1:80:80",
		":80:80",
		"1.2.3.4:80",
		"1..2.3:80:80",
		"80:80 ",
		"+80:80",
		"0001.2.3.4:80:80",
		"1.2.3.4:80:80/udp/and/much/more/that/does/not/fit/into/any/buffer/of/ours",
	};
	struct net_port port;
	struct err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_INT(net_parse_port(good[i].words, &port, &err), 0);
		CHECK_STR(port.ip, good[i].ip);
		CHECK_INT(port.host, good[i].host);
		CHECK_INT(port.inside, good[i].inside);
		CHECK_INT(port.udp, good[i].udp);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(net_parse_port(bad[i], &port, &err), &err, "such as 8080:80");
}

static void joined(char *buf, size_t size, const char *const *argv)
{
	*buf = '\0';
	for (; *argv; argv++) {
		strncat(buf, *argv, size - strlen(buf) - 1);
		strncat(buf, " ", size - strlen(buf) - 1);
	}
}

TEST(command_lines_of_slirp4netns)
{
	const struct net_helper_fds fds = { .ready = 5, .exit = 6, .netns = 7 };
	const struct net_helper_fds with_api = { .ready = 5, .exit = 6, .netns = 7, .api = true };
	const struct net_helper_fds with_guide = { .ready = 5, .exit = 6, .guide = 70 };
	struct net_plan plan = { .kind = NET_SLIRP4NETNS };
	struct arena arena = { 0 };
	char line[512];

	joined(line, sizeof(line), net_slirp_argv(&arena, &plan, "title", &fds, false));
	CHECK_STR(line, "title --configure --mtu=65520 --disable-host-loopback --enable-sandbox "
			"--enable-seccomp --ready-fd=5 --exit-fd=6 --netns-type=path "
			"/proc/self/fd/7 tap0 ");
	plan.host_loopback = true;
	joined(line, sizeof(line), net_slirp_argv(&arena, &plan, "title", &with_api, true));
	CHECK_STR(line,
		  "title --configure --mtu=65520 --enable-sandbox --enable-seccomp --enable-ipv6 "
		  "--ready-fd=5 --exit-fd=6 --api-socket=api --netns-type=path "
		  "/proc/self/fd/7 tap0 ");
	joined(line, sizeof(line), net_slirp_argv(&arena, &plan, "title", &with_guide, false));
	CHECK_STR(line, "title --configure --mtu=65520 --enable-sandbox --enable-seccomp "
			"--ready-fd=5 --exit-fd=6 70 tap0 ");
	arena_free(&arena);
}

TEST(command_lines_of_pasta)
{
	static const struct net_port ports[] = {
		{ .ip = "127.0.0.1", .host = 8080, .inside = 80 },
		{ .ip = "0.0.0.0", .host = 53, .inside = 5353, .udp = true },
	};
	static const char always[] =
		"title --foreground --quiet --netns-only --no-netns-quit --netns /proc/self/fd/0 "
		"--pid /proc/self/fd/1 --config-net --ns-ifname tap0 --mtu 65520 --address "
		"10.0.2.100 --netmask 24 --gateway 10.0.2.2 --dns-forward 10.0.2.3 --no-dhcp "
		"--no-dhcpv6 --no-ndp --no-ra --tcp-ns none --udp-ns none ";
	struct net_plan plan = { .kind = NET_PASTA };
	struct arena arena = { 0 };
	char line[1024];

	joined(line, sizeof(line), net_pasta_argv(&arena, &plan, "title", false, true));
	CHECK(str_starts(line, always));
	CHECK_STR(line + strlen(always), "--runas 0:0 --no-map-gw --ipv4-only --udp-ports none "
					 "--tcp-ports none ");
	plan.host_loopback = true;
	plan.ports = ports;
	plan.n_ports = 1;
	joined(line, sizeof(line), net_pasta_argv(&arena, &plan, "title", true, false));
	CHECK_STR(line + strlen(always), "--address fd00::100 --gateway fd00::2 --tcp-ports "
					 "127.0.0.1/8080:80 --udp-ports none ");
	plan.n_ports = 2;
	joined(line, sizeof(line), net_pasta_argv(&arena, &plan, "title", false, false));
	CHECK_STR(line + strlen(always), "--ipv4-only --tcp-ports 127.0.0.1/8080:80 --udp-ports "
					 "0.0.0.0/53:5353 ");
	arena_free(&arena);
}

TEST(requests_and_answers)
{
	const struct net_port port = { .ip = "127.0.0.1", .host = 8080, .inside = 80, .udp = true };
	struct arena arena = { 0 };

	CHECK_STR(net_port_request(&arena, &port),
		  "{\"execute\": \"add_hostfwd\", \"arguments\": {\"proto\": \"udp\", "
		  "\"host_addr\": \"127.0.0.1\", \"host_port\": 8080, \"guest_port\": 80}}");
	CHECK(net_port_accepted("{\"return\":{\"id\":1}}"));
	CHECK(!net_port_accepted("{\"error\":{\"desc\":\"bad request: add_hostfwd: "
				 "slirp_add_hostfwd failed\"}}"));
	CHECK(!net_port_accepted(""));
	arena_free(&arena);
}

TEST(what_a_helper_said)
{
	struct arena arena = { 0 };
	char quiet[] = "WARNING: Support for seccomp is experimental\n"
		       "Failed to send 56 bytes to syslog\n",
	     said[] = "sent tapfd=5 for tap0\nopen(\"/dev/net/tun\"): Permission denied\n"
		      "child failed(1)\nWARNING: x";

	CHECK_STR(net_words(&arena, quiet), "it exited without an error message");
	CHECK_STR(net_words(&arena, said),
		  "open(\"/dev/net/tun\"): Permission denied; child failed(1)");
	arena_free(&arena);
}

TEST(resolv_conf)
{
	static const char host[] = "# nameserver 1.1.1.1\nnameserver 127.0.0.53\n"
				   "options edns0 trust-ad\n  search a.example b.example";
	struct arena arena = { 0 };

	CHECK_STR(net_resolv(&arena, host, "10.0.2.3"),
		  "options edns0 trust-ad\n  search a.example b.example\nnameserver 10.0.2.3\n");
	CHECK_STR(net_resolv(&arena, "", "10.0.2.3"), "nameserver 10.0.2.3\n");
	CHECK_STR(net_resolv(&arena, host, NULL), host);
	arena_free(&arena);
}

#define ANY "00000000000000000000000000000000 00 "
#define REST ANY "fe800000000000000000000000000001 00000400 00000001 00000000 00000003 "

TEST(default_routes_of_ipv6)
{
	CHECK(net_routes_ipv6(ANY REST "    eth0\n"));
	CHECK(net_routes_ipv6("fe800000000000000000000000000000 40 " ANY "x     eth0\n" ANY REST
			      "  wlan0"));
	CHECK(!net_routes_ipv6(ANY REST "      lo\n"));
	CHECK(!net_routes_ipv6("fe800000000000000000000000000000 40 " ANY "x     eth0\n"));
	CHECK(!net_routes_ipv6(""));
}
