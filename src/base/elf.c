/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/elf.h"

#include <elf.h>
#include <string.h>

const char *elf_loader(const char *head, size_t n)
{
	Elf64_Ehdr elf;
	Elf64_Phdr part;

	if (n < sizeof(elf) || memcmp(head, ELFMAG, SELFMAG) != 0 || head[EI_CLASS] != ELFCLASS64)
		return NULL;
	memcpy(&elf, head, sizeof(elf));
	for (size_t i = 0; i < elf.e_phnum; i++) {
		size_t at = elf.e_phoff + i * sizeof(part);

		if (at > n || n - at < sizeof(part))
			return NULL;
		memcpy(&part, head + at, sizeof(part));
		if (part.p_type == PT_INTERP)
			return part.p_offset < n &&
					       memchr(head + part.p_offset, '\0', n - part.p_offset)
				       ? head + part.p_offset
				       : NULL;
	}
	return NULL;
}
