/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: the nodes in /dev, created or bind-mounted (the defaults of runtime-linux.md, and those
 * of the config), and host network devices that the container gets. */
#include "src/plan/plan_parts.h"

#include "src/base/path.h"
#include "src/base/str.h"

#include <linux/mount.h>
#include <sys/stat.h>

static const struct {
	const char *path;
	unsigned int major, minor;
} defaults[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};
enum { N_DEFAULTS = sizeof(defaults) / sizeof(defaults[0]) };

static bool dev_is_the_hosts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rootfs.n_mounts; i++)
		if (plan->rootfs.mounts[i].kind == MOUNT_BIND &&
		    str_equal(plan->rootfs.mounts[i].target, "/dev"))
			return true;
	return false;
}

static uint32_t type_bits(const char *type)
{
	switch (*type) {
	case 'b':
		return S_IFBLK;
	case 'p':
		return S_IFIFO;
	default:
		return S_IFCHR;
	}
}

static int from_config(struct plan_build *b, size_t i, struct device_plan *ret, struct err *err)
{
	const struct oci_device *device = &b->plan->config->linux_->devices.v[i];
	uint32_t uid = (uint32_t)device->uid.v, gid = (uint32_t)device->gid.v;

	*ret = (struct device_plan){
		.path = path_clean(b->arena, device->path),
		.mode = type_bits(device->type) |
			(device->file_mode.set ? (uint32_t)device->file_mode.v & 07777 : 0666),
		.major = (uint32_t)device->major.v,
		.minor = (uint32_t)device->minor.v,
		.uid = uid,
		.gid = gid,
		.from_config = true,
	};
	if (str_equal(ret->path, "/"))
		return err_set(err, EINVAL,
			       ERR_AT "linux.devices[%zu].path: \"%s\" is the root itself", i,
			       device->path);
	if (path_is_below(ret->path, "/proc") || path_is_below(ret->path, "/sys"))
		return err_set(err, EINVAL,
			       ERR_AT "linux.devices[%zu].path: \"%s\" is inside /proc or "
				      "/sys",
			       i, ret->path);
	return 0;
}

/* Whether it is a tmpfs whose options mean the same in the initial user namespace, and do not
 * depend on the rootfs. */
static bool can_be_made_outside(const struct mount_entry *m)
{
	bool mode = false;

	for (size_t i = 0; i < m->n_super; i++) {
		mode |= str_equal(m->super[i].key, "mode");
		if (str_equal(m->super[i].key, "uid") || str_equal(m->super[i].key, "gid"))
			return false;
	}
	return mode && m->kind == MOUNT_FS && str_equal(m->fs, "tmpfs") && !m->idmap &&
	       !m->extensions && !(m->attr_set & MOUNT_ATTR_NODEV);
}

/* Root also creates the nodes for a container with a user namespace, with owners and modes of its
 * own: on a file system that belongs to the initial user namespace, which only the parent can
 * mount. Without devices in the config the host's nodes would do. */
static size_t dev_by_parent(const struct plan *plan)
{
	const struct rootfs_plan *rootfs = &plan->rootfs;

	if (!(plan->flags & PLAN_USERNS_NEW) || idmap_to_host(&plan->idmap.uid, 0) < 0 ||
	    idmap_to_host(&plan->idmap.gid, 0) < 0 ||
	    !(powers_derive(plan->facts, false) & POWER_MKNOD))
		return 0;
	for (size_t i = 0; i < rootfs->n_mounts; i++)
		if (str_equal(rootfs->mounts[i].target, "/dev"))
			return can_be_made_outside(&rootfs->mounts[i]) ? i + 1 : 0;
	return 0;
}

/* The link to pts/ptmx already is this device. A bind-mounted node would look for a devpts beside
 * itself, and find the host's. */
static bool is_link(const struct devices_plan *devices, const struct device_plan *d)
{
	return devices->bind && !devices->by_parent && str_equal(d->path, "/dev/ptmx") &&
	       S_ISCHR(d->mode) && d->major == 5 && d->minor == 2;
}

int plan_devices_build(struct plan_build *b, struct err *err)
{
	const struct oci_linux *linux_ = b->plan->config->linux_;
	struct devices_plan *devices = &b->plan->devices;
	size_t n_config = linux_ ? linux_->devices.n : 0;
	struct device_plan *v = arena_array(b->arena, N_DEFAULTS + n_config, sizeof(*v));

	if (!(b->plan->flags & PLAN_MOUNTS))
		return 0;
	devices->populate = !dev_is_the_hosts(b->plan);
	devices->bind = !(b->plan->powers & POWER_MKNOD) || (b->plan->flags & PLAN_USERNS_JOIN);
	devices->readonly = !plan_parts_in_userns(b->plan);
	if (devices->bind && n_config)
		devices->by_parent = dev_by_parent(b->plan);
	if (devices->bind && !devices->by_parent)
		devices->why = "the kernel makes device nodes for the initial user namespace only";
	for (size_t i = 0; devices->populate && i < N_DEFAULTS; i++)
		v[devices->n++] = (struct device_plan){ .path = defaults[i].path,
							.mode = S_IFCHR | 0666,
							.major = defaults[i].major,
							.minor = defaults[i].minor };
	for (size_t i = 0; i < n_config; i++) {
		int r = from_config(b, i, &v[devices->n], err);

		if (r < 0)
			return r;
		if (devices->populate && is_link(devices, &v[devices->n]))
			plan_parts_warn(
				b, "linux.devices[%zu] (/dev/ptmx): stays a link to pts/ptmx", i);
		else if (devices->populate || !path_is_below(v[devices->n].path, "/dev"))
			devices->n++;
		else /* nothing is created in a directory of the host */
			plan_parts_warn(
				b, "linux.devices[%zu] (%s): provided by the bind-mounted /dev", i,
				v[devices->n].path);
	}
	devices->v = v;
	return 0;
}

int plan_devices_build_net(struct plan_build *b, struct err *err)
{
	const struct oci_linux *linux_ = b->plan->config->linux_;
	struct devices_request *v;

	if (!linux_ || !linux_->net_devices.n)
		return 0;
	if (!(b->plan->powers & POWER_MOVE_LINKS)) {
		(void)err_set(err, EPERM,
			      ERR_AT "linux.netDevices: the caller may not move devices out of its "
				     "network namespace");
		return err_hint(err, "moving a network device needs CAP_NET_ADMIN");
	}
	v = arena_array(b->arena, linux_->net_devices.n, sizeof(*v));
	for (size_t i = 0; i < linux_->net_devices.n; i++) {
		const struct oci_net_device *d = &linux_->net_devices.v[i];

		v[i] = (struct devices_request){ .from = d->key, .to = d->name ? d->name : d->key };
	}
	b->plan->net_devices = v;
	b->plan->n_net_devices = linux_->net_devices.n;
	b->plan->flags |= PLAN_NET_DEVICES;
	return 0;
}
