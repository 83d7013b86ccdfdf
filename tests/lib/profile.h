/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile that is a file of its own, read as linux.seccomp of a config. */
#pragma once

#include "src/oci/decode.h"

#include <string.h>

static inline int profile_decode(struct arena *arena, const char *text,
				 const struct oci_seccomp **ret, struct err *err)
{
	const struct oci_config *config;
	const char *whole = arena_strf(arena,
				       "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},"
				       "\"linux\":{\"seccomp\":%s}}",
				       text);
	int r = decode_config(arena, "config.json", whole, strlen(whole), &config, err);

	if (r == 0)
		*ret = config->linux_->seccomp;
	return r;
}
