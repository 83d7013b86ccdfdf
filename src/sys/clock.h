/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines. */
#pragma once

/* Milliseconds of the monotonic clock. */
long long clock_now(void);

/* What is left until a moment of it, in a form for poll(2); 0: it is over. */
int clock_left(long long deadline);
