/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for yajl, which does not check its allocations: the program exits when memory runs out. */
#pragma once

#include <yajl/yajl_common.h>

yajl_alloc_funcs *json_memory(void);
