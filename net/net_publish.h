/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net/net_plan.h"

/* Publishes a port through slirp4netns, whose socket is `api` in the directory. The error says
 * which port and why, which slirp4netns does not. */
int net_publish(struct arena *arena, int api, const struct net_port *port,
		struct err *err) MUST_CHECK;

/* Why a port of the host cannot be used, or 0 if it can. */
int net_publish_reason(const struct net_port *port, struct err *err) MUST_CHECK;
