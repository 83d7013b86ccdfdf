/* SPDX-License-Identifier: Apache-2.0 */
/* refuse CALL[,CALL...] ENOSYS|EPERM PROGRAM [ARG...]: executes a program under a filter that
 * refuses these system calls, as filters around us do. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ? -ENOENT : seccomp_rule_add(filter, action, nr, 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter && argc > 3 ? 0 : -EINVAL;
	uint32_t action = 0;
	char *save = NULL;

	if (r == 0)
		action = SCMP_ACT_ERRNO(strcmp(argv[2], "EPERM") == 0 ? EPERM : ENOSYS);
	for (char *name = r == 0 ? strtok_r(argv[1], ",", &save) : NULL; name && r == 0;
	     name = strtok_r(NULL, ",", &save))
		r = add(filter, action, name);
	/* Without no_new_privs, which newuidmap would not survive; so only for root, else with
	 * it. */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0);
	if (r == 0)
		r = seccomp_load(filter);
	if (r < 0) {
		(void)fprintf(stderr, "refuse: %s\n", strerror(-r));
		return 125;
	}
	(void)execv(argv[3], argv + 3);
	perror(argv[3]);
	return 125;
}
