/* SPDX-License-Identifier: Apache-2.0 */
/* A device that changes its namespace keeps its hardware address, MTU and other properties, but the
 * kernel brings it down and drops its addresses. The same request renames it, because the old name
 * may be taken in the new namespace. */
#include "net/devices.h"

#include "net/rtnl.h"
#include "src/base/fd.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static int namespace_of(int sock, struct err *err)
{
	int fd = ioctl(sock, SIOCGSKNS);

	if (fd < 0)
		return err_errno(err, errno, "open the container's network namespace");
	return fd;
}

/* A netlink socket has the rights of the process that opened it, so the container's process cannot
 * lend its own. */
static int open_there(int here, int member, struct err *err)
{
	_cleanup_close_ int theirs = namespace_of(member, err), ours = -1, sock = -1;

	if (theirs < 0)
		return theirs;
	ours = namespace_of(here, err);
	if (ours < 0)
		return ours;
	if (setns(theirs, CLONE_NEWNET) < 0)
		return err_errno(err, errno, "enter the container's network namespace");
	sock = rtnl_open(err);
	if (setns(ours, CLONE_NEWNET) < 0)
		return err_errno(err, errno, "return to the host's network namespace");
	return fd_take(&sock);
}

int devices_open(int member, struct devices *ret, struct err *err)
{
	_cleanup_close_ int here = rtnl_open(err);
	int there;

	if (here < 0)
		return here;
	there = open_there(here, member, err);
	if (there < 0)
		return there;
	*ret = (struct devices){ .here = fd_take(&here), .there = there };
	return 0;
}

void devices_close(struct devices *devices)
{
	fd_closep(&devices->here);
	fd_closep(&devices->there);
}

static int find_link(int sock, const char *name, struct rtnl_message *ret)
{
	struct rtnl_message request;
	int r;

	rtnl_message_link(&request, RTM_GETLINK, 0);
	r = rtnl_message_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	return r < 0 ? r : rtnl_call(sock, &request, ret);
}

/* Picks the name in the container. Existing devices keep theirs. */
static int choose_name(int there, const struct devices_request *request, char ret[IFNAMSIZ],
		       struct err *err)
{
	const char *number = strstr(request->to, "%d");
	struct rtnl_message found;

	for (int n = 0; n < 1024; n++) {
		int len = number ? snprintf(ret, IFNAMSIZ, "%.*s%d%s", (int)(number - request->to),
					    request->to, n, number + 2)
				 : snprintf(ret, IFNAMSIZ, "%s", request->to);
		int r = len < IFNAMSIZ ? find_link(there, ret, &found) : -ENAMETOOLONG;

		if (r == -ENODEV)
			return 0;
		if (r < 0)
			return err_errno(err, -r, "look for a network device %s in the container",
					 ret);
		if (!number)
			break;
	}
	return err_set(err, EEXIST, "the container already has a network device %s", request->to);
}

struct gathering {
	struct arena *arena;
	struct devices_moved *moved;
	int index;
};

static int keep_address(void *data, const struct nlmsghdr *h)
{
	struct gathering *g = data;
	struct devices_moved *m = g->moved;

	if (!rtnl_message_is_kept(h, g->index))
		return 0;
	m->addresses = arena_room(g->arena, m->addresses, m->n_addresses, &m->cap_addresses,
				  sizeof(*m->addresses));
	return rtnl_message_give(&m->addresses[m->n_addresses++], h);
}

static int change_namespace(int from, int index, int to, const char *name, struct err *err)
{
	_cleanup_close_ int target = namespace_of(to, err);
	struct rtnl_message request;
	int r;

	if (target < 0)
		return target;
	rtnl_message_link(&request, RTM_NEWLINK, index);
	r = rtnl_message_add(&request, IFLA_NET_NS_FD, &target, sizeof(target));
	if (r == 0)
		r = rtnl_message_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	if (r == 0)
		r = rtnl_call(from, &request, NULL);
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, "move the network device to the container as %s", name);
	if (r == -EINVAL)
		err_hint(err, "some devices cannot leave their namespace: lo, bridges, the "
			      "fallback devices of tunnels");
	if (r == -EPERM)
		err_hint(err, "moving needs CAP_NET_ADMIN over both network namespaces");
	return r;
}

static int set_up(int sock, const char *name, const struct devices_moved *m, bool up,
		  struct err *err)
{
	struct rtnl_message link;
	int r = find_link(sock, name, &link), index;

	if (r < 0)
		return err_errno(err, -r, "find the network device %s again", name);
	index = rtnl_message_link_index(&link.header);
	for (size_t i = 0; i < m->n_addresses; i++) {
		rtnl_message_set_index(&m->addresses[i], index);
		r = rtnl_call(sock, &m->addresses[i], NULL);
		if (r < 0)
			return err_errno(err, -r, "give %s address %zu of %zu", name, i + 1,
					 m->n_addresses);
	}
	if (!up)
		return 0;
	rtnl_message_link(&link, RTM_NEWLINK, index);
	rtnl_message_up(&link);
	r = rtnl_call(sock, &link, NULL);
	return r < 0 ? err_errno(err, -r, "bring up the network device %s", name) : 0;
}

int devices_move(struct arena *arena, struct devices *devices,
		 const struct devices_request *request, struct err *err)
{
	struct devices_moved *m;
	struct gathering g = { .arena = arena };
	struct rtnl_message link;
	int r = find_link(devices->here, request->from, &link);

	if (r < 0)
		return err_errno(err, -r, "find it on the host");
	devices->moved = arena_grow(arena, devices->moved, devices->n_moved, devices->n_moved + 1,
				    sizeof(*m));
	m = &devices->moved[devices->n_moved];
	*m = (struct devices_moved){ .was_up = rtnl_message_link_is_up(&link.header) };
	(void)snprintf(m->from, sizeof(m->from), "%s", request->from);
	r = choose_name(devices->there, request, m->to, err);
	if (r < 0)
		return r;
	g.moved = m;
	g.index = rtnl_message_link_index(&link.header);
	rtnl_message_addresses(&link);
	r = rtnl_dump(devices->here, &link, keep_address, &g);
	if (r < 0)
		return err_errno(err, -r, "list its addresses");
	r = change_namespace(devices->here, g.index, devices->there, m->to, err);
	if (r < 0)
		return r;
	devices->n_moved++;
	return set_up(devices->there, m->to, m, true, err);
}

int devices_return(struct devices *devices, struct err *err)
{
	int first = 0;

	while (devices->n_moved > 0) {
		const struct devices_moved *m = &devices->moved[--devices->n_moved];
		struct rtnl_message link;
		struct err later = { 0 };
		struct err *e = first ? &later : err;
		int r = find_link(devices->there, m->to, &link);

		if (r < 0)
			r = err_errno(e, -r, "find the network device %s in the container", m->to);
		if (r == 0)
			r = change_namespace(devices->there, rtnl_message_link_index(&link.header),
					     devices->here, m->from, e);
		if (r == 0)
			r = set_up(devices->here, m->from, m, m->was_up, e);
		if (r < 0 && !first)
			first = err_prefix(err, "give the network device %s back", m->from);
	}
	return first;
}
