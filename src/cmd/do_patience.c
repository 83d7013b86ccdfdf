/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_patience.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const char *words;

static void tell(int signal)
{
	int before = errno;

	(void)signal;
	(void)!write(STDERR_FILENO, words, strlen(words));
	errno = before;
}

/* An interrupted call is restarted; a run has blocked all signals. */
void do_patience_begin(const char *text)
{
	const struct sigaction action = { .sa_handler = tell, .sa_flags = SA_RESTART };
	const struct itimerval second = { .it_value.tv_sec = 1 };
	sigset_t alarm;

	if (!isatty(STDERR_FILENO))
		return;
	words = text;
	(void)sigemptyset(&alarm);
	(void)sigaddset(&alarm, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &alarm, NULL) == 0)
		(void)setitimer(ITIMER_REAL, &second, NULL);
}

void do_patience_end(void)
{
	const struct itimerval none = { 0 };

	(void)setitimer(ITIMER_REAL, &none, NULL);
}
