/* SPDX-License-Identifier: Apache-2.0 */
/* Where groups of cache and memory bandwidth are. */
#pragma once

#define RESCTRL_ROOT "/sys/fs/resctrl"
