/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar without time zones: gmtime(3) reads the files of the local one. Pure. */
#pragma once

#include <stdint.h>
#include <time.h>

/* Fills year, month, day, hour, minute and second as gmtime_r(3) does, and nothing else. */
void utc_split(int64_t seconds, struct tm *ret);
