/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the facts document, for writing and reading. Private to this directory. */
#pragma once

#include "src/base/json_read.h"

enum { FACTS_NAMES_VERSION = 1 };

extern const struct json_name facts_names_modes[], facts_names_helpers[];
