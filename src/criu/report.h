/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out why CRIU failed, from its log: the last errors tell, while the first, which is also in
 * its answer, is usually harmless. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

/* Fills err from the log `name` in the directory, or from the newest *.log if a configuration file
 * renamed it. where names the directory in messages. Without a log, uses the answer. Returns the
 * negative code of err. */
int report_failure(int dirfd, const char *where, const char *name, const char *answer,
		   struct err *err);

/* Joins the last errors of a log on one line in ret (of size bytes); "" if there are none. Replaces
 * words that clients act upon. Pure. */
void report_errors(const char *log, char *ret, size_t size);

/* A hint for these errors, or NULL. Pure. */
const char *report_hint(const char *log);
