/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check of handlers that watch a netfilter hook by a chain of nf_tables: the function that is probed runs every
 * chain of its protocol family; ours is in a table that belongs to this process, at the point's hook and priority.
 */
#include "lower/target_priv.h"

#include "dbg/btf.h"
#include "probe/point.h"

/* Bytes from the start of struct TYPE to its member; -1 and an error. */
static int64_t member_at(struct lower *L, const char *type, const char *path)
{
	struct dbg_error e;
	struct dbg_module *m = dbg_btf_kernel("nf_tables", &e);
	uint64_t offset, size;

	if (m && dbg_btf_offset(m, type, path, &offset, &size))
		return (int64_t)offset;
	m = dbg_btf_kernel("vmlinux", &e);
	if (m && dbg_btf_offset(m, type, path, &offset, &size))
		return (int64_t)offset;
	if (!L->failed)
		diag_error(L->mod->diag, "no-chain-type", &L->point->prog.at, "the kernel's type information does not "
			   "describe '%s' of nf_tables' %s", path, type);
	L->failed = true;
	return -1;
}

static struct ir_expr *load(struct lower *L, struct ir_expr *base, int64_t offset, uint32_t size)
{
	const struct span *at = &L->point->prog.at;
	struct ir_expr *member = lower_op2(L, IR_ADD, base, ir_const(L->mod->ir, offset, at), at);
	struct ir_expr *e = lower_op1(L, IR_KLOAD, member, at);

	e->imm = size;
	return e;
}

static struct ir_expr *simple(struct lower *L, enum ir_op op, int64_t imm)
{
	struct ir_expr *e = ir_expr_new(L->mod->ir, op, &L->point->prog.at, 0);

	e->imm = imm;
	return e;
}

static void leave_unless_equal(struct lower *L, struct ir_expr *a, struct ir_expr *b)
{
	const struct span *at = &L->point->prog.at;
	struct ir_stmt *s = lower_if(L, lower_op2(L, IR_NE, a, b, at), at);

	s->body = ir_stmt_new(L->mod->ir, IR_S_RETURN, at);
}

void target_filter_chain(struct lower *L)
{
	const struct span *at = &L->point->prog.at;
	int64_t table = member_at(L, "struct nft_chain", "table"), owner = member_at(L, "struct nft_table", "nlpid");
	int64_t base = member_at(L, "struct nft_base_chain", "chain");
	int64_t hook = member_at(L, "struct nft_base_chain", "ops.hooknum");
	int64_t priority = member_at(L, "struct nft_base_chain", "ops.priority");
	struct ir_expr *chain, *value;

	if (L->failed)
		return;
	chain = lower_save(L, simple(L, IR_ARG, 0));
	leave_unless_equal(L, load(L, load(L, chain, table, 8), owner, 4), simple(L, IR_STP_PID, 0));
	leave_unless_equal(L, load(L, chain, hook - base, 4), simple(L, IR_POINT_INT, PROBE_INT_HOOK));
	value = lower_op1(L, IR_SEXT, load(L, chain, priority - base, 4), at);
	value->imm = 32;
	leave_unless_equal(L, value, simple(L, IR_POINT_INT, PROBE_INT_PRIORITY));
}
