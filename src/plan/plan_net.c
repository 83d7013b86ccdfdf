/* SPDX-License-Identifier: Apache-2.0 */
/* The network that `run --net` or an annotation asks for: first its changes to the config and, once
 * namespaces and ids are decided, what follows from those. Engines manage their containers'
 * networks themselves, so `create`, which they call, ignores the annotation. */
#include "src/plan/plan_parts.h"

#include "src/oci/annotations.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>

#define AT(name) ERR_AT "annotations[\"" name "\"]"

static const char *annotation(const struct plan *plan, const char *name)
{
	const struct oci_config *config = plan->config;

	return annotations_find(config->annotations.v, config->annotations.n, name);
}

/* Splits a list at commas and spaces. */
static size_t split(struct arena *arena, const char *list, const char *const **ret)
{
	const char **v = arena_array(arena, strlen(list) + 1, sizeof(*v));
	size_t n = 0;

	for (;;) {
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (!len)
			break;
		v[n++] = arena_strndup(arena, list, len);
		list += len;
	}
	*ret = v;
	return n;
}

/* Ports come from -p or, for -p bundle, from the annotation. An image can set that, so it is
 * ignored unless the caller asks for it. */
static int find_ports(struct plan_build *b, const char *const **ret, size_t *ret_n, struct err *err)
{
	const struct plan_options *o = b->plan->options;
	const char *list = annotation(b->plan, ANNOTATIONS_NET_PUBLISH);
	const char **words = arena_array(b->arena, o->n_publish, sizeof(*words));
	const char *const *more;
	bool asked = false;
	size_t n = 0, n_more;

	for (size_t i = 0; i < o->n_publish; i++)
		if (str_equal(o->publish[i], "bundle"))
			asked = true;
		else
			words[n++] = o->publish[i];
	if (asked && !list)
		return err_set(err, EINVAL,
			       "the bundle has no annotation " ANNOTATIONS_NET_PUBLISH);
	*ret = words;
	*ret_n = n;
	if (asked) {
		n_more = split(b->arena, list, &more);
		*ret = str_list(b->arena, words, n, more, n_more);
		*ret_n = n + n_more;
	} else if (list && net_has_device(b->plan->net.kind)) {
		plan_parts_warn(b, "annotations[\"" ANNOTATIONS_NET_PUBLISH
				   "\"]: ignored without the option -p bundle");
	}
	return 0;
}

/* Each host port leads to one container port. */
static int take_port(const char *const *words, size_t i, struct net_port *ports, struct err *err)
{
	const char *const any = "0.0.0.0";
	int r = net_parse_port(words[i], &ports[i], err);

	for (size_t k = 0; r == 0 && k < i; k++)
		if (ports[k].host == ports[i].host && ports[k].udp == ports[i].udp &&
		    (str_equal(ports[k].ip, ports[i].ip) || str_equal(ports[k].ip, any) ||
		     str_equal(ports[i].ip, any)))
			return err_set(err, EINVAL, "%s and %s take the same port of the host",
				       words[k], words[i]);
	return r;
}

static int take_ports(struct plan_build *b, struct err *err)
{
	const char *const *words = NULL;
	struct net_port *ports;
	size_t n = 0;
	int r = find_ports(b, &words, &n, err);

	if (r == 0 && n && !net_has_device(b->plan->net.kind))
		r = err_set(err, EINVAL,
			    "only --net=slirp4netns and --net=pasta can publish a port");
	ports = arena_array(b->arena, n, sizeof(*ports));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_port(words, i, ports, err);
	b->plan->net.ports = ports;
	b->plan->net.n_ports = n;
	return r < 0 ? err_prefix(err, "--publish") : 0;
}

/* Tools that unpack images turn their labels into annotations, so these can neither run anything on
 * the host nor join anything of it. */
static int take_annotation(struct plan_build *b, struct err *err)
{
	const char *words = annotation(b->plan, ANNOTATIONS_NET);
	struct net_plan *net = &b->plan->net;

	if (!words)
		return 0;
	if (net_parse(words, net, err) == 0 && (net->kind == NET_NONE || net_has_device(net->kind)))
		return 0;
	(void)err_set(err, EINVAL,
		      AT(ANNOTATIONS_NET) ": expected none, slirp4netns or pasta, got \"%s\"",
		      words);
	return err_hint(
		err,
		"an image may have set it; for other networks use --net, which takes precedence");
}

static int read_wishes(struct plan_build *b, struct err *err)
{
	const struct plan_options *o = b->plan->options;
	struct net_plan *net = &b->plan->net;
	int r = o->net ? net_parse(o->net, net, err) : take_annotation(b, err);

	if (r < 0)
		return o->net ? err_prefix(err, "--net") : r;
	net->host_loopback = o->host_loopback;
	net->metadata = o->metadata;
	if ((o->host_loopback || o->metadata) && !net_has_device(net->kind) &&
	    net->kind != NET_HOST)
		return err_set(err, EINVAL, "--%s: only for --net=slirp4netns and --net=pasta",
			       o->host_loopback ? "host-loopback" : "metadata");
	return take_ports(b, err);
}

/* Replaces or removes the entry of the network namespace. */
static void change_namespaces(struct plan_build *b, struct oci_config *config)
{
	struct oci_linux *linux_ = arena_new(b->arena, struct oci_linux);
	struct oci_namespace *v;
	size_t n = 0;

	if (config->linux_)
		*linux_ = *config->linux_;
	v = arena_array(b->arena, linux_->namespaces.n + 1, sizeof(*v));
	for (size_t i = 0; i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type != CLONE_NEWNET)
			v[n++] = linux_->namespaces.v[i];
	if (b->plan->net.kind != NET_HOST)
		v[n++] = (struct oci_namespace){
			.type = CLONE_NEWNET,
			.path = b->plan->net.kind == NET_PATH ? b->plan->net.text : NULL,
		};
	linux_->namespaces.v = v;
	linux_->namespaces.n = n;
	config->linux_ = linux_;
}

/* The host's name server may be unreachable from the container, and the image names none. */
static void add_resolv(struct plan_build *b, struct oci_config *config)
{
	static const char *options[] = { "bind", "ro", "nosuid", "nodev", "noexec" };
	const char *dir = b->plan->options->state_dir;
	struct oci_mount *mounts;

	for (size_t i = 0; i < config->mounts.n; i++)
		if (str_equal(config->mounts.v[i].destination, "/etc/resolv.conf"))
			return;
	mounts = arena_grow(b->arena, config->mounts.v, config->mounts.n, config->mounts.n + 1,
			    sizeof(*mounts));
	mounts[config->mounts.n] = (struct oci_mount){
		.destination = "/etc/resolv.conf",
		.type = "bind",
		.source = arena_strf(b->arena, "%s/resolv.conf", dir ? dir : "/run/usrun/ID"),
		.options = { .v = options, .n = sizeof(options) / sizeof(options[0]) },
	};
	config->mounts.v = mounts;
	config->mounts.n++;
	b->plan->resolv = true;
}

#define PROXY_URL "=http://" NET_PROXY_ADDRESS ":3128"
_Static_assert(NET_PROXY_PORT == 3128, "as in PROXY_URL");

/* Adds the proxy variables that programs read; those that the config sets stay. */
static void add_proxy(struct plan_build *b, struct oci_config *config)
{
	static const char *const words[] = {
		"HTTP_PROXY" PROXY_URL, "HTTPS_PROXY" PROXY_URL, "ALL_PROXY" PROXY_URL,
		"http_proxy" PROXY_URL, "https_proxy" PROXY_URL, "all_proxy" PROXY_URL,
		"NODE_USE_ENV_PROXY=1",
	};
	const size_t n_words = sizeof(words) / sizeof(words[0]);
	struct oci_process *process = arena_new(b->arena, struct oci_process);
	const char **env;

	if (!config->process)
		return;
	*process = *config->process;
	env = arena_grow(b->arena, process->env.v, process->env.n, process->env.n + n_words,
			 sizeof(*env));
	for (size_t i = 0; i < n_words; i++) {
		const char *name = arena_strndup(b->arena, words[i], strcspn(words[i], "="));

		if (!str_env_find(config->process->env.v, config->process->env.n, name))
			env[process->env.n++] = words[i];
	}
	process->env.v = env;
	config->process = process;
}

int plan_net_ask(struct plan_build *b, struct err *err)
{
	struct net_plan *net = &b->plan->net;
	struct oci_config *config;
	int r;

	if (b->plan->options->wait_start) {
		if (annotation(b->plan, ANNOTATIONS_NET))
			plan_parts_warn(b, "annotations[\"" ANNOTATIONS_NET
					   "\"]: only `usrun run` supports it, ignored");
		return 0;
	}
	r = read_wishes(b, err);
	if (r < 0 || net->kind == NET_UNSET)
		return r;
	config = arena_new(b->arena, struct oci_config);
	*config = *b->plan->config;
	change_namespaces(b, config);
	if ((net_has_device(net->kind) || net->kind == NET_HOST) && !b->plan->options->no_resolv)
		add_resolv(b, config);
	if (net->kind == NET_PROXY)
		add_proxy(b, config);
	b->plan->config = config;
	return 0;
}

/* Allows ICMP echo (ping) to the range of groups that contains the process's own. A new namespace
 * allows nobody. */
static void allow_ping(struct plan_build *b)
{
	static const char key[] = "net.ipv4.ping_group_range";
	struct plan *plan = b->plan;
	const struct idmap *map = &plan->idmap.gid;
	uint32_t first = 0, last = INT32_MAX;
	struct json_pair *sysctl;

	for (size_t i = 0; i < plan->n_sysctl; i++)
		if (str_equal(plan->sysctl[i].key, key))
			return;
	if (plan->flags & PLAN_USERNS_JOIN)
		return; /* ids unknown */
	for (size_t i = 0; (plan->flags & PLAN_USERNS_NEW) && i < map->n; i++)
		if (plan->process.gid - map->v[i].inside < map->v[i].count) {
			first = map->v[i].inside;
			last = first + map->v[i].count - 1;
		}
	if (first > INT32_MAX) /* the kernel accepts no larger number */
		return;
	if (last > INT32_MAX)
		last = INT32_MAX;
	sysctl = arena_grow(b->arena, plan->sysctl, plan->n_sysctl, plan->n_sysctl + 1,
			    sizeof(*sysctl));
	sysctl[plan->n_sysctl++] =
		(struct json_pair){ .key = key,
				    .value = arena_strf(b->arena, "%u %u", first, last) };
	plan->sysctl = sysctl;
}

/* Packets that a process builds itself bypass the routes, and helpers refuse few. */
static void warn_of_packets(struct plan_build *b)
{
	const uint64_t raw = 1ULL << CAP_NET_RAW | 1ULL << CAP_NET_ADMIN;
	const struct net_plan *net = &b->plan->net;

	if ((b->plan->process.caps_bounding & raw) && !(net->host_loopback && net->metadata))
		plan_parts_warn(b,
				"--net=%s: with CAP_NET_RAW or CAP_NET_ADMIN the container can "
				"still reach the host's loopback and 169.254.0.0/16",
				net_kind_name(net->kind));
}

int plan_net_build(struct plan_build *b, struct err *err)
{
	struct plan *plan = b->plan;

	if (!net_has_helper(plan->net.kind))
		return 0;
	/* Sharing the pid namespace, it would see the helper, which runs in its user namespace and
	 * in the host's network. */
	if (plan->ns.v[PLAN_NS_PID].action != NS_NEW)
		return err_set(err, EINVAL,
			       "--net=%s: the container needs a pid namespace of its own",
			       net_kind_name(plan->net.kind));
	plan->flags |= PLAN_NET_HELPER;
	if (net_has_device(plan->net.kind)) {
		allow_ping(b);
		warn_of_packets(b);
	}
	return 0;
}
