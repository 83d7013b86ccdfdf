/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a person at the terminal what usrun is doing, once it has taken a second. */
#pragma once

/* text: a whole line, which must outlive it. */
void do_patience_begin(const char *text);
void do_patience_end(void);
