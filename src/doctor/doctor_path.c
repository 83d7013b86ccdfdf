/* SPDX-License-Identifier: Apache-2.0 */
/* The given directory as a bundle, root file system or mount source. */
#include "src/doctor/doctor_parts.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/host/barrier.h"
#include "src/plan/powers.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

void doctor_path_reach(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const char *words = barrier_words(d->arena, &(struct barrier_view){ 0 }, d->path, 0), *end;
	struct stat st;

	(void)argument;
	if (words) {
		end = strstr(words, "): ");
		doctor_fail(d, ret, end ? end + 3 : NULL, "%.*s",
			    (int)(end ? end + 1 - words : (ptrdiff_t)strlen(words)), words);
	} else if (stat(d->path, &st) < 0) {
		doctor_fail(d, ret,
			    errno == ENOENT ? arena_strf(d->arena, "mkdir -p %s", d->path) : NULL,
			    "stat %s: %s", d->path, err_why(errno));
	} else {
		doctor_ok(d, ret, "%s is within reach", d->path);
	}
}

/* An id of the container other than root; the trial's user namespace maps it. */
enum { ANOTHER_ID = 1 };

static int enter_as_another(struct doctor *d, const void *data, struct err *err)
{
	const int *fd = data;
	int r = privs_set_groups(NULL, 0, err);

	(void)d;
	if (r == 0)
		r = privs_set_gid(ANOTHER_ID, err);
	if (r == 0)
		r = privs_set_uid(ANOTHER_ID, err);
	if (r < 0)
		return r;
	return faccessat(*fd, ".", X_OK, AT_EACCESS) < 0 ? err_errno(err, errno, "enter it") : 0;
}

void doctor_path_users(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	_cleanup_close_ int fd = openat(AT_FDCWD, d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct doctor_trial trial = { .map = d->map, .act = enter_as_another, .data = &fd };
	int64_t host = d->map ? idmap_to_host(&d->map->uid, ANOTHER_ID) : ANOTHER_ID;
	struct err err = { 0 };
	struct stat st;

	(void)argument;
	if (fd < 0 || fstat(fd, &st) < 0)
		doctor_skip(d, ret, "needs path");
	else if (d->map && d->no_userns)
		doctor_skip(d, ret, "needs user-namespace");
	else if (host < 0)
		doctor_skip(d, ret, "containers have a single id");
	else if (doctor_trial_run(d, &trial, &err) == 0)
		doctor_ok(d, ret, "other users of a container (uid %d: %lld on the host) may enter",
			  ANOTHER_ID, (long long)host);
	else if (err.code == EACCES)
		doctor_warn(d, ret,
			    st.st_uid == privs_uid() ? arena_strf(d->arena, "chmod o+x %s", d->path)
						     : "use a directory of your own",
			    "as a root file system or mount source it is closed to all of a "
			    "container but its root: uid %d (%lld on the host) may not enter it "
			    "(owner %u:%u, mode %04o)",
			    ANOTHER_ID, (long long)host, st.st_uid, st.st_gid, st.st_mode & 07777);
	else
		doctor_say(d, ret, DOCTOR_WARN, &err);
}

static const char *fs_name(long magic)
{
	static const struct {
		long magic;
		char name[12];
	} table[] = {
		{ 0x6969, "nfs" },          { 0x65735546, "fuse" }, { 0x794c7630, "overlay" },
		{ 0x01021994, "tmpfs" },    { 0xef53, "ext4" },     { 0x58465342, "xfs" },
		{ 0x9123683e, "btrfs" },    { 0x2fc12fc1, "zfs" },  { 0x00c36400, "ceph" },
		{ 0xff534d42, "cifs" },     { 0xfe534d42, "smb2" }, { 0x0bd00bd0, "lustre" },
		{ 0x73717368, "squashfs" }, { 0x01021997, "9p" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].magic == magic)
			return table[i].name;
	return "another";
}

static bool knows_no_subids(const char *fs)
{
	static const char names[][8] = { "nfs", "ceph", "cifs", "smb2", "lustre", "9p" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_equal(names[i], fs))
			return true;
	return false;
}

void doctor_path_flags(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct statvfs flags;
	struct statfs fs;
	const char *name,
		*remount = "as root: mount -o remount,exec \"$(findmnt -no TARGET -T %s)\"";

	(void)argument;
	if (statvfs(d->path, &flags) < 0 || statfs(d->path, &fs) < 0) {
		doctor_skip(d, ret, "needs path");
		return;
	}
	name = fs_name((long)fs.f_type);
	if (flags.f_flag & ST_NOEXEC)
		doctor_warn(d, ret, arena_strf(d->arena, remount, d->path),
			    "%s is on a mount with the option noexec: no program in it runs",
			    d->path);
	else if (d->map && d->map->uid.n > 1 && knows_no_subids(name))
		doctor_warn(d, ret, "keep root file systems on a local disk, or use --map=single",
			    "the file system is %s, whose server does not know subordinate ids: "
			    "files of a container's other users cannot be made there",
			    name);
	else
		doctor_ok(d, ret, "file system %s%s%s%s", name,
			  flags.f_flag & ST_RDONLY ? ", read-only" : "",
			  flags.f_flag & ST_NOSUID ? ", nosuid" : "",
			  flags.f_flag & ST_NODEV ? ", nodev" : "");
}

static int try_idmap(const char *path, struct err *err)
{
	const struct idmap_range one = { 0, 1, 1 };
	const struct idmap_write write = { .writer = IDMAP_WRITER_SELF,
					   .uid = { &one, 1 },
					   .gid = { &one, 1 } };
	_cleanup_close_ int userns = idmap_write_fd(&write, err), mount = -1;
	int r;

	if (userns < 0)
		return userns;
	mount = mountfd_clone(AT_FDCWD, path, false, true);
	if (mount < 0)
		return err_errno(err, -mount, "clone the mount of %s", path);
	r = mountfd_set_idmap(mount, userns, false);
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, "map the ids of %s", path);
	if (r == -EINVAL)
		err_hint(err, "this kernel has no ID-mapped mounts for the file system there; "
			      "ext4 and xfs have them since Linux 5.12, btrfs since 5.15, "
			      "tmpfs since 6.3");
	if (r == -EPERM)
		err_hint(err, "the file system there belongs to another user namespace, or the "
			      "mount is already ID-mapped");
	return r;
}

void doctor_path_idmap(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct err err = { 0 };
	struct stat st;

	(void)argument;
	if (stat(d->path, &st) < 0)
		doctor_skip(d, ret, "needs path");
	else if (!d->facts.caller.initial_userns ||
		 !(powers_derive(&d->facts, false) & POWER_OPEN_MOUNTS))
		doctor_skip(d, ret, "only the host's root may map the ids of a mount");
	else if (try_idmap(d->path, &err) < 0)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "mounts of %s take mapped ids", d->path);
}
