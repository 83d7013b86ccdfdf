/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files with field tables (decode*.c). */
#pragma once

#include "src/oci/config.h"

#include <stddef.h>

#define AT(structure, member) offsetof(struct structure, member)
#define TYPE(structure, table)                                                                     \
	{                                                                                          \
		sizeof(struct structure), table, sizeof(table) / sizeof((table)[0])                \
	}

extern const struct json_type decode_id_mapping_type;
extern const struct json_type decode_linux_type;
extern const struct json_type decode_resources_type;
extern const struct json_type decode_seccomp_type;
