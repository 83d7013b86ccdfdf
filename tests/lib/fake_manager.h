/* SPDX-License-Identifier: Apache-2.0 */
/* A manager of systemd that does as the test wants: at DIR/systemd/private, in a process of its
 * own. */
#pragma once

#include <sys/types.h>

enum fake_manager_mode {
	FAKE_GOOD,     /* does what it is asked */
	FAKE_OLD,      /* the same, with the greeting of an older one */
	FAKE_SILENT,   /* accepts, and says nothing */
	FAKE_FULL,     /* accepts nobody, and others are in the queue */
	FAKE_REJECTS,  /* lets nobody in */
	FAKE_GARBAGE,  /* says something else */
	FAKE_CLOSES,   /* hangs up */
	FAKE_GONE,     /* has left its socket behind */
	FAKE_NONE,     /* has never been there */
	FAKE_MUTE,     /* greets, and is silent then */
	FAKE_DROPS,    /* greets, and hangs up at the first call */
	FAKE_NONSENSE, /* greets, and answers calls with something else */
	FAKE_FAILS,    /* its jobs fail */
	FAKE_EARLY,    /* tells of the end of a job before it answers */
	FAKE_EXISTS,   /* has the unit until it is reset */
	FAKE_TAKEN,    /* has the unit for good */
	FAKE_PICKY,    /* does not know the property Strange */
	FAKE_DENIES,   /* refuses, in words that engines look for */
	FAKE_EMPTY,    /* has no such unit */
};

struct fake_manager {
	char dir[48], path[80];
	pid_t pid; /* 0: no process */
	int listener, waiting;
};

/* One that says that every unit is in `group`; else it is "/some.slice". */
void fake_manager_start_with(struct fake_manager *manager, enum fake_manager_mode mode,
			     const char *group);
void fake_manager_start(struct fake_manager *manager, enum fake_manager_mode mode);

/* The names of the methods that were called so far, each followed by a blank. */
void fake_manager_calls(const struct fake_manager *manager, char *buf, size_t size);

void fake_manager_stop(struct fake_manager *manager);
