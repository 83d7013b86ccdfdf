/* SPDX-License-Identifier: Apache-2.0 */
/* The init that a container's config can request with the annotation run.oci.init: usrun itself,
 * executed in place of the program. It runs the program as its child, forwards signals to it, reaps
 * orphans, and ends with the program. Without it, the kernel does not let ^C or SIGTERM end a
 * program that has no handler for them. */
#pragma once

#include <stdbool.h>

/* Whether this process is to be that init. argv is then "usrun-init", the program's file, and the
 * program's own argv. */
bool reaper_is_asked(char **argv);

/* Runs until the program ends. Returns its exit status, or 128 + signal; 126 or 127 if it cannot be
 * executed. */
int reaper_run(char **argv);
