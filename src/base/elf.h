/* SPDX-License-Identifier: Apache-2.0 */
/* What the first bytes of an executable file say about it. Pure. */
#pragma once

#include <stddef.h>

/* The machine that an ELF file is for, as uname(2) names it or "another architecture"; NULL: it is
 * no ELF file. */
const char *elf_machine(const char *head, size_t n);

/* The loader that an ELF file in this machine's byte order names (PT_INTERP), inside of head; or
 * NULL. */
const char *elf_loader(const char *head, size_t n);
