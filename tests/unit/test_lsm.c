/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/str.h"
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
	CHECK_INT(lsm_set_key_label(-1, "apparmor", "l", &err), 1);
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

/* A module that the host does not have, in spite of what the caller says, or labels that are not
 * there: errors that name the label and end with the file in back-quotes, where clients look for
 * it. In a child, because it concerns the next execve. */
static int refused_child(void)
{
	_cleanup_close_ int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err profile = { 0 }, label = { 0 }, key = { 0 };

	if (lsm_set_exec_profile(procfs, "apparmor", "usrun-no-such-profile", &profile) >= 0 ||
	    lsm_set_exec_label(procfs, "selinux", "usrun:no:such:label", &label) >= 0 ||
	    lsm_set_key_label(procfs, "selinux", "usrun:no:such:label", &key) >= 0)
		return 1;
	if (!strstr(profile.path, "process.apparmorProfile") ||
	    !strstr(profile.text, "\"usrun-no-such-profile\"") ||
	    !str_ends(profile.text, ": write `/proc/self/attr/exec`"))
		return 2;
	if (!strstr(label.path, "process.selinuxLabel") ||
	    !strstr(label.text, "\"usrun:no:such:label\"") ||
	    !str_ends(label.text, ": write `/proc/self/attr/exec`"))
		return 3;
	if (!str_ends(key.text, ": write `/proc/self/attr/keycreate`"))
		return 5;
	/* These words are those of the user's own command. */
	return strstr(profile.text, "o such file") || strstr(label.text, "denied") ? 4 : 0;
}

TEST(refused)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(refused_child());
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}
