/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of call frame information -> eight-byte rules.
 *
 * Rules by expression (PLT stubs, realigned frames, the signal trampoline) are recognised by what
 * they compute for made-up registers, not by how they are written.  What has no short form becomes
 * DBG_WALK_NONE.  Equal neighbours are merged, and gaps as small as padding between functions
 * belong to the function before them.
 */
#include "dbg/unwind_table.h"

#include <stdlib.h>

#include "base/ds.h"
#include "dbg/module.h"
#include "dbg/unwind.h"

#define PADDING		16
#define N_MAX		((1 << 22) - 1)
#define RBP_MAX		(DBG_WALK_RBP_LOST - 1)

struct builder {
	struct dbg_module *m;
	struct dbg_walk_row *rows;	/* stb_ds */
	uint64_t end;			/* address up to which the last row is valid */
	uint32_t end_offset;
	bool unsorted;
};

/* Registers and memory as an expression is made to see them. */
struct guess {
	uint64_t rip;
	uint64_t read_at;		/* where it read memory last */
	unsigned reads;
};

#define GUESS_RSP	0x100000ull
#define GUESS_RBP	0x200000ull
#define GUESS_VALUE	0x300000ull	/* what memory holds */

static bool guess_reg(void *data, int reg, uint64_t *v)
{
	const struct guess *g = data;

	switch (reg) {
	case DBG_RSP: *v = GUESS_RSP; return true;
	case DBG_RBP: *v = GUESS_RBP; return true;
	case DBG_RIP: *v = g->rip; return true;
	default: return false;
	}
}

static bool guess_read(void *data, uint64_t addr, void *buf, size_t len)
{
	struct guess *g = data;
	const uint64_t v = GUESS_VALUE;

	g->read_at = addr;
	g->reads++;
	if (len != sizeof(v))
		return false;
	memcpy(buf, &v, sizeof(v));
	return true;
}

static bool guess(const struct dbg_rule *r, struct guess *g, uint64_t *v)
{
	const struct dbg_eval_ctx c = { .reg = guess_reg, .read = guess_read, .data = g };

	return dbg_ops_eval(r->ops, r->nops, &c, false, 0, v, NULL) == 0;
}

/* The CFA, or for r the saved place, is in memory at base + *off. */
static bool guess_deref(const struct dbg_rule *r, uint64_t base, int64_t *off)
{
	struct guess g = { 0 };
	uint64_t v;

	if (!guess(r, &g, &v) || g.reads != 1 || v != GUESS_VALUE)
		return false;
	*off = (int64_t)(g.read_at - base);
	return true;
}

/* A rule whose expression, with the CFA pushed first, gives just reg + *off as address. */
static bool guess_saved(const struct dbg_rule *r, uint64_t base, int64_t *off)
{
	struct guess g = { 0 };
	const struct dbg_eval_ctx c = { .reg = guess_reg, .read = guess_read, .data = &g };
	uint64_t v;

	if (r->kind != DBG_RULE_EXPR_MEM ||
	    dbg_ops_eval(r->ops, r->nops, &c, true, GUESS_VALUE, &v, NULL) || g.reads)
		return false;
	*off = (int64_t)(v - base);
	return true;
}

static uint32_t make(enum dbg_walk_kind kind, uint32_t rbp, int64_t n)
{
	return (uint32_t)kind | rbp << 3 | (uint32_t)n << 9;
}

static uint32_t scaled(enum dbg_walk_kind kind, uint32_t rbp, int64_t off)
{
	return off % 8 || off / 8 > N_MAX || off / 8 < -N_MAX ? DBG_WALK_NONE : make(kind, rbp, off / 8);
}

/* Where rbp is, for rules relative to the CFA. */
static uint32_t rbp_place(const struct dbg_rule *r)
{
	if (r->kind == DBG_RULE_SAME)
		return 0;
	if (r->kind == DBG_RULE_CFA_OFFSET && r->offset < 0 && r->offset % 8 == 0 &&
	    r->offset / -8 <= (int64_t)RBP_MAX)
		return (uint32_t)(r->offset / -8);
	return DBG_WALK_RBP_LOST;
}

static bool is_signal(const struct dbg_unwind_row *row)
{
	int64_t cfa, rip, rbp;

	return row->signal_frame && row->cfa.kind == DBG_RULE_EXPR_VAL &&
	       guess_deref(&row->cfa, GUESS_RSP, &cfa) && cfa == DBG_WALK_UC_RSP &&
	       guess_saved(&row->regs[DBG_RIP], GUESS_RSP, &rip) && rip == DBG_WALK_UC_RIP &&
	       guess_saved(&row->regs[DBG_RBP], GUESS_RSP, &rbp) && rbp == DBG_WALK_UC_RBP;
}

/* A PLT entry: 8 bytes are on the stack, from some instruction of the entry on 16. */
static uint32_t plt_rule(const struct dbg_unwind_row *row)
{
	int64_t from = -1;

	for (int i = 0; i < 16; i++) {
		struct guess g = { .rip = (uint64_t)i };
		uint64_t v;

		if (!guess(&row->cfa, &g, &v) || g.reads)
			return DBG_WALK_NONE;
		if (v == GUESS_RSP + 16 && from < 0)
			from = i;
		if (v != GUESS_RSP + (from < 0 ? 8 : 16))
			return DBG_WALK_NONE;
	}
	return make(DBG_WALK_PLT, 0, from < 0 ? 16 : from);
}

static uint32_t expr_rule(const struct dbg_unwind_row *row)
{
	const struct dbg_rule *rbp = &row->regs[DBG_RBP];
	int64_t off, at;

	if (guess_deref(&row->cfa, GUESS_RBP, &off) && off > -(1 << 20) && off < 1 << 20)
		return scaled(DBG_WALK_DEREF,
			      rbp->kind == DBG_RULE_SAME ? 0 :
			      guess_saved(rbp, GUESS_RBP, &at) && at == 0 ? 1 : DBG_WALK_RBP_LOST, off);
	return plt_rule(row);
}

static uint32_t rule_of(const struct dbg_unwind_row *row)
{
	const struct dbg_rule *ra = &row->regs[DBG_RIP];

	if (ra->kind == DBG_RULE_UNDEFINED)
		return DBG_WALK_END;
	if (is_signal(row))
		return DBG_WALK_SIGNAL;
	if (row->signal_frame || ra->kind != DBG_RULE_CFA_OFFSET || ra->offset != -8 ||
	    row->regs[DBG_RSP].kind != DBG_RULE_SAME)
		return DBG_WALK_NONE;
	if (row->cfa.kind == DBG_RULE_EXPR_VAL)
		return expr_rule(row);
	if (row->cfa.kind == DBG_RULE_REG_OFFSET && row->cfa.reg == DBG_RSP)
		return scaled(DBG_WALK_RSP, rbp_place(&row->regs[DBG_RBP]), row->cfa.offset);
	if (row->cfa.kind == DBG_RULE_REG_OFFSET && row->cfa.reg == DBG_RBP)
		return scaled(DBG_WALK_RBP, rbp_place(&row->regs[DBG_RBP]), row->cfa.offset);
	return DBG_WALK_NONE;
}

static void add(struct builder *b, uint32_t offset, uint32_t rule)
{
	ptrdiff_t n = arrlen(b->rows);

	if (n && b->rows[n - 1].offset > offset)
		b->unsorted = true;
	if (n && b->rows[n - 1].rule == rule && b->rows[n - 1].offset <= offset)
		return;
	arrput(b->rows, ((struct dbg_walk_row){ offset, rule }));
}

static int on_row(const struct dbg_unwind_row *row, void *data)
{
	struct builder *b = data;
	uint64_t offset;

	if (!dbg_addr_to_offset(b->m, row->lo, &offset) || offset + (row->hi - row->lo) > UINT32_MAX ||
	    row->hi <= row->lo)
		return 0;
	if (arrlen(b->rows) && (row->lo > b->end + PADDING || row->lo < b->end))
		add(b, b->end_offset, DBG_WALK_NONE);
	add(b, (uint32_t)offset, rule_of(row));
	b->end = row->hi;
	b->end_offset = (uint32_t)(offset + (row->hi - row->lo));
	return 0;
}

static int compare(const void *va, const void *vb)
{
	const struct dbg_walk_row *a = va, *b = vb;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	/* the end of one function and the start of the next */
	return (a->rule != DBG_WALK_NONE) - (b->rule != DBG_WALK_NONE);
}

struct dbg_walk_row *dbg_walk_table(struct dbg_module *m)
{
	struct builder b = { .m = m };

	dbg_unwind_each(m, on_row, &b);
	if (arrlen(b.rows))
		add(&b, b.end_offset, DBG_WALK_NONE);
	if (b.unsorted)
		qsort(b.rows, (size_t)arrlen(b.rows), sizeof(*b.rows), compare);
	return b.rows;
}
