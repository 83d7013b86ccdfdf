/* SPDX-License-Identifier: Apache-2.0 */
/* The facts document: usrun-facts(5). */
#pragma once

#include "src/base/json_write.h"
#include "src/host/facts.h"

/* Writes all that was gathered as one object. */
void facts_json_write(struct json_write *w, const struct facts *facts);

/* Reads a document that facts_json_write made. */
int facts_json_read(struct arena *arena, const char *file, const char *text, size_t len,
		    struct facts *ret, struct err *err) MUST_CHECK;
