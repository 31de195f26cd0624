/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame information: .eh_frame and .debug_frame -> neutral rows.
 *
 * All FDEs of a module are indexed by address on first use (a hop per entry); a row is made
 * by running the CIE's and FDE's instructions up to the pc.  .eh_frame comes first; .debug_frame
 * fills what it lacks, that of a separate debug file only when asked for such code.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/priv.h"
#include "dbg/unwind.h"

#define MAX_STATES 64		/* remember_state depth */

struct cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_reg;
	uint8_t fde_enc;
	bool has_aug, signal;
	struct dbg_bytes insns;
};

struct fde {
	uint64_t lo, hi;
	const uint8_t *cie;		/* start of its CIE */
	struct dbg_bytes insns;
	bool eh;
};

struct cfi {
	struct fde *fdes;		/* stb_ds, sorted by lo */
	struct dbg_bytes eh, frame;
	uint64_t eh_addr;
	bool separate;			/* the debug file was looked at */
};

/* ---- parsing ---- */

/* DW_EH_PE_* encoded value at c; base_addr is the section's address, start its bytes. */
static bool encoded(struct dbg_cur *c, unsigned enc, const uint8_t *start, uint64_t base_addr,
		    uint64_t *out)
{
	uint64_t at = base_addr + (uint64_t)(c->p - start), v;

	if (enc == DW_EH_PE_omit)
		return false;
	switch (enc & 0x0f) {
	case DW_EH_PE_absptr: case DW_EH_PE_udata8: case DW_EH_PE_sdata8:
		v = cur_u64(c);
		break;
	case DW_EH_PE_uleb128:
		v = cur_uleb(c);
		break;
	case DW_EH_PE_sleb128:
		v = (uint64_t)cur_sleb(c);
		break;
	case DW_EH_PE_udata2:
		v = cur_u16(c);
		break;
	case DW_EH_PE_sdata2:
		v = (uint64_t)(int64_t)(int16_t)cur_u16(c);
		break;
	case DW_EH_PE_udata4:
		v = cur_u32(c);
		break;
	case DW_EH_PE_sdata4:
		v = (uint64_t)(int64_t)(int32_t)cur_u32(c);
		break;
	default:
		return false;
	}
	switch (enc & 0x70) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		v += at;
		break;
	default:
		return false;
	}
	*out = v;
	return !c->bad;
}

/* One entry's bounds: *body is after the length, *id the CIE pointer.  False at the end. */
static bool entry_next(struct dbg_cur *c, struct dbg_cur *body, uint64_t *id, unsigned *id_size,
		       bool eh)
{
	uint64_t len = cur_u32(c);
	unsigned size = 4;

	if (len == 0xffffffff) {
		len = cur_u64(c);
		size = eh ? 4 : 8;
	}
	if (c->bad || (len == 0 && eh) || len > cur_left(c) || len < size)
		return false;
	*body = cur_of(c->p, len);
	c->p += len;
	*id = cur_uint(body, size);
	*id_size = size;
	return true;
}

static bool parse_cie(const uint8_t *start, struct dbg_bytes sect, uint64_t sect_addr, bool eh,
		      struct cie *out)
{
	struct dbg_cur c = { start, sect.p + sect.len, false }, b;
	const char *aug;
	uint64_t id, len;
	unsigned id_size, version;

	memset(out, 0, sizeof(*out));
	if (!entry_next(&c, &b, &id, &id_size, eh))
		return false;
	version = cur_u8(&b);
	aug = cur_str(&b);
	if (!aug || version < 1 || version > 4)
		return false;
	if (version == 4)
		cur_skip(&b, 2);
	out->code_align = cur_uleb(&b);
	out->data_align = cur_sleb(&b);
	out->ra_reg = version == 1 ? cur_u8(&b) : cur_uleb(&b);
	out->fde_enc = DW_EH_PE_absptr;
	if (*aug == 'z') {
		struct dbg_cur a;
		const uint8_t *p;
		uint64_t ignored;

		out->has_aug = true;
		len = cur_uleb(&b);
		p = cur_take(&b, len);
		if (!p)
			return false;
		a = cur_of(p, len);
		for (aug++; *aug; aug++) {
			if (*aug == 'R')
				out->fde_enc = cur_u8(&a);
			else if (*aug == 'P')
				encoded(&a, cur_u8(&a), sect.p, sect_addr, &ignored);
			else if (*aug == 'L')
				cur_u8(&a);
			else if (*aug == 'S')
				out->signal = true;
		}
	} else if (*aug) {
		return false;
	}
	out->insns = (struct dbg_bytes){ b.p, cur_left(&b) };
	return !b.bad && out->code_align != 0;
}

static void index_section(struct cfi *f, struct dbg_bytes sect, uint64_t addr, bool eh)
{
	struct dbg_cur c = cur_at(sect, 0);
	const uint8_t *last_cie = NULL;
	struct cie cie = { 0 };
	bool cie_ok = false;

	while (cur_left(&c) > 4) {
		const uint8_t *id_at, *cp;
		struct fde d = { .eh = eh };
		struct dbg_cur b;
		uint64_t id, len;
		unsigned id_size;

		if (!entry_next(&c, &b, &id, &id_size, eh))
			break;
		id_at = b.p - id_size;
		if (eh ? id == 0 : id == (id_size == 8 ? UINT64_MAX : 0xffffffff))
			continue;	/* a CIE */
		if (eh ? id > (uint64_t)(id_at - sect.p) : id >= sect.len)
			continue;
		cp = eh ? id_at - id : sect.p + id;
		if (cp != last_cie) {
			last_cie = cp;
			cie_ok = parse_cie(cp, sect, addr, eh, &cie);
		}
		if (!cie_ok || !encoded(&b, cie.fde_enc, sect.p, addr, &d.lo) ||
		    !encoded(&b, cie.fde_enc & 0x0f, sect.p, addr, &len))
			continue;
		if (cie.has_aug)
			cur_skip(&b, cur_uleb(&b));
		if (b.bad || !len || d.lo + len < d.lo)
			continue;
		d.hi = d.lo + len;
		d.cie = cp;
		d.insns = (struct dbg_bytes){ b.p, cur_left(&b) };
		arrput(f->fdes, d);
	}
}

static int cmp_fde(const void *a, const void *b)
{
	const struct fde *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return y->eh - x->eh;
}

static struct cfi *cfi_get(struct dbg_module *m)
{
	struct elffile *f = m->elf;
	struct cfi *c;
	size_t i;

	if (m->cfi || !f)
		return m->cfi;
	c = m->cfi = xcalloc(1, sizeof(*c));
	i = elffile_section(f, ".eh_frame");
	if (i) {
		c->eh = elffile_data(f, i);
		c->eh_addr = f->sh[i].sh_addr;
		index_section(c, c->eh, c->eh_addr, true);
	}
	c->frame = elffile_named(f, ".debug_frame");
	if (c->frame.len)
		index_section(c, c->frame, 0, false);
	if (arrlen(c->fdes))
		qsort(c->fdes, (size_t)arrlen(c->fdes), sizeof(*c->fdes), cmp_fde);
	return c;
}

/* Adds what only the separate debug file has; true if there is something new. */
static bool cfi_get_separate(struct dbg_module *m)
{
	struct cfi *c = m->cfi;

	if (!c || c->separate)
		return false;
	c->separate = true;
	if (c->frame.len || dbg_module_debug(m, NULL) || m->debug == m->elf)
		return false;
	c->frame = elffile_named(m->debug, ".debug_frame");
	if (!c->frame.len)
		return false;
	index_section(c, c->frame, 0, false);
	if (arrlen(c->fdes))
		qsort(c->fdes, (size_t)arrlen(c->fdes), sizeof(*c->fdes), cmp_fde);
	return true;
}

void cfi_free(struct dbg_module *m)
{
	if (m->cfi) {
		arrfree(m->cfi->fdes);
		free(m->cfi);
	}
}

/* ---- running ---- */

struct machine {
	struct dbg_module *m;
	struct cie cie;
	struct dbg_unwind_row row, initial;
	struct dbg_unwind_row saved[MAX_STATES];
	unsigned nsaved;
	uint64_t loc;
	bool bad;
	/* called when the row [row.lo, loc) is complete; non-zero stops */
	int (*flush)(struct machine *x, uint64_t end);
	void *data;
	uint64_t pc;
	int (*each)(const struct dbg_unwind_row *row, void *data);
};

static struct dbg_rule *reg_rule(struct machine *x, uint64_t reg)
{
	static struct dbg_rule scratch;

	return reg < DBG_NREGS ? &x->row.regs[reg] : &scratch;
}

static void set_rule(struct machine *x, uint64_t reg, enum dbg_rule_kind kind, int64_t offset)
{
	*reg_rule(x, reg) = (struct dbg_rule){ .kind = kind, .offset = offset };
}

static void expr_rule(struct machine *x, struct dbg_rule *r, enum dbg_rule_kind kind,
		      struct dbg_cur *c)
{
	struct dwexpr_ctx ctx = { .m = x->m, .cfi_mode = true };
	uint64_t len = cur_uleb(c);
	struct dbg_bytes b = { cur_take(c, len), len };
	size_t n;

	*r = (struct dbg_rule){ .kind = DBG_RULE_UNDEFINED };
	if (b.p && dwexpr_value(&ctx, b, &r->ops, &n)) {
		r->kind = kind;
		r->nops = (uint32_t)n;
	}
}

static int advance(struct machine *x, uint64_t to)
{
	int r = to > x->loc ? x->flush(x, to) : 0;

	if (!r)
		x->loc = x->row.lo = to;
	return r;
}

/* A factored offset; wraps instead of overflowing on hostile input. */
static int64_t factored(const struct machine *x, int64_t n)
{
	return (int64_t)((uint64_t)n * (uint64_t)x->cie.data_align);
}

static void def_cfa(struct machine *x, unsigned op, struct dbg_cur *c)
{
	struct dbg_rule *r = &x->row.cfa;

	switch (op) {
	case DW_CFA_def_cfa:
		r->reg = (int)cur_uleb(c);
		r->offset = (int64_t)cur_uleb(c);
		break;
	case DW_CFA_def_cfa_sf:
		r->reg = (int)cur_uleb(c);
		r->offset = factored(x, cur_sleb(c));
		break;
	case DW_CFA_def_cfa_register:
		r->reg = (int)cur_uleb(c);
		break;
	case DW_CFA_def_cfa_offset:
		r->offset = (int64_t)cur_uleb(c);
		break;
	default:
		r->offset = factored(x, cur_sleb(c));
		break;
	}
	r->kind = r->reg >= 0 && r->reg < DBG_NREGS ? DBG_RULE_REG_OFFSET : DBG_RULE_UNDEFINED;
}

/* Register rules with explicit register operand. */
static void reg_op(struct machine *x, unsigned op, struct dbg_cur *c)
{
	uint64_t reg = cur_uleb(c), other;

	switch (op) {
	case DW_CFA_offset_extended:
		set_rule(x, reg, DBG_RULE_CFA_OFFSET, factored(x, (int64_t)cur_uleb(c)));
		break;
	case DW_CFA_offset_extended_sf:
		set_rule(x, reg, DBG_RULE_CFA_OFFSET, factored(x, cur_sleb(c)));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		set_rule(x, reg, DBG_RULE_CFA_OFFSET, factored(x, (int64_t)(0 - cur_uleb(c))));
		break;
	case DW_CFA_val_offset:
		set_rule(x, reg, DBG_RULE_CFA_VALUE, factored(x, (int64_t)cur_uleb(c)));
		break;
	case DW_CFA_val_offset_sf:
		set_rule(x, reg, DBG_RULE_CFA_VALUE, factored(x, cur_sleb(c)));
		break;
	case DW_CFA_restore_extended:
		*reg_rule(x, reg) = reg < DBG_NREGS ? x->initial.regs[reg]
						    : (struct dbg_rule){ 0 };
		break;
	case DW_CFA_undefined:
		set_rule(x, reg, DBG_RULE_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_rule(x, reg, DBG_RULE_SAME, 0);
		break;
	case DW_CFA_register:
		other = cur_uleb(c);
		set_rule(x, reg, other < DBG_NREGS ? DBG_RULE_REG : DBG_RULE_UNDEFINED, 0);
		reg_rule(x, reg)->reg = (int)other;
		break;
	case DW_CFA_expression:
		expr_rule(x, reg_rule(x, reg), DBG_RULE_EXPR_MEM, c);
		break;
	default:
		expr_rule(x, reg_rule(x, reg), DBG_RULE_EXPR_VAL, c);
		break;
	}
}

static int other_op(struct machine *x, unsigned op, struct dbg_cur *c)
{
	uint64_t keep;

	switch (op) {
	case DW_CFA_nop:
		return 0;
	case DW_CFA_set_loc:
		return advance(x, cur_u64(c));
	case DW_CFA_advance_loc1:
		return advance(x, x->loc + cur_u8(c) * x->cie.code_align);
	case DW_CFA_advance_loc2:
		return advance(x, x->loc + cur_u16(c) * x->cie.code_align);
	case DW_CFA_advance_loc4:
		return advance(x, x->loc + cur_u32(c) * x->cie.code_align);
	case DW_CFA_remember_state:
		if (x->nsaved < MAX_STATES)
			x->saved[x->nsaved++] = x->row;
		else
			x->bad = true;
		return 0;
	case DW_CFA_restore_state:
		keep = x->row.lo;
		if (x->nsaved)
			x->row = x->saved[--x->nsaved];
		else
			x->bad = true;
		x->row.lo = keep;
		return 0;
	case DW_CFA_def_cfa: case DW_CFA_def_cfa_sf: case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset: case DW_CFA_def_cfa_offset_sf:
		def_cfa(x, op, c);
		return 0;
	case DW_CFA_def_cfa_expression:
		expr_rule(x, &x->row.cfa, DBG_RULE_EXPR_VAL, c);
		return 0;
	case DW_CFA_GNU_args_size:
		cur_uleb(c);
		return 0;
	case DW_CFA_offset_extended: case DW_CFA_offset_extended_sf:
	case DW_CFA_GNU_negative_offset_extended: case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf: case DW_CFA_restore_extended: case DW_CFA_undefined:
	case DW_CFA_same_value: case DW_CFA_register: case DW_CFA_expression:
	case DW_CFA_val_expression:
		reg_op(x, op, c);
		return 0;
	default:
		x->bad = true;
		return 0;
	}
}

/* Runs instructions until flush() stops it (its result) or they end (0). */
static int run(struct machine *x, struct dbg_bytes insns)
{
	struct dbg_cur c = cur_at(insns, 0);
	int r = 0;

	while (cur_left(&c) && !r && !x->bad) {
		unsigned op = cur_u8(&c), low = op & 0x3f;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc:
			r = advance(x, x->loc + low * x->cie.code_align);
			break;
		case DW_CFA_offset:
			set_rule(x, low, DBG_RULE_CFA_OFFSET,
				 factored(x, (int64_t)cur_uleb(&c)));
			break;
		case DW_CFA_restore:
			*reg_rule(x, low) = low < DBG_NREGS ? x->initial.regs[low]
							    : (struct dbg_rule){ 0 };
			break;
		default:
			r = other_op(x, op, &c);
		}
		x->bad |= c.bad;
	}
	return r;
}

/* Runs a whole FDE; flush sees every row. */
static int run_fde(struct machine *x, const struct fde *f)
{
	const struct cfi *cfi = x->m->cfi;
	int r;

	if (!parse_cie(f->cie, f->eh ? cfi->eh : cfi->frame, f->eh ? cfi->eh_addr : 0, f->eh, &x->cie) ||
	    x->cie.ra_reg != DBG_RIP)
		return -(int)DBG_ECORRUPT;
	memset(&x->row, 0, sizeof(x->row));
	x->loc = x->row.lo = f->lo;
	x->row.signal_frame = x->cie.signal;
	x->row.cfa.kind = DBG_RULE_UNDEFINED;
	x->nsaved = 0;
	x->bad = false;
	run(x, x->cie.insns);
	x->initial = x->row;
	x->loc = x->row.lo = f->lo;
	r = x->bad ? 0 : run(x, f->insns);
	if (x->bad)
		return -(int)DBG_ECORRUPT;
	if (!r && x->loc < f->hi)
		r = x->flush(x, f->hi);
	return r;
}

static int flush_find(struct machine *x, uint64_t end)
{
	if (x->pc < x->loc || x->pc >= end)
		return 0;
	x->row.lo = x->loc;
	x->row.hi = end;
	return 1;
}

static int flush_each(struct machine *x, uint64_t end)
{
	struct dbg_unwind_row row = x->row;

	row.lo = x->loc;
	row.hi = end;
	return x->each(&row, x->data);
}

/* The FDE that covers pc; NULL: none. */
static const struct fde *find_fde(const struct cfi *c, uint64_t pc)
{
	size_t lo = 0, hi = c ? (size_t)arrlen(c->fdes) : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->fdes[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0 && pc >= c->fdes[lo - 1].hi && lo > 1 &&
	       c->fdes[lo - 2].lo == c->fdes[lo - 1].lo)
		lo--;
	return lo && pc < c->fdes[lo - 1].hi ? &c->fdes[lo - 1] : NULL;
}

int dbg_unwind_row(struct dbg_module *m, uint64_t pc, struct dbg_unwind_row *row,
		   struct dbg_error *e)
{
	const struct fde *f = find_fde(cfi_get(m), pc);
	struct machine *x;
	int r;

	if (!f && cfi_get_separate(m))
		f = find_fde(m->cfi, pc);
	if (!f)
		return dbg_fail(e, DBG_ENOENT, "no unwind information for 0x%llx in %s",
				(unsigned long long)pc, m->info.path ? m->info.path : "?");
	x = xcalloc(1, sizeof(*x));
	x->m = m;
	x->pc = pc;
	x->flush = flush_find;
	r = run_fde(x, f);
	if (r == 1)
		*row = x->row;
	free(x);
	if (r == 1)
		return 0;
	return dbg_fail(e, DBG_ECORRUPT, "corrupt unwind information for 0x%llx in %s",
			(unsigned long long)pc, m->info.path ? m->info.path : "?");
}

int dbg_unwind_each(struct dbg_module *m, int (*fn)(const struct dbg_unwind_row *row, void *data),
		    void *data)
{
	struct cfi *c = cfi_get(m);
	struct machine *x = xcalloc(1, sizeof(*x));
	int r = 0;

	if (c && !arrlen(c->fdes))
		cfi_get_separate(m);
	x->m = m;
	x->flush = flush_each;
	x->each = fn;
	x->data = data;
	for (ptrdiff_t i = 0; c && i < arrlen(c->fdes) && !r; i++) {
		if (i && c->fdes[i].lo < c->fdes[i - 1].hi)
			continue;	/* the same code again, from .debug_frame */
		r = run_fde(x, &c->fdes[i]);
		if (r == -(int)DBG_ECORRUPT)
			r = 0;
	}
	free(x);
	return r;
}
