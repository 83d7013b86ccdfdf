/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/host/facts.h"

/* Asks the managers that could make a unit for the caller; one that is silent costs DBUS_CONNECT_MS. */
void facts_systemd_gather(struct arena *arena, const struct facts *facts,
			  struct facts_systemd *ret);
