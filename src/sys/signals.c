/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/signals.h"

#include <signal.h>
#include <stddef.h>

void signals_reset(uint64_t ignored)
{
	static const struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signal = 1; signal <= 64; signal++)
		if (ignored & 1ULL << (signal - 1)) /* SIGKILL, SIGSTOP and libc's own two refuse */
			(void)sigaction(signal, &standard, NULL);
}

void signals_keep_children(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
}
