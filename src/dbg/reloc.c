/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Relocatable files: kernel modules, whose sections get their addresses when they are loaded.
 *
 * Sections in memory are given an address each, and the relocations of debug information are applied with
 * these.  Relocations that do not fit the file (offsets, symbols, types) are left out, so that a damaged
 * file gives wrong addresses at worst, which the readers check as those of any file.
 */
#include "dbg/elffile.h"

#define FIRST_ADDRESS	0x10000		/* of what is not loaded: 0 stays "no address" */

void elffile_place(struct elffile *f, elffile_address_fn *at, void *data)
{
	uint64_t next = FIRST_ADDRESS;

	if (f->eh.e_type != ET_REL || f->placed)
		return;
	f->placed = true;
	for (size_t i = 1; i < f->nsh; i++) {
		Elf64_Shdr *s = &f->sh[i];
		uint64_t align = s->sh_addralign > 1 && s->sh_addralign <= 4096 ? s->sh_addralign : 1;

		s->sh_addr = 0;
		if (!(s->sh_flags & SHF_ALLOC))
			continue;
		s->sh_addr = at ? at(data, f->shname[i]) : 0;
		if (!s->sh_addr && !at) {
			s->sh_addr = (next + align - 1) / align * align;
			next = s->sh_addr + s->sh_size;
		}
	}
}

size_t elffile_section_at(const struct elffile *f, uint64_t addr)
{
	for (size_t i = 1; i < f->nsh; i++) {
		const Elf64_Shdr *s = &f->sh[i];

		if ((s->sh_flags & SHF_ALLOC) && s->sh_addr && addr >= s->sh_addr &&
		    addr - s->sh_addr < s->sh_size)
			return i;
	}
	return 0;
}

/* Address of symbol number n of the table in section `tab`; false: it is not of this file. */
static bool symbol_value(const struct elffile *f, struct dbg_bytes tab, uint64_t n, uint64_t *value)
{
	Elf64_Sym sym;

	if (n >= tab.len / sizeof(sym))
		return false;
	memcpy(&sym, tab.p + n * sizeof(sym), sizeof(sym));
	if (sym.st_shndx == SHN_ABS) {
		*value = sym.st_value;
		return true;
	}
	if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE || sym.st_shndx >= f->nsh)
		return false;
	*value = f->sh[sym.st_shndx].sh_addr + sym.st_value;
	return true;
}

/* Bytes that a relocation of this type changes; 0: none known.  *relative: it is about a distance. */
static unsigned relocation_size(uint32_t type, bool *relative)
{
	*relative = type == R_X86_64_PC32 || type == R_X86_64_PC64;
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
		return 4;
	case R_X86_64_16:
		return 2;
	case R_X86_64_8:
		return 1;
	default:
		return 0;
	}
}

static void apply(struct elffile *f, size_t target, const Elf64_Shdr *rela, uint8_t *out, size_t len)
{
	struct dbg_bytes symbols = elffile_data(f, rela->sh_link);
	struct dbg_cur c = cur_at(f->map, rela->sh_offset);

	for (uint64_t n = rela->sh_size / sizeof(Elf64_Rela); n > 0; n--) {
		uint64_t offset = cur_u64(&c), info = cur_u64(&c), addend = cur_u64(&c), value;
		bool relative;
		unsigned size = relocation_size((uint32_t)ELF64_R_TYPE(info), &relative);

		if (c.bad)
			break;
		if (!size || offset > len || size > len - offset ||
		    !symbol_value(f, symbols, ELF64_R_SYM(info), &value))
			continue;
		value += addend;
		if (relative)
			value -= f->sh[target].sh_addr + offset;
		memcpy(out + offset, &value, size);
	}
}

void elffile_relocate(struct elffile *f, size_t i, uint8_t *out, size_t len)
{
	for (size_t k = 1; k < f->nsh; k++)
		if (f->sh[k].sh_type == SHT_RELA && f->sh[k].sh_info == i)
			apply(f, i, &f->sh[k], out, len);
}
