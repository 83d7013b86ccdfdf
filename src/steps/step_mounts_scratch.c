/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the host whose changes stay in the container: an overlay or, if it covers nothing
 * of the host, a directory of the layer itself. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct mount_entry *m, int error, const char *what, struct err *err)
{
	return err_errno(err, error, ERR_AT "mounts[%ld]: %s, for writes that are discarded",
			 m->config_index, what);
}

static int open_source(const struct start *start, const struct mount_entry *m)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	_cleanup_close_ int dir = -1;
	const char *name;
	int fd;

	if (m->inside)
		return fcntl(start->rootfs, F_DUPFD_CLOEXEC, 0);
	if (start->plan->options->sandbox) {
		dir = step_mounts_source_dir(m, &name);
		if (dir < 0)
			return dir;
		fd = openat(dir, name, flags | O_NOFOLLOW);
	} else {
		fd = openat(AT_FDCWD, m->source, flags);
	}
	return fd < 0 ? -errno : fd;
}

static const char *super_value(const struct mount_entry *m, const char *key)
{
	for (size_t i = 0; i < m->n_super; i++)
		if (str_equal(m->super[i].key, key))
			return m->super[i].value;
	return NULL;
}

/* It covers nothing of the host. */
static int attach_own(struct start *start, const struct mount_entry *m,
		      const struct step_layer_use *use, struct err *err)
{
	_cleanup_close_ int mount = -1, upper = step_layer_upper(start, use, NULL);
	int r = upper;

	if (r >= 0)
		r = mount = mountfd_clone(upper, "", false, false);
	if (r >= 0)
		r = mountfd_set_attr(mount, use->attrs, 0, 0, false);
	if (r >= 0)
		r = mountfd_attach(mount, use->place);
	return r < 0 ? failed(m, -r, "create a directory of the layer", err) : 0;
}

static int attach_overlay(struct start *start, const struct mount_entry *m,
			  const struct step_layer_use *use, int source, struct err *err)
{
	_cleanup_close_ int overlay = -1;
	int r = overlay = step_layer_overlay(start, use, source, err);

	if (r < 0)
		return err_prefix(err, ERR_AT "mounts[%ld]", m->config_index);
	r = mountfd_attach(overlay, use->place);
	if (r >= 0 && str_equal(m->target, "/") && dup3(overlay, start->rootfs, O_CLOEXEC) < 0)
		r = -errno; /* it is the rootfs from now on */
	return r < 0 ? failed(m, -r, "mount an overlay", err) : 0;
}

int step_mounts_scratch(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	bool empty = m->kind != MOUNT_BIND;
	_cleanup_close_ int source = empty ? -1 : open_source(start, m), target = -1;
	struct step_layer_use use = { .layer = m->layer, .size = super_value(m, "size") };
	const char *mode = super_value(m, "mode");

	if (!empty && source < 0)
		return failed(m, -source, "open the directory", err);
	if (!empty && fstat(source, &use.like) < 0)
		return failed(m, errno, "stat the directory", err);
	if (empty)
		use.like = (struct stat){ .st_mode = mode ? (mode_t)strtoul(mode, NULL, 8) : 0755 };
	target = step_mounts_target(start, m, true, err);
	if (target < 0)
		return target;
	use.place = target;
	use.attrs = (m->attr_set | m->rattr_set) & ~(uint64_t)MOUNT_ATTR_RDONLY;
	return empty ? attach_own(start, m, &use, err)
		     : attach_overlay(start, m, &use, source, err);
}
