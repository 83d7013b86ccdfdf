/* SPDX-License-Identifier: Apache-2.0 */
/* stepper MODE N COMMAND ARGUMENT...: runs a command under ptrace and does one thing at a call.
 *
 *   count    nothing; prints how many calls each part makes
 *   P N      kills the command's own process at its N-th call
 *   I N      kills the first of its children at the N-th call of the children
 *   A N      kills all processes of the command at the N-th call of any of them
 *   L 0      looks at every call, and at the birth, at those of its processes that are in a pid
 *            namespace of others: prints a line for each root, directory or descriptor that leads to the host
 *   E ERRNO:N  makes the N-th call of any of them fail with that number, instead of doing it
 *
 * The container's program is let go at its exec, and so is CRIU: what is tested is the runtime. When the command
 * has ended, what lives on is let go too, and whoever calls looks for it.
 *
 * Prints one line: "exit STATUS", "signal NUMBER" or "hang"; the number of the system call that was
 * reached or -1; how many processes live on; how many calls the command's own process and the
 * others made. Exit status 3 when the command takes longer than the limit: all are killed then. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

/* More than the 30 s that a network helper has to get ready, which may have lost its word by the
 * fault. */
enum { MAX_TASKS = 256, LIMIT_S = 45, HANG = 3 };

struct task {
	pid_t pid;
	bool alive, inside, failing, seen;
};

static struct {
	char mode;
	long at;
	int error;
	pid_t main_pid;
	struct task tasks[MAX_TASKS];
	size_t n;
	long calls_main, calls_children;
	long long reached; /* number of the call, -1: not reached */
	int main_status;
	bool main_ended, main_executed;
} s = { .reached = -1 };

static volatile sig_atomic_t timed_out;

static void on_alarm(int signal)
{
	(void)signal;
	timed_out = 1;
}

static struct task *task_of(pid_t pid)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.tasks[i].pid == pid)
			return &s.tasks[i];
	if (s.n == MAX_TASKS)
		abort();
	s.tasks[s.n] = (struct task){ .pid = pid, .alive = true };
	return &s.tasks[s.n++];
}

static void kill_all(void)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.tasks[i].alive)
			(void)kill(s.tasks[i].pid, SIGKILL);
}

/* At the entry of a call. Whether it is the one. */
static bool is_it(const struct task *t)
{
	long *n = t->pid == s.main_pid ? &s.calls_main : &s.calls_children;

	++*n;
	switch (s.mode) {
	case 'P':
		return t->pid == s.main_pid && s.calls_main == s.at;
	case 'I':
		return t->pid != s.main_pid && s.calls_children == s.at;
	case 'A':
	case 'E':
		return s.calls_main + s.calls_children == s.at;
	default:
		return false;
	}
}

static void set_result(pid_t pid, bool entry)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
		return;
	if (entry)
		regs.orig_rax = (unsigned long long)-1;
	else
		regs.rax = (unsigned long long)-(long long)s.error;
	(void)ptrace(PTRACE_SETREGS, pid, 0, &regs);
}

/* Whether the dynamic loader makes it: when that fails the program ends before any code of it has
 * run. */
static bool is_of_loader(pid_t pid, unsigned long long at)
{
	char path[64], line[4352];
	bool found = false;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps)) {
		char *end;
		unsigned long long first = strtoull(line, &end, 16);

		found = at >= first && at < strtoull(end + 1, NULL, 16) && strstr(end, "/ld-linux");
	}
	if (maps)
		(void)fclose(maps);
	return found;
}

static void on_entry(struct task *t)
{
	struct user_regs_struct regs = { 0 };

	if (!is_it(t))
		return;
	if (s.mode == 'E' && !s.main_executed) /* our own fork still, at its execve */
		return;
	(void)ptrace(PTRACE_GETREGS, t->pid, 0, &regs);
	/* These have no way to fail; brk answers with the old break then, never with a number. By
	 * arch_prctl(2) the C library sets the thread pointer, as the loader does: without it no
	 * code of the program runs. */
	if (s.mode == 'E' && (regs.orig_rax == SYS_brk || regs.orig_rax == SYS_exit_group ||
			      regs.orig_rax == SYS_exit || regs.orig_rax == SYS_rt_sigreturn ||
			      regs.orig_rax == SYS_arch_prctl || is_of_loader(t->pid, regs.rip)))
		return;
	s.reached = (long long)regs.orig_rax;
	if (s.mode == 'E') {
		t->failing = true;
		/* One that fails has closed all the same (close(2)). */
		if (regs.orig_rax != SYS_close)
			set_result(t->pid, true);
	} else if (s.mode == 'A') {
		kill_all();
	} else {
		(void)kill(t->pid, SIGKILL);
	}
}

static ino_t pid_namespace(pid_t pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* The namespace that was there before: in one of its own nobody else is yet. */
static bool is_among_others(const struct task *t)
{
	ino_t own = pid_namespace(getpid()), ns = pid_namespace(t->pid);
	char path[64], line[256];
	bool first = false;

	if (!ns || ns == own)
		return false;
	for (size_t i = 0; i < s.n && !first; i++) {
		FILE *status;

		if (!s.tasks[i].alive || pid_namespace(s.tasks[i].pid) != ns)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)s.tasks[i].pid);
		status = fopen(path, "re");
		while (status && fgets(line, sizeof(line), status))
			first |= strncmp(line, "NSpid:", 6) == 0 && strstr(line, "\t1\n");
		if (status)
			(void)fclose(status);
	}
	return !first;
}

static bool leads_to_host(const char *path, bool file_too)
{
	struct stat st, up, host;
	struct statfs fs;
	bool leads = false;
	int dir;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return file_too && statfs(path, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC;
	if (!S_ISDIR(st.st_mode))
		return false;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && fstatat(dir, "../../../../../../../../../../../..", &up, 0) == 0 &&
	    stat("/", &host) == 0)
		leads = up.st_ino == host.st_ino && up.st_dev == host.st_dev;
	if (dir >= 0)
		(void)close(dir);
	return leads;
}

static void look_at(struct task *t)
{
	static const char *const names[] = { "root", "cwd" };
	char path[320];
	struct dirent *entry;
	DIR *dir;

	if (t->seen || !is_among_others(t))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)t->pid, names[i]);
		if (leads_to_host(path, false))
			t->seen = true;
		if (t->seen)
			(void)fprintf(stderr, "stepper: shows the host by %s\n", path);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)t->pid);
	dir = opendir(path);
	while (dir && !t->seen && (entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)t->pid, entry->d_name);
		if (entry->d_name[0] < '0' || !leads_to_host(path, atoi(entry->d_name) > 2))
			continue;
		t->seen = true;
		(void)fprintf(stderr, "stepper: shows the host by %s\n", path);
	}
	if (dir)
		(void)closedir(dir);
}

static void on_syscall_stop(struct task *t)
{
	t->inside = !t->inside;
	if (t->inside) {
		on_entry(t);
	} else if (t->failing) {
		t->failing = false;
		set_result(t->pid, false);
	}
}

/* "criu swrk N", also by a script. It traces the container's processes, and itself. */
static bool is_criu(const struct task *t)
{
	char path[64], words[4096];
	size_t n = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)t->pid);
	file = fopen(path, "re");
	if (file) {
		n = fread(words, 1, sizeof(words), file);
		(void)fclose(file);
	}
	return n && memmem(words, n, "\0swrk", sizeof("\0swrk"));
}

/* The program of the container is busybox, or a handler's, which a loader of its own starts; what
 * else the runtime executes is its own helper. */
static bool leaves(const struct task *t)
{
	char path[64], exe[4096];
	ssize_t n;

	if (t->pid == s.main_pid)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)t->pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	return strstr(exe, "busybox") || strstr(exe, "/.usrun/") || is_criu(t);
}

static void on_stop(struct task *t, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16, pass = 0;

	if (event == PTRACE_EVENT_EXEC && t->pid == s.main_pid)
		s.main_executed = true;
	if (s.mode == 'L' && event != PTRACE_EVENT_EXEC)
		look_at(t);
	if (signal == (SIGTRAP | 0x80)) {
		on_syscall_stop(t);
	} else if (event == PTRACE_EVENT_EXEC && leaves(t)) {
		t->alive = false;
		(void)ptrace(PTRACE_DETACH, t->pid, 0, 0);
		return;
	} else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		(void)ptrace(PTRACE_LISTEN, t->pid, 0, 0); /* a stopped process stays stopped */
		return;
	} else if (event == 0) {
		pass = signal;
	}
	(void)ptrace(PTRACE_SYSCALL, t->pid, 0, pass);
}

static void loop(void)
{
	while (!s.main_ended && !timed_out) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		struct task *t;

		if (pid < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		t = task_of(pid);
		if (WIFSTOPPED(status)) {
			on_stop(t, status);
			continue;
		}
		t->alive = false;
		if (pid == s.main_pid) {
			s.main_ended = true;
			s.main_status = status;
		}
	}
}

static void start(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int status;

	s.main_pid = fork();
	if (s.main_pid == 0) {
		(void)raise(SIGSTOP);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	(void)waitpid(s.main_pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, s.main_pid, 0, options) < 0) {
		perror("ptrace");
		exit(2);
	}
	(void)task_of(s.main_pid);
	(void)kill(s.main_pid, SIGCONT);
}

static void parse(const char *mode, const char *at)
{
	char *end;

	s.mode = mode[0];
	s.at = strtol(at, &end, 10);
	if (s.mode != 'E')
		return;
	s.error = (int)s.at;
	s.at = *end == ':' ? strtol(end + 1, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	size_t left = 0;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: stepper count|P|I|A|E N|ERRNO:N COMMAND...\n");
		return 2;
	}
	parse(argv[1], argv[2]);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)alarm(LIMIT_S);
	start(argv + 3);
	loop();
	if (timed_out)
		kill_all();
	/* Our own death lets go of all that are traced still. */
	for (size_t i = 0; i < s.n; i++)
		left += s.tasks[i].alive;
	(void)fprintf(stderr, "stepper: %s %d reached %lld left %zu calls %ld %ld\n",
		      timed_out                  ? "hang"
		      : WIFEXITED(s.main_status) ? "exit"
						 : "signal",
		      WIFEXITED(s.main_status) ? WEXITSTATUS(s.main_status)
					       : WTERMSIG(s.main_status),
		      s.reached, left, s.calls_main, s.calls_children);
	return timed_out ? HANG : 0;
}

#else
int main(void)
{
	(void)puts("skipped: written for x86_64");
	return 77;
}
#endif
