/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/waiting_end.h"

#include "src/base/str.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/oci/names.h"
#include "src/state/status.h"

#include <sys/wait.h>

static const char *by_signal(struct arena *arena, const char *how, int signal)
{
	const char *name = names_signal_name(signal);

	return name ? arena_strf(arena, "%s by %s", how, name)
		    : arena_strf(arena, "%s by signal %d", how, signal);
}

const char *waiting_end_words(struct arena *arena, const struct state *state)
{
	int end = status_unreaped(state);

	if (cgroup_of_oom_kills(state))
		return "killed by a memory limit";
	if (end < 0)
		return NULL;
	if (WIFSIGNALED(end))
		return by_signal(arena, "killed", WTERMSIG(end));
	/* It reports signals that it catches itself. */
	return WEXITSTATUS(end) > 128 ? by_signal(arena, "ended", WEXITSTATUS(end) - 128)
				      : arena_strf(arena, "exit status %d", WEXITSTATUS(end));
}

const char *waiting_end_sent(const struct state *state)
{
	const char *sent = NULL;

	for (size_t i = 0; i < state->fallbacks.n; i++)
		if (str_starts(state->fallbacks.v[i], COMMON_SIGNALLED))
			sent = state->fallbacks.v[i] + sizeof(COMMON_SIGNALLED) - 1;
	return sent;
}
