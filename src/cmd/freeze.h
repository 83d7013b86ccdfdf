/* SPDX-License-Identifier: Apache-2.0 */
/* What pause and resume share. */
#pragma once

#include "src/cmd/cmd.h"

int freeze_container(struct arena *arena, const struct cmd_globals *globals, const char *id,
		     bool freeze, struct err *err) MUST_CHECK;
