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

/* What the keeper says to those who are connected; its end without a word is the container's. */
enum keeper_word {
	KEEPER_GIVES = 'g', /* with the terminal, and the text that nobody has seen */
	KEEPER_TAKES = 't', /* somebody else has it now */
	KEEPER_ENDS = 'e',  /* the container has ended */
};

struct keeper_request {
	const char *id;           /* of the container, for the title */
	int console;              /* the master */
	int listener;             /* a socket that listens */
	const struct child *init; /* whose end is the keeper's */
};

/* Forks it. 0 or a negative errno. */
int keeper_start(const struct keeper_request *request, struct child *ret,
		 struct err *err) MUST_CHECK;

struct keeper_gift {
	int connection; /* the terminal is ours until it says otherwise, or we close it */
	int console;
	char text[KEEPER_TEXT + 1]; /* behind the first byte, which is the word */
	size_t len;                 /* with it */
};

/* Asks for the terminal, in the state directory of its container. -errno without a text. */
int keeper_ask(int dirfd, const char *name, struct keeper_gift *ret);

/* What the connection has to say: an enum keeper_word; 0: nothing yet, -1: the keeper is gone. */
int keeper_hear(int connection);
