/* SPDX-License-Identifier: Apache-2.0 */
/* A line of /etc/passwd (passwd(5)), of the host or of an image. Without getpwuid(): NSS loads
 * libraries and queries servers. */
#pragma once

#include "src/base/arena.h"

#include <stdint.h>

struct passwd {
	const char *name;
	const char *home, *shell; /* NULL if the field is empty or missing */
};

/* Pure: copies the first line that has a name and this uid into the arena. */
bool passwd_find(struct arena *arena, const char *text, uint32_t uid,
		 struct passwd *ret) MUST_CHECK;
