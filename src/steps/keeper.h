/* SPDX-License-Identifier: Apache-2.0 */
/* The process that keeps the terminal of a container whose creator has left (`run --detach --tty`),
 * and how `attach` gets it.
 *
 * The keeper hands the terminal's descriptor to whoever connects, and reads nothing while they are
 * there: one reader at a time, and no byte passes through two hands. While nobody is there it
 * reads, so that the program never waits for a reader, and keeps the last KEEPER_TEXT bytes for the
 * next one. It ends with the container; when it is killed itself, the terminal hangs up. */
#pragma once

#include "src/sys/child.h"

#include "src/base/err.h"

#include <stddef.h>

enum { KEEPER_TEXT = 16000 };

/* What the keeper tells its clients. End of file without a message means that the container has
 * ended. */
enum keeper_word {
	KEEPER_GIVES = 'g', /* with the terminal, and the output not yet seen */
	KEEPER_TAKES = 't', /* another client has it now */
	KEEPER_ENDS = 'e',  /* the container has ended */
};

struct keeper_request {
	const char *id;           /* the container's, for the title */
	int console;              /* the master */
	int listener;             /* a listening socket */
	const struct child *init; /* the keeper ends when it does */
};

/* Forks the keeper. 0 or a negative errno. */
int keeper_start(const struct keeper_request *request, struct child *ret,
		 struct err *err) MUST_CHECK;

struct keeper_gift {
	int connection; /* the terminal is ours until the keeper takes it, or until we close this */
	int console;
	char text[KEEPER_TEXT + 1]; /* the text after the first byte, which is the word */
	size_t len;                 /* of the text */
};

/* Requests the terminal through its socket in the container's state directory. -errno without a
 * text. */
int keeper_ask(int dirfd, const char *name, struct keeper_gift *ret);

/* The connection's next message, an enum keeper_word; 0: none yet, -1: the keeper is gone. */
int keeper_hear(int connection);
