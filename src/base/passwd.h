/* SPDX-License-Identifier: Apache-2.0 */
/* A line of /etc/passwd (passwd(5)), of the host or of an image. Not by getpwuid(): NSS loads
 * libraries and asks servers. */
#pragma once

#include "src/base/arena.h"

#include <stdint.h>

struct passwd {
	const char *name;
	const char *home, *shell; /* NULL: the field is empty or missing */
};

/* Pure: the first line of the text that has a name and this uid, in memory of the arena. */
bool passwd_find(struct arena *arena, const char *text, uint32_t uid,
		 struct passwd *ret) MUST_CHECK;
