/* SPDX-License-Identifier: Apache-2.0 */
/* New file systems, in the namespaces that a container has. */
#include "src/doctor/doctor_parts.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/host/mountinfo.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ALL_NEW (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static int refused(int fs, int r, const char *type, struct err *err)
{
	char words[256] = "";

	if (fs >= 0)
		mountfd_fs_message(fs, words, sizeof(words));
	words[strcspn(words, "\n")] = '\0';
	if (*words)
		return err_set(err, -r, "mount a new %s: %s", type,
			       words + (words[1] == ' ' ? 2 : 0));
	(void)err_errno(err, -r, "mount a new %s", type);
	return r == -ENODEV
		       ? err_hint(err,
				  "as root: modprobe %s (unless the kernel was built without it)",
				  type)
		       : r;
}

static int mount_fs(struct doctor *d, const void *data, struct err *err)
{
	const char *type = data;
	_cleanup_close_ int fs = mountfd_fs_open(type), mount = -1;
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "source", type);

	if (r == 0 && str_equal(type, "devpts"))
		r = mountfd_fs_set(fs, "newinstance", NULL);
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r == 0)
		r = mount = mountfd_fs_mount(fs, 0);
	if (r >= 0)
		return 0;
	(void)refused(fs, r, type, err);
	if (r == -EPERM && str_equal(type, "proc"))
		mountinfo_hint_masks(d->arena, err);
	return -err->code;
}

void doctor_mounts_fs(struct doctor *d, const char *type, struct doctor_finding *ret)
{
	const struct doctor_trial trial = {
		.flags = ALL_NEW, .map = d->map, .act = mount_fs, .data = type
	};
	/* The host's sysfs can replace a new one, and a config can do without mqueue. */
	bool can_miss = str_equal(type, "sysfs") || str_equal(type, "mqueue");
	struct err err = { 0 };

	if (d->map && d->no_userns)
		doctor_skip(d, ret, "needs user-namespace");
	else if (doctor_trial_run(d, &trial, &err) < 0)
		doctor_say(d, ret, can_miss ? DOCTOR_WARN : DOCTOR_FAIL, &err);
	else
		doctor_ok(d, ret, "mounted a new one");
}

static int make_layer(int *ret_upper, struct err *err)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs"), layer = -1, root = -1;
	int r = fs < 0 ? fs : mountfd_fs_create(fs);

	if (r == 0)
		r = layer = mountfd_fs_mount(fs, 0);
	root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r >= 0)
		r = root < 0 ? -errno : mountfd_attach(layer, root);
	if (r == 0 && (mkdirat(layer, "upper", 0755) < 0 || mkdirat(layer, "work", 0755) < 0))
		r = -errno;
	if (r < 0)
		return err_errno(err, -r, "create a layer in a tmpfs");
	*ret_upper = openat(layer, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd_take(&layer);
}

static int mount_overlay(struct doctor *d, const void *data, struct err *err)
{
	_cleanup_close_ int lower = openat(AT_FDCWD, data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int upper = -1, layer = lower < 0 ? -1 : make_layer(&upper, err), fs = -1,
			    merged = -1;
	char dir[64];
	int r;

	if (layer < 0)
		return lower < 0 ? err_errno(err, errno, "open %s", (const char *)data) : layer;
	if (d->map && setxattr(fd_path(upper).text, "user.usrun.try", "", 0, 0) < 0) {
		(void)err_errno(err, errno, "set an extended attribute on a tmpfs");
		return err_hint(err, "tmpfs supports user extended attributes since Linux 6.6");
	}
	fs = mountfd_fs_open("overlay");
	r = fs < 0 ? fs : mountfd_fs_set(fs, "lowerdir", fd_path(lower).text);
	(void)snprintf(dir, sizeof(dir), "%s/upper", fd_path(layer).text);
	if (r == 0)
		r = mountfd_fs_set(fs, "upperdir", dir);
	(void)snprintf(dir, sizeof(dir), "%s/work", fd_path(layer).text);
	if (r == 0)
		r = mountfd_fs_set(fs, "workdir", dir);
	if (r == 0 && d->map)
		r = mountfd_fs_set(fs, "userxattr", NULL);
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r == 0)
		r = merged = mountfd_fs_mount(fs, 0);
	return r < 0 ? refused(fs, r, "overlay", err) : 0;
}

static void try_overlay(struct doctor *d, const char *lower, const char *where,
			struct doctor_finding *ret)
{
	const struct doctor_trial trial = {
		.flags = CLONE_NEWNS, .map = d->map, .act = mount_overlay, .data = lower
	};
	struct err err = { 0 };

	if (d->map && d->no_userns)
		doctor_skip(d, ret, "needs user-namespace");
	else if (doctor_trial_run(d, &trial, &err) < 0)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "throw-away writes (--overlay) work on %s", where);
}

void doctor_mounts_overlay(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	(void)argument;
	try_overlay(d, "/usr", "this kernel", ret);
}

void doctor_path_overlay(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct stat st;

	(void)argument;
	if (stat(d->path, &st) < 0 || !S_ISDIR(st.st_mode))
		doctor_skip(d, ret, "needs path");
	else
		try_overlay(d, d->path, d->path, ret);
}
