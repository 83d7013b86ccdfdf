/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pivot_root(2): the current directory becomes the root, the old root is stacked on it. 0 or -errno. */
int pivot_to_cwd(void);
