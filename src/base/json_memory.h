/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for yajl, which does not check allocations: without memory the program ends. */
#pragma once

#include <yajl/yajl_common.h>

yajl_alloc_funcs *json_memory(void);
