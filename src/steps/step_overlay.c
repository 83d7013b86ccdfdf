/* SPDX-License-Identifier: Apache-2.0 */
/* A rootfs that stays as it is: an overlay on top of its tree. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failed(struct start *start, const char *words, int r, struct err *err)
{
	if (*words)
		(void)err_set(err, -r, "--overlay: put an overlay over the rootfs %s: %s",
			      start->plan->rootfs.path, words);
	else
		(void)err_errno(err, -r, "--overlay: put an overlay over the rootfs %s",
				start->plan->rootfs.path);
	if (r == -EINVAL)
		err_hint(err, "a rootfs with mounts below it, or already two overlays deep, cannot "
			      "have one: copy it to a directory of its own");
	return r;
}

/* In a user namespace an overlay keeps its notes in attributes of users, without which it cannot
 * replace a directory. */
static int check_notes(int upper, struct err *err)
{
	if (setxattr(fd_path(upper).text, "user.usrun.try", "", 0, 0) == 0)
		return removexattr(fd_path(upper).text, "user.usrun.try") < 0 ? -errno : 0;
	(void)err_errno(err, errno, "--overlay: set an extended attribute on the layer");
	return err_hint(err, "tmpfs supports user extended attributes since Linux 6.6");
}

/* A layer in memory lies on the tree that it covers, and the overlay on both: none is seen, and all
 * go with the namespace. */
int step_overlay_mount(struct start *start, struct err *err)
{
	_cleanup_close_ int merged = -1, upper = -1;
	struct step_layer_use use = { .layer = start->plan->rootfs.layer, .place = start->rootfs };
	char words[256] = "";
	int r = fstat(start->rootfs, &use.like) < 0 ? -errno : 0;

	if (r == 0)
		r = upper = step_layer_upper(start, &use, NULL);
	if (r < 0)
		return err_errno(err, -r, "--overlay: make a layer%s%s",
				 start->plan->layer.dir ? " in " : " in a tmpfs",
				 start->plan->layer.dir ? start->plan->layer.dir : "");
	r = start->plan->layer.user ? check_notes(upper, err) : 0;
	if (r < 0)
		return r;
	r = merged = step_layer_overlay(start, &use, start->rootfs, words, sizeof(words));
	if (r >= 0)
		r = mountfd_attach(merged,
				   start->plan->layer.dir ? start->rootfs : start->layer_top);
	if (r >= 0 && dup3(merged, start->rootfs, O_CLOEXEC) < 0)
		r = -errno;
	return r < 0 ? failed(start, words, r, err) : 0;
}
