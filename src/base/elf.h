/* SPDX-License-Identifier: Apache-2.0 */
/* What an executable file says of itself within its first bytes. Pure. */
#pragma once

#include <stddef.h>

/* The loader that an ELF file of 64 bits names (PT_INTERP), inside of head; or NULL. */
const char *elf_loader(const char *head, size_t n);
