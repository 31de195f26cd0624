/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a thread's copy of a module's thread-local variables lies (its TLS block), as glibc's x86-64 has it.
 *
 * The executable's block ends at the thread pointer. Which block a library has is decided when it is loaded; the
 * library's own relocations then tell it: a DTPMOD64 slot holds the module's number, by which the thread's vector
 * of blocks (dtv) has the address; a TPOFF64 slot the distance of a variable from the thread pointer.
 */
#include "base/ds.h"
#include "dbg/dwcomp.h"
#include "dbg/priv.h"

#define TCB_DTV		8	/* offset of the vector's address in what the thread pointer points to */
#define DTV_SHIFT	4	/* log2 of the size of its elements, which begin with the block's address */

struct slot {
	uint32_t type;		/* of the relocation; 0: none */
	uint64_t addr;		/* link address */
	uint64_t offset;	/* TPOFF64: of the variable in the block */
};

/* The symbol of a relocation, which must be the module's own; index 0 is the module itself. */
static bool own_symbol(struct dbg_bytes syms, uint32_t index, uint64_t *value)
{
	struct dbg_cur c = cur_at(syms, (uint64_t)index * sizeof(Elf64_Sym));
	Elf64_Sym sym;

	*value = 0;
	if (!index)
		return true;
	if (cur_left(&c) < sizeof(sym))
		return false;
	memcpy(&sym, c.p, sizeof(sym));
	*value = sym.st_value;
	return sym.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(sym.st_info) == STT_TLS;
}

/* Takes the best slot of a section of relocations: one of the module itself, else of a symbol of its own. */
static void find_slot(struct elffile *f, size_t i, struct slot *best, bool *sure)
{
	struct dbg_cur c = cur_at(elffile_data(f, i), 0);
	struct dbg_bytes syms = elffile_data(f, f->sh[i].sh_link < f->nsh ? f->sh[i].sh_link : 0);

	while (!*sure && cur_left(&c) >= sizeof(Elf64_Rela)) {
		uint32_t type, symbol;
		Elf64_Rela r;
		uint64_t value;

		memcpy(&r, cur_take(&c, sizeof(r)), sizeof(r));
		type = ELF64_R_TYPE(r.r_info);
		symbol = ELF64_R_SYM(r.r_info);
		if ((type != R_X86_64_DTPMOD64 && type != R_X86_64_TPOFF64) || !own_symbol(syms, symbol, &value))
			continue;
		*best = (struct slot){ type, r.r_offset, value + (uint64_t)r.r_addend };
		*sure = symbol == 0;
	}
}

/*
 * A block that the thread has not used yet is not there: the vector has 0 or -1 for it.  What the variable would
 * begin with is in the file, if it begins with anything but zeros.
 *
 * Stack: offset, block -> offset, block or image
 */
static void image_if_unused(struct comp *c, uint64_t offset)
{
	const struct elffile *f = c->x->m->elf;

	for (size_t i = 0; i < f->nph; i++) {
		if (f->ph[i].p_type != PT_TLS || offset >= f->ph[i].p_filesz)
			continue;
		comp_op(c, DBG_OP_DUP, 0);
		comp_add_offset(c, 1);
		comp_op(c, DBG_OP_CONST, 2);
		comp_op(c, DBG_OP_ULT, 0);
		comp_op(c, DBG_OP_NEG, 0);		/* block, all ones if unused */
		comp_op(c, DBG_OP_DUP, 0);
		comp_op(c, DBG_OP_ADDR, (int64_t)f->ph[i].p_vaddr);
		comp_op(c, DBG_OP_AND, 0);
		comp_op(c, DBG_OP_ROT, 0);		/* image or 0, block, ones */
		comp_op(c, DBG_OP_NOT, 0);
		comp_op(c, DBG_OP_AND, 0);
		comp_op(c, DBG_OP_OR, 0);
		return;
	}
}

void dwtls_address(struct comp *c)
{
	const struct dbg_module_info *mi = &c->x->m->info;
	struct elffile *f = c->x->m->elf;
	bool is_known = arrlen(c->ops) && arrlast(c->ops).op == DBG_OP_CONST;
	uint64_t offset = is_known ? (uint64_t)arrlast(c->ops).a : UINT64_MAX;
	struct slot slot = { 0 };
	bool sure = false;

	if (mi->type == DBG_ELF_EXEC || mi->type == DBG_ELF_PIE) {
		uint64_t al = mi->tls_align ? mi->tls_align : 1;

		comp_op(c, DBG_OP_REG, DBG_FSBASE);
		comp_op(c, DBG_OP_ADD, 0);
		comp_add_offset(c, -(int64_t)((mi->tls_size + al - 1) / al * al));
		return;
	}
	for (size_t i = 1; f && i < f->nsh; i++)
		if (f->sh[i].sh_type == SHT_RELA && (f->sh[i].sh_flags & SHF_ALLOC))
			find_slot(f, i, &slot, &sure);
	if (!slot.type) {
		comp_op(c, DBG_OP_TLS, 0);
		return;
	}
	comp_op(c, DBG_OP_REG, DBG_FSBASE);
	if (slot.type == R_X86_64_TPOFF64) {
		comp_op(c, DBG_OP_ADD, 0);
		comp_op(c, DBG_OP_ADDR, (int64_t)slot.addr);
		comp_op(c, DBG_OP_DEREF, 8);
		comp_op(c, DBG_OP_ADD, 0);
		comp_add_offset(c, -(int64_t)slot.offset);
		return;
	}
	comp_add_offset(c, TCB_DTV);
	comp_op(c, DBG_OP_DEREF, 8);
	comp_op(c, DBG_OP_ADDR, (int64_t)slot.addr);
	comp_op(c, DBG_OP_DEREF, 8);
	comp_op(c, DBG_OP_CONST, DTV_SHIFT);
	comp_op(c, DBG_OP_SHL, 0);
	comp_op(c, DBG_OP_ADD, 0);
	comp_op(c, DBG_OP_DEREF, 8);
	image_if_unused(c, offset);
	comp_op(c, DBG_OP_ADD, 0);
}
