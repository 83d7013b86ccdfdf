/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be written to take a limit back to the value that a file had before. Pure. */
#pragma once

#include "src/base/arena.h"

/* From the text that the file had, the value that undoes a write of `value`; NULL where there is none to
 * write: a file that cannot be read, or one that lists what was set and has nothing to say for "unset". */
const char *plan_old_value(struct arena *arena, const char *file, const char *value,
			   const char *text);
