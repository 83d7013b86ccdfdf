/* SPDX-License-Identifier: Apache-2.0 */
/* Why CRIU failed: from its log, whose last errors are informative; the first, which is also that
 * of its answer, is usually harmless. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

/* Makes err of the log `name` in the directory, or of the newest *.log there when a configuration
 * file has given it another name; where: the directory, for people. Without a log there is the
 * answer. Returns the negative code of err. */
int report_failure(int dirfd, const char *where, const char *name, const char *answer,
		   struct err *err);

/* The part that looks at the text: the last errors, in one line, in ret (of size bytes); "" where
 * there is none. Words that clients act upon are written in another way. Pure. */
void report_errors(const char *log, char *ret, size_t size);

/* What to do about them, or NULL. Pure. */
const char *report_hint(const char *log);
