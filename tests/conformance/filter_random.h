/* SPDX-License-Identifier: Apache-2.0 */
/* Random seccomp profiles, the same ones for the same seed. */
#pragma once

#include "src/oci/config.h"
#include "tests/lib/random.h"

/* A value at an edge of one that profiles like to compare with. */
uint64_t random_value(struct random *random);

const struct oci_seccomp *random_profile(struct random *random, struct arena *arena);
