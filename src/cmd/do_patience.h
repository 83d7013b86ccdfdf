/* SPDX-License-Identifier: Apache-2.0 */
/* A person at the terminal is told what is being done, once it has taken a second. */
#pragma once

/* text: a whole line, which outlives it. */
void do_patience_begin(const char *text);
void do_patience_end(void);
