/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/elf.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		char name[8];
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

/* At the same offset in both ELF classes, in the file's own byte order. */
const char *elf_machine(const char *head, size_t n)
{
	const unsigned char *at = (const unsigned char *)head + offsetof(Elf64_Ehdr, e_machine);

	if (n < sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return NULL;
	return machine_name(head[EI_DATA] == ELFDATA2MSB ? (unsigned int)(at[0] << 8 | at[1])
							 : (unsigned int)(at[1] << 8 | at[0]));
}

/* The 32-bit header has the same fields, but narrower, and in another order. */
static Elf64_Ehdr header_of(const char *head, bool wide)
{
	Elf64_Ehdr ret;
	Elf32_Ehdr narrow;

	memcpy(&ret, head, sizeof(ret));
	memcpy(&narrow, head, sizeof(narrow));
	return wide ? ret : (Elf64_Ehdr){ .e_phoff = narrow.e_phoff, .e_phnum = narrow.e_phnum };
}

static bool read_part(const char *head, size_t n, uint64_t at, bool wide, Elf64_Phdr *ret)
{
	Elf32_Phdr narrow = { 0 };
	size_t size = wide ? sizeof(*ret) : sizeof(narrow);

	if (at > n || n - at < size)
		return false;
	memcpy(wide ? (void *)ret : &narrow, head + at, size);
	if (!wide)
		*ret = (Elf64_Phdr){ .p_type = narrow.p_type, .p_offset = narrow.p_offset };
	return true;
}

const char *elf_loader(const char *head, size_t n)
{
	const char own_order = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB;
	bool wide = n > EI_CLASS && head[EI_CLASS] == ELFCLASS64;
	Elf64_Ehdr elf;
	Elf64_Phdr part;

	if (n < sizeof(elf) || memcmp(head, ELFMAG, SELFMAG) != 0 || head[EI_DATA] != own_order ||
	    (!wide && head[EI_CLASS] != ELFCLASS32))
		return NULL;
	elf = header_of(head, wide);
	for (size_t i = 0; i < elf.e_phnum; i++) {
		size_t size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

		if (!read_part(head, n, elf.e_phoff + i * size, wide, &part))
			return NULL;
		if (part.p_type == PT_INTERP)
			return part.p_offset < n &&
					       memchr(head + part.p_offset, '\0', n - part.p_offset)
				       ? head + part.p_offset
				       : NULL;
	}
	return NULL;
}
