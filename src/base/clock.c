/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"

#include <limits.h>
#include <stdio.h>

long long clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int clock_left(long long deadline)
{
	long long left = deadline - clock_now();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

enum { DAY_S = 86400, DAYS_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

/* The year is taken to begin in March, so that the leap day comes last. */
void clock_utc(int64_t seconds, struct tm *ret)
{
	int64_t second = seconds % DAY_S, days = seconds / DAY_S + DAYS_TO_1970;
	int64_t era, day, year, month;

	if (second < 0) {
		second += DAY_S;
		days--;
	}
	era = (days >= 0 ? days : days - DAYS_400_YEARS + 1) / DAYS_400_YEARS;
	day = days - era * DAYS_400_YEARS;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153; /* 0 is March */
	ret->tm_mday = (int)(day - (153 * month + 2) / 5 + 1);
	ret->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	ret->tm_year = (int)(year + era * 400 + (month >= 10) - 1900);
	ret->tm_hour = (int)(second / 3600);
	ret->tm_min = (int)(second / 60 % 60);
	ret->tm_sec = (int)(second % 60);
}

void clock_stamp(char ret[CLOCK_STAMP_SIZE])
{
	struct timespec now = { 0 };
	struct tm tm = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	clock_utc(now.tv_sec, &tm);
	(void)snprintf(ret, CLOCK_STAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		       tm.tm_sec, now.tv_nsec / 1000);
}
