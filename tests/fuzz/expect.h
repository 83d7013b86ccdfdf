/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever the bytes are: the fuzzer takes an abort for a crash. */
#pragma once

#include "src/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect(bool ok)
{
	if (!ok)
		abort();
}

/* An error has its number, and a text without control characters. */
static inline void expect_error(int r, const struct err *err)
{
	size_t len = strlen(err->text);

	if (r == 0)
		return;
	expect(r == -err->code && len > 0);
	for (size_t i = 0; i < len; i++)
		expect((unsigned char)err->text[i] >= 0x20);
}
