/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for tests: the same ones for the same seed. */
#pragma once

#include <stdint.h>

struct random {
	uint64_t state; /* the seed, to begin with */
};

uint64_t random_next(struct random *random);
/* 0 to n - 1. */
uint32_t random_below(struct random *random, uint32_t n);
