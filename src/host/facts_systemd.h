/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/host/facts.h"

/* Asks by connecting to the sockets of the managers, nothing more. */
void facts_systemd_gather(struct arena *arena, const struct facts *facts,
			  struct facts_systemd *ret);
