/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program with input and a time limit, waits for it, and keeps the end of its output. */
#pragma once

#include "src/base/err.h"
#include "src/sys/signals.h"

#include <stddef.h>
#include <sys/types.h>

struct spawn_request {
	const char *path;
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* NULL-terminated, and nothing else */
	const char *input;       /* its standard input, may be NULL */
	size_t input_len;
	int timeout_ms;          /* 0: none; then the program and its process group are killed */
	struct signals *signals; /* NULL: none blocked; one that ends us ends the program */
	bool passes_on;          /* instead, the program gets it, and we wait for its end */
	int cwd_fd;              /* directory to start in, or -1 */
	int output_fd, error_fd; /* -1: captured for the error text */
};

struct spawn_result {
	int status; /* from waitpid(2) */
	bool timed_out;
	char words[1024]; /* the end of its output on captured descriptors, as one line */
};

/* The program leads a process group, dies with us, and has default signal actions, its own copies
 * of 0 to 2, and no other descriptors. Returns -errno with a text if it could not be started. */
int spawn_run(const struct spawn_request *request, struct spawn_result *ret,
	      struct err *err) MUST_CHECK;
