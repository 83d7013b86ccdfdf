/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this directory: the words of the facts document, for writing and reading. */
#pragma once

#include "src/base/json_read.h"

enum { FACTS_NAMES_VERSION = 1 };

extern const struct json_name facts_names_modes[], facts_names_helpers[];
