/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/clock.h"

#include <limits.h>
#include <time.h>

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
