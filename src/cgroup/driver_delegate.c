/* SPDX-License-Identifier: Apache-2.0 */
/* Delegation: the owner of a v2 group may make groups below it and move its own processes between them. The
 * limits stay with the owner above. v1 has no safe way to do so. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int driver_descend(const struct cgroup_plan *plan, struct cgroup *cgroup, struct err *err)
{
	int i = driver_priv_v2(cgroup), below, r;
	const struct cgroup_dir *dir = &cgroup->place.dirs.v[i];

	if (mkdirat(cgroup->fds[i], plan->inside, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the cgroup %s%s/%s", dir->mount, dir->path,
				 plan->inside);
	below = openat(cgroup->fds[i], plan->inside, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return err_errno(err, errno, "open the cgroup %s%s/%s", dir->mount, dir->path,
				 plan->inside);
	r = driver_priv_pass_on(plan, cgroup->fds[i], dir->path, err);
	fd_closep(&cgroup->fds[i]);
	cgroup->fds[i] = below;
	return r;
}

int driver_delegate(const struct cgroup *cgroup, uint32_t uid, uint32_t gid, struct err *err)
{
	int dir = driver_priv_v2(cgroup);
	char names[1024], *save = NULL;
	ssize_t n;

	if (dir < 0)
		return 0;
	n = io_read_small(AT_FDCWD, "/sys/kernel/cgroup/delegate", names, sizeof(names));
	if (n < 0) /* the three that every kernel with v2 has */
		(void)strcpy(names, "cgroup.procs cgroup.threads cgroup.subtree_control");
	if (fchownat(cgroup->fds[dir], "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_errno(err, errno, "give the cgroup %s%s to the container's root, %u:%u",
				 cgroup->place.dirs.v[dir].mount, cgroup->place.dirs.v[dir].path,
				 uid, gid);
	for (char *name = strtok_r(names, " \n", &save); name; name = strtok_r(NULL, " \n", &save))
		if (fchownat(cgroup->fds[dir], name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT) /* files of controllers that the group does not have */
			return err_errno(err, errno, "give %s%s/%s to the container's root, %u:%u",
					 cgroup->place.dirs.v[dir].mount,
					 cgroup->place.dirs.v[dir].path, name, uid, gid);
	return 0;
}
