/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts, generated from the option tables. */
#pragma once

#include "src/base/str.h"

void completion_bash(struct str *out);
void completion_zsh(struct str *out);
void completion_fish(struct str *out);
