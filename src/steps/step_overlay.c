/* SPDX-License-Identifier: Apache-2.0 */
/* A rootfs that stays unchanged: an overlay on top of its tree. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A layer in memory is mounted on the tree that it covers, and the overlay on both: neither is
 * visible, and all go with the namespace. */
int step_overlay_mount(struct start *start, struct err *err)
{
	_cleanup_close_ int merged = -1;
	struct step_layer_use use = { .layer = start->plan->rootfs.layer,
				      .place = start->rootfs,
				      .strict = true };
	int r = fstat(start->rootfs, &use.like) < 0 ? -errno : 0;

	if (r == 0)
		merged = step_layer_overlay(start, &use, start->rootfs, err);
	if (r == 0 && merged < 0)
		return err_prefix(err, "--overlay: put an overlay over the rootfs %s",
				  start->plan->rootfs.path);
	if (r == 0)
		r = mountfd_attach(merged,
				   start->plan->layer.dir ? start->rootfs : start->layer_top);
	if (r >= 0 && dup3(merged, start->rootfs, O_CLOEXEC) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "--overlay: put an overlay over the rootfs %s",
				 start->plan->rootfs.path)
		     : 0;
}
