/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_net.h"

#include "net/net_helper.h"
#include "src/base/fd.h"

#include <errno.h>
#include <fcntl.h>

#define TUN "/dev/net/tun"

/* Opens it as the user, who has the same rights as a helper: the mode alone proves nothing, since
 * the kernel may lack the device, or this container may not have been given it. */
static int try_tun(void)
{
	_cleanup_close_ int fd = open(TUN, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static const char *why_none(struct arena *arena, enum net_kind kind)
{
	int error;

	if (kind == NET_NONE)
		return "no network inside: install slirp4netns or passt, or choose --net=none or "
		       "--net=host";
	error = try_tun();
	if (!error)
		return NULL;
	return arena_strf(arena,
			  "no network inside: " TUN ": %s; %schoose --net=none or --net=host",
			  err_why(error),
			  error == EACCES  ? "as root: chmod 666 " TUN ", or "
			  : error == EPERM ? ""
					   : "as root: modprobe tun, or ");
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
