/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the first bytes of an executable file. Pure. */
#pragma once

#include <stddef.h>

/* The machine of an ELF file, as uname(2) names it, or "another architecture"; NULL if it is not an
 * ELF file. */
const char *elf_machine(const char *head, size_t n);

/* The loader (PT_INTERP) of an ELF file in this machine's byte order, if it lies within head; or
 * NULL. */
const char *elf_loader(const char *head, size_t n);
