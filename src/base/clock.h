/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, and the calendar. */
#pragma once

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
long long clock_now(void);

/* The time left until such a moment, in the form poll(2) takes; 0: it has passed. */
int clock_left(long long deadline);

/* Fills year, month, day, hour, minute and second as gmtime_r(3) does, and nothing else: gmtime_r()
 * reads time zone files. */
void clock_utc(int64_t seconds, struct tm *ret);

enum { CLOCK_STAMP_SIZE = 64 };

/* The current time in RFC 3339 format, in UTC, with microseconds. */
void clock_stamp(char ret[CLOCK_STAMP_SIZE]);
