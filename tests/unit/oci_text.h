/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for tests of src/oci, written with ' in place of ". */
#pragma once

#include "src/oci/check.h"
#include "src/oci/decode.h"

#include <string.h>

/* What every configuration needs. */
#define CONFIG(rest) "{'ociVersion':'1.3.0','root':{'path':'rootfs'}" rest "}"
#define PROCESS(rest) CONFIG(",'process':{'cwd':'/','args':['sh']" rest "}")
#define LINUX(rest) CONFIG(",'linux':{" rest "}")

static struct arena arena;
static struct err err;

static inline const char *json(const char *text)
{
	char *copy = arena_strdup(&arena, text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

/* NULL where it is refused; err says why. */
static inline const struct oci_config *decode(const char *text)
{
	const struct oci_config *config = NULL;
	int r;

	err = (struct err){ 0 };
	text = json(text);
	r = decode_config(&arena, "config.json", text, strlen(text), &config, &err);
	return r < 0 ? NULL : config;
}

/* "" where it is accepted. */
static inline const char *why(const char *text)
{
	const struct oci_config *config = decode(text);
	int r;

	text = json(text);
	if (!config)
		return err.text;
	r = check_config(config, "config.json", text, strlen(text), &err);
	return r < 0 ? err.text : "";
}
