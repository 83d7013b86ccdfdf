/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a container whose config asks for one of ours (annotation run.oci.init):
 * usrun itself, executed in place of the program. It runs the program as its child and forwards
 * signals to it, reaps orphans, and ends with the program. Without it the kernel would not let ^C
 * or SIGTERM end a program that has no handler for them. */
#pragma once

#include <stdbool.h>

/* Whether this is that process; the words are then "usrun-init", the program's file and its own
 * words. */
bool reaper_is_asked(char **argv);

/* Runs until the program ends. Returns its exit status, or 128 + signal; 126 or 127 if it cannot be
 * executed. */
int reaper_run(char **argv);
