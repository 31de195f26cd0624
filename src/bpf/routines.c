/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A linker for the routines' objects: copies a function's instructions, resolves its calls to other
 * routines, the callbacks it passes to helpers, and link-time constants.  The objects come from our own
 * build, but are checked as any ELF file.
 */
#include "bpf/routines.h"

#include <elf.h>
#include <string.h>

#include "base/ds.h"
#include "bpf/emit.h"

#define R_BPF_64_32	10

const struct routine_info routine_table[ROUTINE_COUNT] = {
#define ROUTINE(name, sig) { #name, sig },
#include "bpf/routines.def"
#undef ROUTINE
};

/* A function without a name of its own in the table: a callback or helper, by its place. */
struct local_fn {
	const struct routine_object *obj;
	uint32_t section, offset, size;
	em_label label;
	bool done;
};

struct linker {
	struct emit *em;
	const struct routine_variant *variant;
	int *label;
	bool done[ROUTINE_COUNT];
	struct local_fn *locals;	/* stb_ds */
	const struct routine_value *values;
};

int routine_variant_for(uint32_t mem, uint32_t maxstr)
{
	for (int i = 0; routine_variants[i].mem_shift; i++)
		if (mem <= 1u << routine_variants[i].mem_shift && maxstr <= routine_variants[i].str_max)
			return i;
	return -1;
}

static const void *at(const struct routine_object *o, uint64_t off, uint64_t size)
{
	return off <= o->size && size <= o->size - off ? o->elf + off : NULL;
}

static const Elf64_Shdr *section(const struct routine_object *o, uint32_t i)
{
	const Elf64_Ehdr *eh = at(o, 0, sizeof(*eh));

	if (!eh || i >= eh->e_shnum)
		return NULL;
	return at(o, eh->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *find_section(const struct routine_object *o, uint32_t type, uint32_t info)
{
	const Elf64_Shdr *s;

	for (uint32_t i = 0; (s = section(o, i)); i++)
		if (s->sh_type == type && (type != SHT_REL || s->sh_info == info))
			return s;
	return NULL;
}

struct symbols {
	const Elf64_Sym *all;
	size_t n;
};

static struct symbols symbols(const struct routine_object *o)
{
	const Elf64_Shdr *s = find_section(o, SHT_SYMTAB, 0);
	const Elf64_Sym *all = s ? at(o, s->sh_offset, s->sh_size) : NULL;

	return (struct symbols){ all, all ? s->sh_size / sizeof(Elf64_Sym) : 0 };
}

static const char *symbol_name(const struct routine_object *o, const Elf64_Sym *sym)
{
	const Elf64_Shdr *st = find_section(o, SHT_SYMTAB, 0);
	const Elf64_Shdr *str = st ? section(o, st->sh_link) : NULL;

	if (!str || sym->st_name >= str->sh_size || !at(o, str->sh_offset, str->sh_size))
		return "";
	return (const char *)o->elf + str->sh_offset + sym->st_name;
}

static int routine_by_name(const char *name)
{
	for (int i = 0; i < ROUTINE_COUNT; i++)
		if (!strcmp(routine_table[i].name, name))
			return i;
	return -1;
}

/* The function that begins at a place; its size from the symbol table. */
static em_label local_label(struct linker *lk, const struct routine_object *o, uint32_t sec, uint32_t off)
{
	struct symbols syms = symbols(o);
	struct local_fn fn = { .obj = o, .section = sec, .offset = off };

	for (ptrdiff_t i = 0; i < arrlen(lk->locals); i++)
		if (lk->locals[i].obj == o && lk->locals[i].section == sec &&
		    lk->locals[i].offset == off)
			return lk->locals[i].label;
	for (const Elf64_Sym *sym = syms.all; sym < syms.all + syms.n; sym++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx == sec &&
		    sym->st_value == off)
			fn.size = (uint32_t)sym->st_size;
	if (!fn.size) {
		em_fail(lk->em, "internal: a routine refers to no function");
		return 0;
	}
	fn.label = em_new_label(lk->em);
	arrput(lk->locals, fn);
	return fn.label;
}

static em_label target(struct linker *lk, const struct routine_object *o, const Elf64_Sym *sym,
		       int64_t addend)
{
	int id = ELF64_ST_TYPE(sym->st_info) == STT_SECTION ? -1 :
						routine_by_name(symbol_name(o, sym));

	if (id < 0)
		return local_label(lk, o, sym->st_shndx, (uint32_t)((int64_t)sym->st_value + addend));
	if (!lk->label[id])
		lk->label[id] = em_new_label(lk->em);
	return lk->label[id];
}

/* Loads or calls what stands for a symbol; true if that took two slots. */
static bool emit_value(struct linker *lk, const struct bpf_insn *in, const char *name)
{
	const struct routine_value *v = lk->values;
	struct bpf_insn lo = *in, hi = { 0 };

	while (v->name && strcmp(v->name, name))
		v++;
	if (!v->name) {
		em_fail(lk->em, "internal: a routine refers to an unknown symbol");
	} else if (v->kind == ROUTINE_HELPER) {
		em_helper(lk->em, (int)v->value);
		return false;
	} else if (v->kind == ROUTINE_NUMBER) {
		lo.imm = (int32_t)(uint32_t)v->value;
		hi.imm = (int32_t)(v->value >> 32);
		em_raw(lk->em, lo);
		em_raw(lk->em, hi);
	} else if (v->kind == ROUTINE_MAP) {
		em_map_fd(lk->em, in->dst_reg, (uint32_t)v->value);
	} else {
		em_map_value(lk->em, in->dst_reg, (uint32_t)v->value, 0);
	}
	return true;
}

/* Emits the instruction that a relocation applies to; true if it took two slots. */
static bool relocate(struct linker *lk, const struct routine_object *o, const Elf64_Rel *rel,
		     const struct bpf_insn *in)
{
	struct symbols syms = symbols(o);
	const Elf64_Sym *sym;
	bool is_section;

	if (ELF64_R_SYM(rel->r_info) >= syms.n) {
		em_fail(lk->em, "internal: bad relocation in a routine");
		return false;
	}
	sym = &syms.all[ELF64_R_SYM(rel->r_info)];
	is_section = ELF64_ST_TYPE(sym->st_info) == STT_SECTION;
	if (sym->st_shndx == SHN_UNDEF && routine_by_name(symbol_name(o, sym)) < 0)
		return emit_value(lk, in, symbol_name(o, sym));
	if (ELF64_R_TYPE(rel->r_info) == R_BPF_64_32) {
		em_call(lk->em, target(lk, o, sym, is_section ? ((int64_t)in->imm + 1) * 8 : 0));
		return false;
	}
	em_func_addr(lk->em, in->dst_reg, target(lk, o, sym, in->imm));
	return true;
}

static void copy_fn(struct linker *lk, const struct routine_object *o, uint32_t sec, uint64_t off,
		    uint64_t size, em_label label, int kind)
{
	const Elf64_Shdr *sh = section(o, sec), *rs = find_section(o, SHT_REL, sec);
	const struct bpf_insn *in = sh && off + size <= sh->sh_size ? at(o, sh->sh_offset + off, size) : NULL;
	const Elf64_Rel *rels = rs ? at(o, rs->sh_offset, rs->sh_size) : NULL;
	size_t nrels = rels ? rs->sh_size / sizeof(*rels) : 0;

	if (!in) {
		em_fail(lk->em, "internal: a routine's code is missing");
		return;
	}
	em_subprog(lk->em, label, kind);
	for (uint64_t i = 0; i < size / 8; i++) {
		const Elf64_Rel *rel = NULL;

		for (size_t r = 0; r < nrels; r++)
			if (rels[r].r_offset == off + i * 8)
				rel = &rels[r];
		if (!rel)
			em_raw(lk->em, in[i]);
		else if (relocate(lk, o, rel, &in[i]))
			i++;
	}
}

static void link_routine(struct linker *lk, int id, int kind)
{
	for (const struct routine_object *o = lk->variant->objects; o->elf; o++) {
		struct symbols syms = symbols(o);

		for (const Elf64_Sym *sym = syms.all; sym < syms.all + syms.n; sym++) {
			if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx == SHN_UNDEF ||
			    strcmp(symbol_name(o, sym), routine_table[id].name) != 0)
				continue;
			copy_fn(lk, o, sym->st_shndx, sym->st_value, sym->st_size, lk->label[id], kind);
			return;
		}
	}
	em_fail(lk->em, "internal: a routine is missing");
}

bool routine_link(struct emit *em, int variant, int *label, int kind_base,
		  const struct routine_value *values)
{
	struct linker lk = { .em = em, .variant = &routine_variants[variant], .label = label,
			     .values = values };
	bool more = true;

	em->cur = (struct span){ 0 };
	while (more && !em->err) {
		more = false;
		for (int i = 0; i < ROUTINE_COUNT && !em->err; i++) {
			if (lk.done[i] || !em_used(em, label[i]))
				continue;
			lk.done[i] = more = true;
			link_routine(&lk, i, kind_base + i);
		}
		for (ptrdiff_t i = 0; i < arrlen(lk.locals) && !em->err; i++) {
			struct local_fn fn = lk.locals[i];

			if (fn.done)
				continue;
			lk.locals[i].done = more = true;
			copy_fn(&lk, fn.obj, fn.section, fn.offset, fn.size, fn.label, 0);
		}
	}
	arrfree(lk.locals);
	return !em->err;
}
