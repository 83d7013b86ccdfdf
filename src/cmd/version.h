/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/base/str.h"

/* Clients parse it: line 1 "usrun version X", then "commit: Y"; no other line has the word "version". */
void version_print(struct str *out);
const char *version_number(void);
const char *version_commit(void);
