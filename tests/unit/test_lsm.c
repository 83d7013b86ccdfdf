/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/security/lsm.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(without_the_module)
{
	struct err err = { 0 };

	CHECK_INT(lsm_set_exec_profile(-1, "", "p", &err), 1);
	CHECK_INT(lsm_set_exec_profile(-1, "selinux", "p", &err), 1);
	CHECK_INT(lsm_set_exec_label(-1, "", "l", &err), 1);
	CHECK_INT(lsm_set_exec_label(-1, "apparmor", "l", &err), 1);
}

/* What a container could have mounted on /proc. */
TEST(not_a_procfs)
{
	_cleanup_close_ int dir = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err = { 0 };

	CHECK_ERR(lsm_set_exec_profile(dir, "apparmor", "p", &err), &err,
		  "process.apparmorProfile: not a procfs");
	CHECK_ERR(lsm_set_exec_label(dir, "selinux", "l", &err), &err,
		  "process.selinuxLabel: not a procfs");
}

TEST(too_long)
{
	char text[5000];
	struct err err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK_ERR(lsm_set_exec_profile(-1, "apparmor", text, &err), &err, "too long");
	CHECK_ERR(lsm_set_exec_label(-1, "selinux", text, &err), &err, "too long");
}

/* A module that the host does not have, in spite of what the caller says, or a profile that is not
 * there: an error with both names, in a child, because it concerns the next execve. */
TEST(refused)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		_cleanup_close_ int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct err err = { 0 };
		int r = lsm_set_exec_profile(procfs, "apparmor", "usrun-no-such-profile", &err);

		_exit(r >= 0 ||
		      !strstr(err.text, "change to the profile \"usrun-no-such-profile\""));
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

TEST(enabled)
{
	const char *lsm = lsm_enabled();

	CHECK(!*lsm || !strcmp(lsm, "apparmor") || !strcmp(lsm, "selinux"));
}
