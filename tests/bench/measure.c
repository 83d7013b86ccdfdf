/* SPDX-License-Identifier: Apache-2.0 */
/* measure COMMAND ARGUMENT...: runs it with its output away and prints "microseconds exit-status
 * rss-kib page-faults". */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	double start;
	int status, r;
	pid_t pid;

	if (argc < 2)
		return 2;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	start = now_us();
	r = posix_spawn(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (r) {
		(void)fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(r));
		return 1;
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	printf("%.0f %d %ld %ld\n", now_us() - start,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), usage.ru_maxrss,
	       usage.ru_minflt + usage.ru_majflt);
	return 0;
}
