/* SPDX-License-Identifier: Apache-2.0 */
/* The host's ps(1), reduced to the processes of a container. */
#pragma once

#include "src/base/arena.h"
#include "src/base/str.h"

#include <sys/types.h>

/* Runs `ps OPTION...` (NULL-terminated) and adds its header and the lines of those processes to
 * out. */
int ps_host_run(struct arena *arena, char **options, const pid_t *pids, size_t n, struct str *out,
		struct err *err) MUST_CHECK;

/* The second half: picks lines by the column titled PID. The text is modified. */
int ps_host_filter(char *text, const pid_t *pids, size_t n, struct str *out,
		   struct err *err) MUST_CHECK;
