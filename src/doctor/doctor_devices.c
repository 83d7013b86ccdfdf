/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, and programs of other projects that serve containers. */
#include "src/doctor/doctor_parts.h"

#include "net/net_helper.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/layer/layer_serve.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void doctor_devices_net(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const char *slirp = NULL, *pasta = NULL;
	struct err err = { 0 }, ignored;

	(void)argument;
	(void)!net_helper_find(d->arena, "pasta", &pasta, &ignored);
	if (net_helper_find(d->arena, "slirp4netns", &slirp, &err) < 0 && !pasta)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "%s%s%s", slirp ? slirp : "", slirp && pasta ? ", " : "",
			  pasta ? pasta : "");
}

/* The devices that are checked here can be opened without side effects. */
static int open_node(const char *path)
{
	int fd = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static const char *why_not(struct doctor *d, const char *path, int error)
{
	struct stat st;

	if (error != EACCES || stat(path, &st) < 0)
		return err_why(error);
	return arena_strf(d->arena, "%s (owner %u:%u, mode %04o)", err_why(error), st.st_uid,
			  st.st_gid, st.st_mode & 07777);
}

/* Only root of the host's user namespace can create device nodes. */
static void look_at_node(struct doctor *d, const char *path, const char *fix,
			 struct doctor_finding *ret)
{
	_cleanup_close_ int fd = open_node(path);

	if (fd >= 0)
		doctor_ok(d, ret, "%s opens", path);
	else
		doctor_warn(d, ret,
			    d->facts.caller.initial_userns
				    ? arena_strf(d->arena, "as root: %s", fix)
				    : arena_strf(d->arena,
						 "start the outer container with --device %s",
						 path),
			    "open %s: %s", path, why_not(d, path, -fd));
}

void doctor_devices_tun(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	(void)argument;
	look_at_node(d, "/dev/net/tun",
		     "modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || "
		     "mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun",
		     ret);
}

/* Its only user here is fuse-overlayfs. */
void doctor_devices_fuse(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const char *program;
	struct err err = { 0 };

	(void)argument;
	look_at_node(d, "/dev/fuse",
		     "modprobe fuse; [ -e /dev/fuse ] || mknod /dev/fuse c 10 229; "
		     "chmod 666 /dev/fuse",
		     ret);
	if (ret->result != DOCTOR_OK)
		return;
	if (layer_serve_find(d->arena, &program, &err) < 0)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "/dev/fuse opens, for %s", program);
}

void doctor_devices_ports(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	char text[32];
	uint64_t first = 1024;

	(void)argument;
	if (io_read_small(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", text,
			  sizeof(text)) <= 0 ||
	    parse_u64(text, &first) < 0)
		first = 1024;
	doctor_ok(d, ret,
		  "users may publish ports from %llu on (net.ipv4.ip_unprivileged_port_start)",
		  (unsigned long long)first);
}

void doctor_devices_ping(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	char text[64];

	(void)argument;
	if (io_read_small(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", text, sizeof(text)) <=
	    0) {
		doctor_skip(d, ret, "no net.ipv4.ping_group_range here");
		return;
	}
	for (char *c = text; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	doctor_ok(d, ret,
		  "containers with a network of their own may ping; in the host's, groups %s "
		  "(net.ipv4.ping_group_range)",
		  text);
}

/* Whether a group other than root's may read and write it. */
static bool is_for_group(const struct stat *st)
{
	return st->st_gid && (st->st_mode & 0060) == 0060;
}

void doctor_devices_node(struct doctor *d, const char *path, struct doctor_finding *ret)
{
	const char *name = d->facts.caller.name;
	struct stat st;

	if (stat(path, &st) < 0)
		doctor_skip(d, ret, "this host has no %s", path);
	else if (is_for_group(&st) && name)
		look_at_node(d, path,
			     arena_strf(d->arena,
					"usermod -aG \"$(stat -c %%G %s)\" %s; then log in again",
					path, name),
			     ret);
	else
		look_at_node(d, path, arena_strf(d->arena, "chmod 666 %s", path), ret);
}

void doctor_devices_cdi(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	(void)argument;
	if (access("/etc/cdi", R_OK) == 0)
		doctor_ok(d, ret, "/etc/cdi is there");
	else if (access("/var/run/cdi", R_OK) == 0)
		doctor_ok(d, ret, "/var/run/cdi is there");
	else
		doctor_skip(d, ret, "no CDI specifications on this host");
}

void doctor_devices_criu(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const char *path;
	struct err err = { 0 };

	(void)argument;
	if (net_helper_find(d->arena, "criu", &path, &err) < 0)
		doctor_skip(d, ret, "criu is not installed: no checkpoints");
	else
		doctor_ok(d, ret, "%s", path);
}
