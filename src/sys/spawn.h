/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and waits for it, with input, a time limit and its last words. */
#pragma once

#include "src/base/err.h"
#include "src/sys/signals.h"

#include <stddef.h>
#include <sys/types.h>

struct spawn_request {
	const char *path;
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* NULL-terminated: exactly this */
	const char *input;       /* its standard input, may be NULL */
	size_t input_len;
	int timeout_ms; /* 0: none; afterwards it and its process group are killed */
	struct signals
		*signals; /* NULL: none are blocked; one that asks us to end ends the program */
	int cwd_fd;       /* directory to start in, or -1 */
	int output_fd, error_fd; /* -1: captured for the error text */
};

struct spawn_result {
	int status; /* as of waitpid(2) */
	bool timed_out;
	char words[1024]; /* the last part of its output on captured descriptors, NUL-terminated */
};

/* The program is its own process group, dies with us, has default signals, an own copy of 0 to 2
 * and no other descriptor. -errno with a text when it could not be started. */
int spawn_run(const struct spawn_request *request, struct spawn_result *ret,
	      struct err *err) MUST_CHECK;
