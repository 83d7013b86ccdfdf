/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, and the calendar. */
#pragma once

#include <stdint.h>
#include <time.h>

/* The monotonic clock in milliseconds. */
long long clock_now(void);

/* Milliseconds left until a deadline, as poll(2) takes them; 0 if it has passed. */
int clock_left(long long deadline);

/* Fills year, month, day, hour, minute and second, and nothing else. gmtime_r(3) would read time
 * zone files. */
void clock_utc(int64_t seconds, struct tm *ret);

enum { CLOCK_STAMP_SIZE = 64 };

/* Formats the current UTC time in RFC 3339 format, with microseconds. */
void clock_stamp(char ret[CLOCK_STAMP_SIZE]);
