/* SPDX-License-Identifier: Apache-2.0 */
/* The network that an outside process provides for the container; the config has no part in it. */
#include "src/steps/steps.h"

#include "net/net_helper.h"
#include "net/net_ns.h"
#include "net/rtnl.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/state/status.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READY_TIMEOUT_MS = 60000, RESOLV_MAX = 64 << 10 };

/* The file is a mount source. If it is not written, the host has no resolver, or it is where libc
 * looks anyway. */
int step_net_resolv(struct start *start, struct err *err)
{
	const char *nameserver = start->plan->net.kind == NET_HOST ? NULL : NET_NAMESERVER, *text;
	struct err ignored;
	char *host = NULL;
	int r;

	if (!start->plan->resolv)
		return 0;
	if (io_read_file(IO_FIXED, "/etc/resolv.conf", RESOLV_MAX, start->arena, &host, NULL,
			 &ignored) < 0)
		host = NULL;
	text = net_resolv(start->arena, host ? host : "", nameserver);
	r = io_replace_file(start->state_dir, "resolv.conf", text, strlen(text), 0644, err);
	return r < 0 ? err_prefix(err, "state directory %s/%s", store_root(start->store),
				  start->state->id)
		     : 0;
}

static int listen_for_proxy(int sock)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(NET_PROXY_PORT),
					     .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
			       listen(sock, SOMAXCONN) < 0
		       ? -errno
		       : 0;
}

/* Whether net/net_hold.h may be used. */
static bool is_early(const struct plan *plan)
{
	return plan->net.kind == NET_SLIRP4NETNS && (plan->flags & PLAN_USERNS_NEW) &&
	       plan->facts->caller.uid != 0;
}

static int show_namespace(struct start *start, struct err *err)
{
	const struct plan *plan = start->plan;

	start->net_member = rtnl_open(err);
	if (start->net_member < 0)
		return start->net_member;
	/* Otherwise the helper waits for it. If it fails, the helper's side tries, too. */
	if (is_early(plan) && (plan->flags & PLAN_MNTNS_NEW))
		(void)net_ns_create_device();
	return 0;
}

int step_net_show(struct start *start, struct err *err)
{
	int r = 0;

	if (start->plan->net.kind != NET_PROXY)
		return show_namespace(start, err);
	start->net_member = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (start->net_member < 0)
		r = -errno;
	if (r == 0)
		r = listen_for_proxy(start->net_member);
	return r < 0 ? err_errno(err, -r, "create a socket in the container's network namespace")
		     : 0;
}

int step_net_yield(struct start *start, struct err *err)
{
	(void)start;
	(void)err;
	(void)sched_yield();
	return 0;
}

/* Creates the directory for slirp4netns's socket, which it creates as the container's root. A user
 * may not give it away: then everybody may write there who gets through ours. */
static int make_api(struct start *start, struct err *err)
{
	const struct idmap_write *map = &start->plan->idmap;
	_cleanup_close_ int dir = -1;
	int64_t uid = idmap_to_host(&map->uid, 0), gid = idmap_to_host(&map->gid, 0);

	if (mkdirat(start->state_dir, "net", 0700) == 0)
		dir = openat(start->state_dir, "net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, errno, "create a directory for the socket of slirp4netns");
	if ((start->plan->flags & PLAN_USERNS_NEW) && uid >= 0 && gid >= 0 &&
	    uid != start->plan->facts->caller.uid &&
	    fchownat(dir, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) < 0 &&
	    (errno != EPERM || fchmodat(start->state_dir, "net", 0777, 0) < 0))
		return err_errno(err, errno, "give the socket's directory to slirp4netns");
	return fd_take(&dir);
}

/* What the helper needs to know before the namespaces exist. */
static void say_early(const struct plan *plan, struct net_helper_request *request)
{
	const struct idmap_write *map = &plan->idmap;

	request->early = is_early(plan);
	request->root = idmap_to_host(&map->uid, 0) >= 0 && idmap_to_host(&map->gid, 0) >= 0;
}

/* Reports a missing program before anything is created. */
int step_net_helper(struct start *start, struct err *err)
{
	const struct net_plan *net = &start->plan->net;
	struct net_helper_request request = {
		.plan = net,
		.id = start->plan->options->id,
		.api = -1,
		.quiet = start->plan->options->detach,
	};
	uint64_t start_time = 0;
	int r = 0;

	if (net_has_device(net->kind))
		r = net_helper_find(start->arena, net_kind_name(net->kind), &request.program, err);
	if (r == 0 && net->kind == NET_SLIRP4NETNS && net->n_ports)
		r = request.api = make_api(start, err);
	if (r < 0)
		return r;
	say_early(start->plan, &request);
	r = net_helper_start(&request, &start->net_keeper, &start->net_answer, err);
	fd_closep(&request.api);
	if (r == 0)
		r = status_start_time(start->net_keeper.pid, &start_time, err);
	start->state->net_pid = (struct json_int){ start_time != 0, start->net_keeper.pid };
	start->state->net_start_time = (struct json_uint){ start_time != 0, start_time };
	return r;
}

int step_net_start(struct start *start, struct err *err)
{
	int r = net_helper_go(start->net_answer, start->net_member, &start->init, err);

	fd_closep(&start->net_member);
	return r;
}

int step_net_await(struct start *start, struct err *err)
{
	int r = start_wait(start, start->net_answer, &start->init, READY_TIMEOUT_MS, err);

	if (r == 0)
		r = err_set(err, ECHILD, "the container's process has ended");
	if (r > 0)
		r = net_helper_answer(start->net_answer, err);
	fd_closep(&start->net_answer);
	return r;
}
