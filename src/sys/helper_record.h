/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to the helper and comes back: texts, each with its NUL, one behind the other. An answer begins with
 * the code, text and hint of a struct err. */
#pragma once

#include "src/base/str.h"

/* Appends a text. */
void helper_put(struct str *record, const char *text);
void helper_put_err(struct str *record, const struct err *err);

/* The next text, or NULL at the end. */
const char *helper_next(const char **at, const char *end);
