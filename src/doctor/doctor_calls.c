/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, keys, resource limits and security modules. */
#include "src/doctor/doctor_parts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/compat.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

/* Makes the calls as containers do; the wrapper of each call notes whether it failed. */
static int use_calls(struct doctor *d, const void *data, struct err *err)
{
	_cleanup_close_ int root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int proc = resolve_open(root, "/proc", O_PATH);
	_cleanup_close_ int tree = mountfd_clone(root, "", false, false);
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs"), mount = -1;
	char names[256];
	int r = fs < 0 ? fs : mountfd_fs_create(fs);

	(void)d;
	(void)data;
	(void)proc;
	(void)tree;
	if (r == 0)
		r = mount = mountfd_fs_mount(fs, 0);
	if (r >= 0)
		r = mountfd_set_attr(mount, MOUNT_ATTR_NOSUID, 0, 0, false);
	if (!compat_missing(names, sizeof(names)))
		return 0;
	return err_set(err, ENOSYS,
		       "%s is refused by a seccomp filter around usrun or by an old kernel: usrun "
		       "uses older calls where it can",
		       names);
}

void doctor_calls_filter(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct doctor_trial trial = { .flags = CLONE_NEWNS, .map = d->map, .act = use_calls };
	struct err err = { 0 };

	(void)argument;
	if (d->map && d->no_userns)
		doctor_skip(d, ret, "needs user-namespace");
	else if (doctor_trial_run(d, &trial, &err) < 0)
		doctor_warn(d, ret,
			    "start usrun outside of that container or service, or with a seccomp "
			    "profile that lets them through",
			    "%s", err.text);
	else
		doctor_ok(d, ret, "Linux %s has all that containers are made with",
			  d->facts.kernel_release);
}

static int join_keyring(struct doctor *d, const void *data, struct err *err)
{
	int r = privs_join_keyring("usrun-doctor");

	(void)d;
	(void)data;
	if (r == 0)
		return 0;
	if (r != -EDQUOT)
		return err_errno(err, -r, "create a session keyring");
	(void)err_set(err, EDQUOT, "create a session keyring: the key quota is exhausted");
	return err_hint(err,
			"as root: sysctl -w kernel.keys.maxkeys=20000 "
			"kernel.keys.maxbytes=2000000; /proc/key-users shows who has how many");
}

void doctor_calls_keyring(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct doctor_trial trial = { .act = join_keyring };
	struct err err = { 0 };

	(void)argument;
	if (doctor_trial_run(d, &trial, &err) < 0)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "containers get one of their own");
}

static const char *number(struct doctor *d, uint64_t v)
{
	return v == UINT64_MAX ? "unlimited" : arena_strf(d->arena, "%llu", (unsigned long long)v);
}

void doctor_calls_limits(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	enum { FEW_FILES = 1024, FEW_PROCESSES = 256 };
	const struct facts_rlimit *files = &d->facts.limits[RLIMIT_NOFILE];
	const struct facts_rlimit *processes = &d->facts.limits[RLIMIT_NPROC];
	char oom[16] = "?";

	(void)argument;
	if (io_read_small(AT_FDCWD, "/proc/self/oom_score_adj", oom, sizeof(oom)) < 0)
		oom[0] = '\0';
	if (files->hard < FEW_FILES || processes->hard < FEW_PROCESSES)
		doctor_warn(d, ret,
			    "as root: raise nofile and nproc of this user in "
			    "/etc/security/limits.conf, or LimitNOFILE= and LimitNPROC= of the "
			    "service; then log in again",
			    "containers inherit at most %s open files and %s processes",
			    number(d, files->hard), number(d, processes->hard));
	else
		doctor_ok(d, ret, "at most %s open files, %s processes; oom_score_adj %s",
			  number(d, files->hard), number(d, processes->hard), oom);
}

void doctor_calls_lsm(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	char text[128];

	(void)argument;
	if (!*d->facts.lsm) {
		doctor_ok(d, ret, "none that labels containers: labels of a config are ignored");
		return;
	}
	if (io_read_small(AT_FDCWD, "/proc/self/attr/current", text, sizeof(text)) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	doctor_ok(d, ret, "%s%s%s", d->facts.lsm, *text ? "; usrun runs as " : "", text);
}
