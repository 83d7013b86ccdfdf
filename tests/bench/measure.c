/* SPDX-License-Identifier: Apache-2.0 */
/* measure COMMAND ARGUMENT...: runs it with its output away and prints "microseconds exit-status rss-kib page-faults
 * user-instructions"; the last is 0 where the machine does not count them, as most virtual machines. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

/* Counts from the exec of each child on, this program's own instructions are left out. */
static int count_instructions(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_HW_INSTRUCTIONS,
					.disabled = 1,
					.inherit = 1,
					.enable_on_exec = 1,
					.exclude_kernel = 1,
					.exclude_hv = 1 };

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	uint64_t instructions = 0;
	struct rusage usage;
	double start, end;
	int status, counter, r;
	pid_t pid;

	if (argc < 2)
		return 2;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	counter = count_instructions();
	start = now_us();
	r = posix_spawn(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (r) {
		(void)fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(r));
		return 1;
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	end = now_us();
	if (counter < 0 ||
	    read(counter, &instructions, sizeof(instructions)) != (ssize_t)sizeof(instructions))
		instructions = 0;
	printf("%.0f %d %ld %ld %llu\n", end - start,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), usage.ru_maxrss,
	       usage.ru_minflt + usage.ru_majflt, (unsigned long long)instructions);
	return 0;
}
