/* SPDX-License-Identifier: Apache-2.0 */
/* Long lists by several processors: each looks at a part of the items. */
#pragma once

#include "src/base/str.h"

struct parts_work {
	size_t n; /* items */
	/* Adds what is to be said of items first to end - 1 to text. */
	int (*tell)(void *data, size_t first, size_t end, struct str *text, struct err *err);
	void *data;
};

/* Adds what tell() says of all items to text, in their order. Where they are many and there are
 * processors, children tell of some; what a child cannot tell, this process tells itself, with its
 * error. Returns tell()'s first error. */
int parts_tell(const struct parts_work *work, struct str *text, struct err *err);
