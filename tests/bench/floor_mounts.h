/* SPDX-License-Identifier: Apache-2.0 */
/* floor_mounts.h: what the container of the benchmark sees, with one call for each thing that must be asked for. */
#ifndef USRUN_BENCH_FLOOR_MOUNTS_H
#define USRUN_BENCH_FLOOR_MOUNTS_H

#include <stdbool.h>

/* Ends the program where the call failed. */
long must(long result, const char *what);
void floor_mounts(const char *root, bool cgroup2, bool user);

#endif
