/* SPDX-License-Identifier: Apache-2.0 */
/* Random seccomp profiles, the same ones for the same seed. */
#pragma once

#include "src/oci/config.h"

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t n);

/* A value at an edge of one that profiles like to compare with. */
uint64_t random_value(struct random *random);

const struct oci_seccomp *random_profile(struct random *random, struct arena *arena);
