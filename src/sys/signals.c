/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A blocked signal arrives even if the caller ignores it (nohup). */
static bool asks_to_end(int signal)
{
	struct sigaction action;

	return (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP) &&
	       sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

int signals_read(struct signals *signals)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		int signal = (int)info.ssi_signo;

		if (signal == SIGTSTP && info.ssi_code == SI_KERNEL)
			signals->stop_key = true;
		else
			signals->seen |= 1ULL << (signal - 1);
		if (asks_to_end(signal))
			signals->ended_by = signal;
	}
	return signals->ended_by;
}

void signals_act(int signal_)
{
	sigset_t only;

	(void)sigemptyset(&only);
	(void)sigaddset(&only, signal_);
	(void)signal(signal_, SIG_DFL);
	(void)kill(getpid(), signal_);
	(void)sigprocmask(SIG_UNBLOCK, &only, NULL);
}
