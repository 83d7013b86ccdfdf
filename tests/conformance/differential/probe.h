/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the report of a process about itself; each prints lines of the form
 * "KEY... VALUE". */
#pragma once

#include <errno.h>

/* Name of what a call ended with: "ok", or the errno's name. */
const char *probe_result(int r);

/* probe_process.c: ids, limits, scheduling, descriptors, signals, terminal. */
void probe_process(void);

/* probe_world.c: mounts, namespaces, /dev, names, network. */
void probe_world(void);

/* probe_try.c: one question of the command line ("--open PATH"); false where the word is none. */
int probe_ask(const char *word, const char *value);
