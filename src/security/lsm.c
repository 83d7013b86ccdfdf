/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/lsm.h"

#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LABEL = 4095 }; /* one page in the kernel */

/* The calling process's directory in this procfs: its pid namespace may differ from ours, and
 * procfs_write() follows no links. */
static int own_directory(int procfs, char *buf, size_t size, struct err *err)
{
	struct statfs fs;
	ssize_t n;

	if (fstatfs(procfs, &fs) < 0)
		return err_errno(err, errno, "stat the procfs");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(err, EINVAL, "not a procfs (file system type %#lx)",
			       (unsigned long)fs.f_type);
	n = readlinkat(procfs, "self", buf, size - 1);
	if (n <= 0)
		return err_errno(err, n < 0 ? errno : ESRCH, "find this process in the procfs");
	buf[n] = '\0';
	if (strspn(buf, "0123456789") != (size_t)n)
		return err_set(err, EINVAL, "the procfs calls this process \"%s\"", buf);
	return 0;
}

/* 0 or -errno. */
static int write_attribute(int procfs, const char *directory, const char *name, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/attr/%s", directory, name);
	return procfs_write(procfs, path, text);
}

/* The path comes last, in back-quotes: clients recognise these failures by it. */
static int refused(const char *field, const char *value, const char *name, int error,
		   struct err *err)
{
	return err_set(err, error,
		       ERR_AT "process.%s: %s for the label \"%s\": write "
			      "`/proc/self/attr/%s`",
		       field, err_why(error), value, name);
}

int lsm_set_exec_profile(int procfs, const char *lsm, const char *profile, struct err *err)
{
	char text[MAX_LABEL + 1], directory[16];
	int r;

	if (!str_equal(lsm, "apparmor"))
		return 1;
	if (snprintf(text, sizeof(text), "exec %s", profile) >= (int)sizeof(text))
		return err_set(err, EINVAL, ERR_AT "process.apparmorProfile: too long");
	if (own_directory(procfs, directory, sizeof(directory), err) < 0)
		return err_prefix(err, ERR_AT "process.apparmorProfile");
	r = write_attribute(procfs, directory, "apparmor/exec", text);
	if (r == -ENOENT) /* before Linux 5.8 all modules share one attribute */
		r = write_attribute(procfs, directory, "exec", text);
	if (r == 0)
		return 0;
	(void)refused("apparmorProfile", profile, "exec", -r, err);
	if (r == -ENOENT) {
		err_hint(
			err,
			"the profile is not loaded: see aa-status, and load it by apparmor_parser");
	}
	return r;
}

static int set_label(int procfs, const char *lsm, const char *name, const char *label,
		     struct err *err)
{
	char directory[16];
	int r;

	if (!str_equal(lsm, "selinux"))
		return 1;
	if (strlen(label) > MAX_LABEL)
		return err_set(err, EINVAL, ERR_AT "process.selinuxLabel: too long");
	if (own_directory(procfs, directory, sizeof(directory), err) < 0)
		return err_prefix(err, ERR_AT "process.selinuxLabel");
	r = write_attribute(procfs, directory, name, label);
	return r < 0 ? refused("selinuxLabel", label, name, -r, err) : 0;
}

int lsm_set_exec_label(int procfs, const char *lsm, const char *label, struct err *err)
{
	return set_label(procfs, lsm, "exec", label, err);
}

int lsm_set_key_label(int procfs, const char *lsm, const char *label, struct err *err)
{
	return set_label(procfs, lsm, "keycreate", label, err);
}
