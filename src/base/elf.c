/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/elf.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_386, "i386" },
		{ EM_ARM, "arm" },       { EM_RISCV, "riscv" },     { EM_S390, "s390" },
		{ EM_PPC64, "ppc64" },   { EM_MIPS, "mips" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "another architecture";
}

/* Both kinds of ELF have it at this place, in their own byte order. */
const char *elf_machine(const char *head, size_t n)
{
	const unsigned char *at = (const unsigned char *)head + offsetof(Elf64_Ehdr, e_machine);

	if (n < sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return NULL;
	return machine_name(head[EI_DATA] == ELFDATA2MSB ? (unsigned int)(at[0] << 8 | at[1])
							 : (unsigned int)(at[1] << 8 | at[0]));
}

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
