/* SPDX-License-Identifier: Apache-2.0 */
/* Reads configurations, one a line, and says for each on a line of its own "ok" where it is valid,
 * or else what `create` would print. Hosts are not looked at: what one of them cannot do is no
 * fault of the configuration. */
#include "src/oci/check.h"
#include "src/oci/decode.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		struct arena arena = { 0 };
		struct err err = { 0 };
		const struct oci_config *config;
		int r = decode_config(&arena, "config.json", line, (size_t)len, &config, &err);

		if (r == 0)
			r = check_config(config, "config.json", line, (size_t)len, &err);
		(void)puts(r < 0 ? err.text : "ok");
		arena_free(&arena);
	}
	free(line);
	return 0;
}
