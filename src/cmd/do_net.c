/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_net.h"

#include "net/net_helper.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TUN "/dev/net/tun"

static const char *why_none(struct arena *arena, enum net_kind kind)
{
	if (kind == NET_NONE)
		return "no network inside: install slirp4netns or passt, or choose --net=none or "
		       "--net=host";
	/* As the user itself: helpers have no more rights. */
	if (faccessat(AT_FDCWD, TUN, R_OK | W_OK, AT_EACCESS) == 0)
		return NULL;
	return arena_strf(arena, "no network inside: " TUN ": %s; %s",
			  errno == ENOENT ? "no such file or directory" : "permission denied",
			  errno == ENOENT ? "as root: modprobe tun" : "as root: chmod 666 " TUN);
}

int do_net_choose(struct arena *arena, const char *asked, struct net_plan *ret,
		  const char **ret_why, struct err *err)
{
	static const enum net_kind kinds[] = { NET_SLIRP4NETNS, NET_PASTA };
	struct err ignored;
	const char *program;
	int r;

	*ret_why = NULL;
	*ret = (struct net_plan){ .kind = NET_NONE };
	if (asked) {
		r = net_parse(asked, ret, err);
		return r < 0 ? err_prefix(err, "--net") : 0;
	}
	for (size_t i = 0; ret->kind == NET_NONE && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (net_helper_find(arena, net_kind_name(kinds[i]), &program, &ignored) == 0)
			ret->kind = kinds[i];
	*ret_why = why_none(arena, ret->kind);
	if (*ret_why)
		ret->kind = NET_NONE;
	return 0;
}
