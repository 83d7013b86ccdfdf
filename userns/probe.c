/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/probe.h"

#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/sys/compat.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static int helper_cap(const char *name)
{
	return str_equal(name, "newgidmap") ? CAP_SETGID : CAP_SETUID;
}

/* The helpers do not raise capabilities themselves, so the effective bit must be set. */
static bool has_file_cap(const char *path, int cap)
{
	struct vfs_ns_cap_data data = { 0 };
	ssize_t n = getxattr(path, "security.capability", &data, sizeof(data));

	return n >= (ssize_t)XATTR_CAPS_SZ_1 &&
	       (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) != 0 &&
	       (le32toh(data.data[0].permitted) & (1U << cap)) != 0;
}

static enum probe_helper helper_state(const char *path, const struct stat *st, const char *name,
				      const struct caller *caller)
{
	struct statvfs fs;

	/* A file that is setuid to another user than root gives no right to write maps. */
	if (!((st->st_mode & S_ISUID) && st->st_uid == 0) && !has_file_cap(path, helper_cap(name)))
		return PROBE_HELPER_NOT_PRIVILEGED;
	if (!(st->st_mode & S_IXOTH) && compat_access(path, X_OK) < 0)
		return PROBE_HELPER_NOT_EXECUTABLE;
	if (caller->no_new_privs)
		return PROBE_HELPER_NO_NEW_PRIVS;
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return PROBE_HELPER_NOSUID;
	return PROBE_HELPER_OK;
}

void probe_helper_find(struct arena *arena, const char *name, const struct caller *caller,
		       struct probe_helper_result *ret)
{
	static const char *const dirs[] = { USRUN_HELPER_DIR, "/bin", "/usr/local/bin" };
	char path[PATH_MAX];
	struct stat st;

	*ret = (struct probe_helper_result){ .state = PROBE_HELPER_MISSING };
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		ret->state = helper_state(path, &st, name, caller);
		ret->path = arena_strdup(arena, path);
		return;
	}
}

static int64_t sysctl_number(const char *path)
{
	char full[96], text[32];
	int64_t value;

	(void)snprintf(full, sizeof(full), "/proc/sys/%s", path);
	if (io_read_small(AT_FDCWD, full, text, sizeof(text)) <= 0 || parse_i64(text, &value) < 0)
		return -1;
	return value;
}

static bool seccomp_filters_us(void)
{
	struct io_status status;
	const char *mode;

	if (io_read_status(0, &status) < 0)
		return false;
	mode = io_status_field(&status, "Seccomp");
	return mode && *mode == '2';
}

/* The kernel refuses user namespaces to a process whose root is not that of its mount namespace.
 * The absence of a mount at "/" proves it; a chroot into a mount point goes unnoticed. */
static bool is_chrooted(struct arena *arena)
{
	const char *next, *line, *target;
	size_t len, target_len;
	struct err err;
	char *text;

	if (io_read_file(AT_FDCWD, "/proc/self/mountinfo", 4 << 20, arena, &text, NULL, &err) < 0)
		return false;
	next = text;
	while (text_line(&next, &line, &len)) {
		if (text_field(line, len, ' ', 4, &target, &target_len) &&
		    text_is(target, target_len, "/"))
			return false;
	}
	return true;
}

static const char *own_path(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	if (n <= 0)
		return "/usr/bin/usrun";
	buf[n] = '\0';
	return buf[0] == '/' && access(buf, X_OK) == 0 ? buf : "/usr/bin/usrun";
}

/* Hints at the installed profile, if it is for this program. */
static bool hint_installed_profile(const char *program, struct err *err)
{
	static const char file[] = USRUN_APPARMOR_DIR "/usrun";

	if (!str_equal(program, USRUN_PROGRAM) || access(file, R_OK) < 0)
		return false;
	if (str_starts(file, "/etc/"))
		err_hint(err, "as root, load the profile that allows it: apparmor_parser -r %s",
			 file);
	else
		err_hint(err,
			 "as root, load the profile that allows it: cp %s /etc/apparmor.d/usrun && "
			 "apparmor_parser -r /etc/apparmor.d/usrun",
			 file);
	return true;
}

bool probe_apparmor_restricts(struct err *err)
{
	char buf[200];
	const char *program = own_path(buf, sizeof(buf));

	if (sysctl_number("kernel/apparmor_restrict_unprivileged_userns") <= 0)
		return false;
	if (hint_installed_profile(program, err))
		return true;
	err_hint(
		err,
		"as root, allow it for usrun: printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\n"
		"profile usrun %s flags=(unconfined) {\\n  userns,\\n}\\n' > /etc/apparmor.d/usrun "
		"&& "
		"apparmor_parser -r /etc/apparmor.d/usrun; or for all programs: "
		"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		program);
	return true;
}

/* ENOSPC may concern any of the namespaces requested in the same call. */
static int refused_by_limit(struct err *err)
{
	static const char *const kinds[] = { "user", "mnt", "pid",    "net",
					     "ipc",  "uts", "cgroup", "time" };
	int64_t max = sysctl_number("user/max_user_namespaces");
	char path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(path, sizeof(path), "user/max_%s_namespaces", kinds[i]);
		if (sysctl_number(path) != 0)
			continue;
		(void)err_set(err, ENOSPC,
			      "create a user namespace: the sysctl user.max_%s_namespaces is 0",
			      kinds[i]);
		return err_hint(err,
				"as root: sysctl -w user.max_%s_namespaces=15000 (and a line in "
				"/etc/sysctl.d to keep it)",
				kinds[i]);
	}
	(void)err_set(
		err, ENOSPC,
		"create a user namespace: the limit user.max_user_namespaces is reached (%lld "
		"here; an outer namespace may have a lower one), or they are nested 33 deep",
		(long long)max);
	if (max > 0 && max < INT32_MAX / 2) {
		err_hint(err, "as root: sysctl -w user.max_user_namespaces=%lld",
			 (long long)max * 2);
	} else {
		err_hint(err, "use fewer levels of containers in containers, or raise "
			      "user.max_user_namespaces in the outermost one");
	}
	return -err->code;
}

static int refused_by_rule(int error, struct arena *arena, struct err *err)
{
	struct err saved = { 0 };

	if (sysctl_number("kernel/unprivileged_userns_clone") == 0) {
		(void)err_set(err, error,
			      "create a user namespace: the sysctl "
			      "kernel.unprivileged_userns_clone is 0");
		return err_hint(
			err, "as root: sysctl -w kernel.unprivileged_userns_clone=1 (and a line in "
			     "/etc/sysctl.d to keep it)");
	}
	if (is_chrooted(arena)) {
		(void)err_set(err, error,
			      "create a user namespace: the kernel does not allow it in a chroot");
		return err_hint(err, "start usrun outside the chroot, or enter it with pivot_root "
				     "(systemd-nspawn, unshare --mount) in place of chroot");
	}
	if (probe_apparmor_restricts(&saved)) {
		(void)err_set(err, error,
			      "create a user namespace: AppArmor restricts them (the sysctl "
			      "kernel.apparmor_restrict_unprivileged_userns is 1)");
		return err_hint(err, "%s", saved.hint);
	}
	if (seccomp_filters_us()) {
		(void)err_set(
			err, error,
			"create a user namespace: refused, and usrun runs under a seccomp filter, "
			"most likely of an outer container");
		return err_hint(
			err,
			"start the outer container with a seccomp profile that allows clone, "
			"clone3 and unshare (podman, docker: --security-opt seccomp=unconfined; "
			"usrun do: --nested)");
	}
	(void)err_errno(err, error, "create a user namespace");
	return err_hint(
		err,
		"the causes are a chroot, a security module (SELinux, AppArmor, BPF) or a caller "
		"whose ids are not mapped in its own user namespace: see dmesg and "
		"/proc/self/uid_map");
}

int probe_userns_refused(int error, struct err *err)
{
	struct arena arena = { 0 };
	int r;

	if (error == ENOSPC || error == EUSERS)
		return refused_by_limit(err);
	if (error == EPERM || error == EACCES) {
		r = refused_by_rule(error, &arena, err);
		arena_free(&arena);
		return r;
	}
	if (error == EINVAL && access("/proc/self/ns/user", F_OK) < 0) {
		(void)err_set(err, error,
			      "create a user namespace: this kernel was built without them "
			      "(CONFIG_USER_NS)");
		return err_hint(err, "run a kernel with CONFIG_USER_NS=y");
	}
	(void)err_errno(err, error, "create a user namespace");
	if (error == EAGAIN)
		err_hint(err, "this user has reached its process limit: see ulimit -u, and "
			      "pids.max of its cgroup");
	return -err->code;
}
