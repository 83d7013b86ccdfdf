/* SPDX-License-Identifier: Apache-2.0 */
/* The part of usrun that loads libraries (src/helper). A statically linked program cannot load any, so it is a
 * program of its own; it is carried inside of this one, so that there is one file to install, and started
 * from memory at the first need. Requests and answers are records (helper_record.h). */
#pragma once

#include "src/sys/helper_record.h"

/* What main has been built with; nothing else knows. */
void helper_set_image(const void *image, size_t len);

/* Starts it, unless it runs, and waits until its library is loaded. */
int helper_start(struct err *err) MUST_CHECK;

/* Sends a request and returns the rest of the answer (arena), which has ret_len bytes: the fields behind the
 * error, if there was none. Starts it when it does not run. */
int helper_call(struct arena *arena, const struct str *request, const char **ret, size_t *ret_len,
		struct err *err) MUST_CHECK;

/* Lets it end. Whoever stays (a foreground run) need not keep it. */
void helper_stop(void);
