/* SPDX-License-Identifier: Apache-2.0 */
/* resctrl: its groups' directories, and the lines of schemata files ("L3:0=7f0;1=1f"). Pure. */
#pragma once

#include <stdbool.h>

#define RDT_ROOT "/sys/fs/resctrl"

/* Whether a schemata file has the values of the line for each of its domains. The kernel pads names
 * and numbers, and may list more domains. */
bool rdt_has_line(const char *file, const char *line);
