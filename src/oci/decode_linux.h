/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of config-linux.md, for those of config.md (decode.c). An entry has key, kind, flags
 * and offset, and the range, names or type that its kind needs. */
#pragma once

#include "src/oci/config.h"

#include <stddef.h>

#define AT(structure, member) offsetof(struct structure, member)
#define TYPE(structure, table)                                                                     \
	{                                                                                          \
		table, sizeof(table) / sizeof((table)[0]), sizeof(struct structure)                \
	}

extern const struct json_type decode_linux_id_mapping_type, decode_linux_resources_type,
	decode_linux_seccomp_type, decode_linux_type;
