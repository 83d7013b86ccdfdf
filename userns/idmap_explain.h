/* SPDX-License-Identifier: Apache-2.0 */
/* Why a map could not be written. The kernel says EPERM or EINVAL to a dozen mistakes, newuidmap
 * prints the same line for five of them and nothing at all for a sixth, so we look for ourselves.
 * Slow, and only called after a failure. */
#pragma once

#include "userns/idmap_write.h"

/* Which of the two maps. */
enum idmap_explain_which { IDMAP_EXPLAIN_UID, IDMAP_EXPLAIN_GID };

/* The write(2) to /proc/PID/<file> failed with error. Fills err; returns its negative code. */
int idmap_explain_direct(const struct idmap_write *write, pid_t pid, const char *file, int error,
			 struct err *err);

/* How newuidmap or newgidmap ended. */
struct idmap_explain_end {
	enum idmap_explain_which which;
	int exec_error; /* it could not be started; or 0 */
	bool timed_out;
	int status;        /* as of waitpid(2) */
	const char *words; /* what it said, may be empty */
};
int idmap_explain_helper(const struct idmap_write *write, pid_t pid,
			 const struct idmap_explain_end *end, struct err *err);

/* Whether /proc/PID/<file> holds a map already. */
bool idmap_explain_is_written(pid_t pid, const char *file);
