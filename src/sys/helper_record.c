/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/helper_record.h"

#include <stdio.h>
#include <string.h>

const char *helper_next(const char **at, const char *end)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

void helper_put(struct str *record, const char *text)
{
	str_addn(record, text, strlen(text) + 1);
}

void helper_put_err(struct str *record, const struct err *err)
{
	char code[16];

	(void)snprintf(code, sizeof(code), "%d", err->code);
	helper_put(record, code);
	helper_put(record, err->text);
	helper_put(record, err->hint);
}
