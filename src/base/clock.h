/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, and the calendar. */
#pragma once

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
long long clock_now(void);

/* What is left until a moment of it, in a form for poll(2); 0: it is over. */
int clock_left(long long deadline);

/* Fills year, month, day, hour, minute and second as gmtime_r(3) does, and nothing else: that one
 * reads the files of the local time zone. */
void clock_utc(int64_t seconds, struct tm *ret);

enum { CLOCK_STAMP_SIZE = 64 };

/* This moment as RFC 3339 has it, in UTC, with microseconds. */
void clock_stamp(char ret[CLOCK_STAMP_SIZE]);
