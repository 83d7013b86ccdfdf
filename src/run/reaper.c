/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/reaper.h"

#include "src/base/err.h"
#include "src/base/str.h"
#include "src/steps/start.h"
#include "src/sys/child.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

bool reaper_is_asked(char **argv)
{
	return str_equal(argv[0], START_REAPER_NAME) && argv[1] && argv[2];
}

static void noticed(int signal)
{
	(void)signal; /* for sigwaitinfo(); the handler shows that we forward it */
}

static void block(int how, int signal)
{
	sigset_t set;

	(void)sigemptyset(&set);
	if (signal)
		(void)sigaddset(&set, signal);
	else
		(void)sigfillset(&set);
	(void)sigprocmask(how, &set, NULL);
}

/* A terminal's keys act on the session that controls it. Give that terminal up, so that the
 * program's session, in which a shell manages its own jobs, can take it. This sends us a SIGHUP and
 * a SIGCONT, which must not be forwarded. Returns whether there was one. */
static bool leave_terminal(void)
{
	static const int sent[] = { SIGHUP, SIGCONT };
	bool had;

	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		(void)signal(sent[i], SIG_IGN);
		block(SIG_UNBLOCK, sent[i]);
	}
	had = ioctl(STDIN_FILENO, TIOCNOTTY) == 0;
	block(SIG_BLOCK, 0);
	return had;
}

/* May share our memory until it executes the program: changes nothing there. */
static __attribute__((noreturn)) void become_program(char **argv, bool terminal)
{
	int error;

	(void)setsid();
	if (terminal)
		(void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)signal(i, SIG_DFL);
	block(SIG_UNBLOCK, 0);
	(void)execv(argv[1], argv + 2);
	error = errno;
	(void)fprintf(stderr, "usrun: exec %s: %s\n", argv[1],
		      error == ENOENT ? "its interpreter or loader is not in the container"
				      : err_why(error));
	_exit(error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/* Reaps all children that have ended. Returns whether the program is among them. */
static bool reap(pid_t program, int *ret_status)
{
	static const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };
	bool ended = false;
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) != 0;) {
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid < 0) /* there will be no second notification */
			(void)nanosleep(&moment, NULL);
		if (pid == program) {
			*ret_status =
				WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
			ended = true;
		}
	}
	return ended;
}

/* Whether it has stopped, and has not been continued since. */
static bool is_stopped(pid_t program)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)program, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == program;
}

/* The program leads its own session, where stop signals other than SIGSTOP have no effect. Its
 * children stop and continue with it, like a shell's job, and get the keys of a terminal. */
static void pass_on(pid_t program, const siginfo_t *info)
{
	int signal = info->si_signo;
	bool group = info->si_code == SI_QUEUE && info->si_value.sival_int == CHILD_GROUP;

	if (signal == SIGCONT && group && !is_stopped(program))
		return; /* it is for a program that has stopped itself */
	if (signal == SIGTSTP)
		(void)kill(-program, SIGSTOP);
	else if (signal == SIGCONT || group)
		(void)kill(-program, signal);
	else if (signal != SIGTTIN && signal != SIGTTOU)
		(void)kill(program, signal);
}

/* A copy of our memory would only take time. Signals wait for us meanwhile. */
static pid_t start_program(char **argv)
{
	const bool terminal = leave_terminal();
	const struct sigaction notice = { .sa_handler = noticed };
	pid_t program;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &notice, NULL);
	program = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
	if (program < 0 && (errno == EPERM || errno == ENOSYS)) /* the container's filter */
		program = fork();
	if (program == 0)
		become_program(argv, terminal);
	if (program < 0)
		(void)fprintf(stderr, "usrun: exec %s: %s\n", argv[1], err_why(errno));
	return program;
}

int reaper_run(char **argv)
{
	int status = NOT_EXECUTABLE;
	sigset_t all;
	pid_t program;

	/* The program must not read our memory, or stop us, by tracing its parent. */
	privs_set_dumpable(false);
	block(SIG_BLOCK, 0);
	program = start_program(argv);
	if (program < 0)
		return NOT_EXECUTABLE;
	/* They are the program's: when it closes them, whoever reads them sees their end. */
	program_close_range(STDIN_FILENO, STDERR_FILENO);
	(void)sigfillset(&all);
	for (;;) {
		siginfo_t info;
		int number = sigwaitinfo(&all, &info);

		if (number == SIGCHLD && reap(program, &status))
			return status;
		/* The program is not reaped before the loop ends, so its pid cannot have been
		 * reused. */
		if (number > 0 && number != SIGCHLD)
			pass_on(program, &info);
	}
}
