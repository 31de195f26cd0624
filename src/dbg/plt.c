/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PLT stubs: which stub jumps to which imported function.
 *
 * Every stub, old, -z now (.plt.got) or CET (.plt.sec), holds one `jmp *disp(%rip)`; the GOT
 * slot that it reads is the one a JUMP_SLOT, GLOB_DAT or IRELATIVE relocation fills.  So stubs
 * are found by decoding these jumps, which needs no knowledge of the section's layout.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

struct slot {
	uint64_t addr;
	const char *name;
};

static int cmp_slot(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void read_slots(struct elffile *f, size_t i, struct slot **slots)
{
	struct dbg_cur c = cur_at(elffile_data(f, i), 0);
	size_t symi = f->sh[i].sh_link < f->nsh ? f->sh[i].sh_link : 0;
	struct dbg_bytes syms = elffile_data(f, symi), strs = { 0 };

	if (symi && f->sh[symi].sh_link < f->nsh)
		strs = elffile_data(f, f->sh[symi].sh_link);
	while (cur_left(&c) >= sizeof(Elf64_Rela)) {
		Elf64_Rela r;
		Elf64_Sym sym;
		struct dbg_cur sc;
		struct slot s;
		uint32_t type;

		memcpy(&r, cur_take(&c, sizeof(r)), sizeof(r));
		type = ELF64_R_TYPE(r.r_info);
		if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
			continue;
		sc = cur_at(syms, ELF64_R_SYM(r.r_info) * sizeof(sym));
		if (cur_left(&sc) < sizeof(sym))
			continue;
		memcpy(&sym, sc.p, sizeof(sym));
		s.addr = r.r_offset;
		s.name = bytes_str(strs, sym.st_name);
		if (s.name && *s.name)
			arrput(*slots, s);
	}
}

static const char *slot_name(const struct slot *slots, uint64_t addr)
{
	const struct slot key = { .addr = addr };
	const struct slot *s = arrlen(slots) ? bsearch(&key, slots, (size_t)arrlen(slots),
						       sizeof(*slots), cmp_slot)
					     : NULL;

	return s ? s->name : NULL;
}

/* Stubs are 16-byte cells in all but .plt.got, where they are 8. */
static void scan_stubs(struct dbg_module *m, size_t i, const struct slot *slots)
{
	struct dbg_bytes b = elffile_data(m->elf, i);
	uint64_t base = m->elf->sh[i].sh_addr;
	bool got = strcmp(m->elf->shname[i], ".plt.got") == 0;

	for (size_t k = 0; k + 6 <= b.len; k++) {
		int32_t disp;
		const char *name;
		uint64_t cell;

		if (b.p[k] != 0xff || b.p[k + 1] != 0x25)
			continue;
		memcpy(&disp, b.p + k + 2, sizeof(disp));
		name = slot_name(slots, base + k + 6 + (uint64_t)(int64_t)disp);
		if (!name)
			continue;
		cell = m->elf->sh[i].sh_addralign >= 16 || !got ? 16 : 8;
		if (got && m->elf->sh[i].sh_entsize == 8)
			cell = 8;
		arrput(m->plt, ((struct dbg_sym){ .name = name, .addr = base + (k & ~(cell - 1)),
						  .size = cell, .kind = DBG_SYM_PLT }));
		k += 5;
	}
}

static int cmp_sym(const void *a, const void *b)
{
	const struct dbg_sym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

const struct dbg_sym *dbg_module_plt(struct dbg_module *m, size_t *n)
{
	struct elffile *f = m->elf;
	struct slot *slots = NULL;

	if (!m->plt_read && f) {
		m->plt_read = true;
		for (size_t i = 1; i < f->nsh; i++)
			if (f->sh[i].sh_type == SHT_RELA && (f->sh[i].sh_flags & SHF_ALLOC))
				read_slots(f, i, &slots);
		if (arrlen(slots))
			qsort(slots, (size_t)arrlen(slots), sizeof(*slots), cmp_slot);
		for (size_t i = 1; i < f->nsh; i++)
			if (!strncmp(f->shname[i], ".plt", 4) && (f->sh[i].sh_flags & SHF_EXECINSTR))
				scan_stubs(m, i, slots);
		if (arrlen(m->plt))
			qsort(m->plt, (size_t)arrlen(m->plt), sizeof(*m->plt), cmp_sym);
		arrfree(slots);
	}
	*n = (size_t)arrlen(m->plt);
	return m->plt;
}
