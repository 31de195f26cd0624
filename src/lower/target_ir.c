/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target variables to IR: values, writes, and the checks that a handler makes first because its
 * mechanism fires for more than the point asked for.
 */
#include "lower/target_priv.h"

#include "base/arena.h"
#include "ir/bound.h"
#include "probe/point.h"

/* Numbers of the system calls that make a process or a thread, and that replace its program (x86_64). */
enum { NR_CLONE = 56, NR_FORK = 57, NR_VFORK = 58, NR_EXECVE = 59, NR_EXECVEAT = 322, NR_CLONE3 = 435 };

/* Fields of a system call's exit record. */
enum { RECORD_NR = 8 << 8 | 4, RECORD_RETURN = 16 << 8 | 8 };

struct ir_expr *target_value(struct lower *L, const struct target_access *a)
{
	struct ir_expr *e;

	switch (a->kind) {
	case ACCESS_TEXT:
		return target_text(L, a);
	case ACCESS_EXPR:
		return lower_expr(L, a->operands[0]);
	case ACCESS_POINT:
		e = ir_expr_new(L->mod->ir, IR_POINT_STR, &a->at, 0);
		e->imm = a->point_str;
		return ir_expr_rebound(L->mod->ir, e);
	case ACCESS_VALUE:
		return ir_expr_rebound(L->mod->ir, ir_expr_new(L->mod->ir, IR_VALUE, &a->at, 0));
	default:
		return target_number(L, a);
	}
}

struct ir_expr *lower_target(struct lower *L, const struct ast_expr *e)
{
	const struct target_access *a = e->sema;

	if (!a) {
		L->failed = true;
		return ir_const(L->mod->ir, 0, &e->at);
	}
	return a->entry ? target_kept_value(L, a) : target_value(L, a);
}

/* ---- writing ---- */

static struct ir_expr *masked_insert(struct lower *L, struct ir_expr *old, struct ir_expr *value,
				     uint32_t shift, uint32_t bits, const struct span *at)
{
	uint64_t mask = (bits >= 64 ? ~0ull : (1ull << bits) - 1) << shift;
	struct ir_module *m = L->mod->ir;

	if (shift)
		value = lower_op2(L, IR_SHL, value, ir_const(m, shift, at), at);
	value = lower_op2(L, IR_AND, value, ir_const(m, (int64_t)mask, at), at);
	old = lower_op2(L, IR_AND, old, ir_const(m, (int64_t)~mask, at), at);
	return lower_op2(L, IR_OR, old, value, at);
}

static void store_memory(struct lower *L, const struct target_access *a, struct ir_expr *addr,
			 struct ir_expr *value)
{
	uint32_t size = a->size;
	struct ir_expr *store;

	if (a->bit_size) {
		struct target_place p = { 0 };
		uint32_t first = a->bit_offset / 8, shift = a->bit_offset % 8;

		for (size = 1; size < 8 && shift + a->bit_size > 8 * size;)
			size *= 2;
		if (shift + a->bit_size > 64) {
			target_fail(L, a, "cannot write to a bit field over nine bytes");
			return;
		}
		addr = lower_share(L, lower_op2(L, IR_ADD, addr, ir_const(L->mod->ir, first, &a->at), &a->at));
		p.addr = addr;
		value = masked_insert(L, target_load(L, a, &p, size), value, shift, a->bit_size, &a->at);
	}
	store = lower_op2(L, IR_USTORE, addr, value, &a->at);
	store->imm = size;
	lower_eval(L, store);
}

/* `$value .= x` may make it longer than a string can be, so nothing is read back. */
static void store_value(struct lower *L, const struct target_access *a, struct ir_expr *value)
{
	bool append = value->op == IR_CONCAT && value->args[0]->op == IR_VALUE;

	struct ir_expr *set = lower_op1(L, IR_VALUE_SET, append ? value->args[1] : value, &a->at);

	set->imm = append;
	lower_eval(L, set);
}

void lower_target_store(struct lower *L, const struct ast_expr *e, struct ir_expr *value)
{
	const struct target_access *a = e->sema;
	struct target_place p;
	struct ir_expr *store;

	if (!a) {
		L->failed = true;
		return;
	}
	if (a->kind == ACCESS_VALUE) {
		store_value(L, a, value);
		return;
	}
	if (a->base == BASE_VERDICT) {
		lower_eval(L, lower_op1(L, IR_VERDICT_SET, value, &a->at));
		return;
	}
	value = lower_share(L, value);
	target_walk(L, a, &p);
	if (L->failed)
		return;
	if (p.addr) {
		store_memory(L, a, p.addr, value);
		return;
	}
	if (p.loc->kind != DBG_LOC_REGISTER || p.off < 0 || p.off > 7) {
		target_fail(L, a, "cannot write to this variable here");
		return;
	}
	/* a 32-bit write clears the upper half, as the processor does */
	if (a->bit_size)
		value = masked_insert(L, target_register(L, a, p.loc->reg), value,
				      (uint32_t)p.off * 8 + a->bit_offset, a->bit_size, &a->at);
	else if (a->size == 4 && !p.off)
		value = masked_insert(L, ir_const(L->mod->ir, 0, &a->at), value, 0, 32, &a->at);
	else if (a->size < 8)
		value = masked_insert(L, target_register(L, a, p.loc->reg), value, (uint32_t)p.off * 8,
				      8 * a->size, &a->at);
	store = lower_op1(L, IR_REGSTORE, value, &a->at);
	store->imm = p.loc->reg;
	lower_eval(L, store);
}

/* ---- filters ---- */

static struct ir_expr *simple(struct lower *L, enum ir_op op, int64_t imm)
{
	struct ir_expr *e = ir_expr_new(L->mod->ir, op, &L->point->prog.at, 0);

	e->imm = imm;
	return e;
}

/* Leaves the handler if the condition holds. */
static void leave_if(struct lower *L, struct ir_expr *cond)
{
	struct ir_stmt *s = lower_if(L, cond, &L->point->prog.at);

	s->body = ir_stmt_new(L->mod->ir, IR_S_RETURN, &L->point->prog.at);
}

static struct ir_expr *compare(struct lower *L, enum ir_op op, struct ir_expr *a, struct ir_expr *b)
{
	return lower_op2(L, op, a, b, &L->point->prog.at);
}

/* Is the program of the current process the point's file? */
static void filter_image(struct lower *L)
{
	leave_if(L, compare(L, IR_NE, simple(L, IR_IMAGE, 0), simple(L, IR_POINT_INT, PROBE_INT_INO)));
	leave_if(L, compare(L, IR_NE, simple(L, IR_IMAGE, 1), simple(L, IR_POINT_INT, PROBE_INT_DEV)));
}

/* process.begin: the calls that make processes return 0 in the new one; so does a successful exec. */
static void filter_begin(struct lower *L)
{
	static const int calls[] = { NR_CLONE, NR_FORK, NR_VFORK, NR_EXECVE, NR_EXECVEAT, NR_CLONE3 };
	struct ir_expr *nr = lower_save(L, simple(L, IR_CTXLOAD, RECORD_NR)), *any = NULL;

	leave_if(L, compare(L, IR_NE, simple(L, IR_CTXLOAD, RECORD_RETURN),
			    ir_const(L->mod->ir, 0, &L->point->prog.at)));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct ir_expr *is = compare(L, IR_EQ, nr, ir_const(L->mod->ir, calls[i], &L->point->prog.at));

		any = any ? compare(L, IR_OR, any, is) : is;
	}
	leave_if(L, lower_op1(L, IR_LNOT, any, &L->point->prog.at));
}

/* .callee: does the return address lie in the caller? */
static void filter_caller(struct lower *L, unsigned filter)
{
	const struct span *at = &L->point->prog.at;
	struct ir_expr *ra;

	if (filter & PROBE_FILTER_CALLER_RIP) {
		ra = simple(L, IR_REG, DBG_RIP);
	} else {
		ra = filter & PROBE_FILTER_CALLER_RBP ?
			compare(L, IR_ADD, simple(L, IR_REG, DBG_RBP), ir_const(L->mod->ir, 8, at)) :
			simple(L, IR_REG, DBG_RSP);
		ra = lower_op1(L, L->point->prog.kind == POINT_KFUNC ? IR_KLOAD : IR_ULOAD, ra, at);
		ra->imm = 8;
	}
	ra = lower_save(L, compare(L, IR_SUB, ra, simple(L, IR_PROBE_ADDR, 0)));
	leave_if(L, compare(L, IR_OR, compare(L, IR_LE, ra, simple(L, IR_POINT_INT, PROBE_INT_CALLER_LO)),
			    compare(L, IR_GT, ra, simple(L, IR_POINT_INT, PROBE_INT_CALLER_HI))));
}

void lower_target_filter(struct lower *L)
{
	unsigned filter = L->point->filter;
	enum point_kind kind = L->point->prog.kind;

	if (filter & PROBE_FILTER_PID)
		leave_if(L, compare(L, IR_NE, simple(L, IR_PID, 0), simple(L, IR_POINT_INT, PROBE_INT_PID)));
	if (filter & PROBE_FILTER_LEADER && kind != POINT_PROCESS_SYSCALL && kind != POINT_PROCESS_SYSCALL_RETURN)
		leave_if(L, compare(L, IR_NE, simple(L, IR_PID, 0), simple(L, IR_TID, 0)));
	if (filter & PROBE_FILTER_THREAD)
		leave_if(L, compare(L, IR_EQ, simple(L, IR_PID, 0), simple(L, IR_TID, 0)));
	if (kind == POINT_PROCESS_BEGIN || kind == POINT_THREAD_BEGIN)
		filter_begin(L);
	if (filter & PROBE_FILTER_TARGET)
		leave_if(L, compare(L, IR_AND, compare(L, IR_NE, simple(L, IR_TARGET, 0),
						       ir_const(L->mod->ir, 0, &L->point->prog.at)),
				    lower_op1(L, IR_LNOT, simple(L, IR_IS_TARGET, 0), &L->point->prog.at)));
	if (filter & PROBE_FILTER_IMAGE)
		filter_image(L);
	if (filter & PROBE_FILTER_CHAIN)
		target_filter_chain(L);
	if (filter & (PROBE_FILTER_CALLER_RSP | PROBE_FILTER_CALLER_RBP | PROBE_FILTER_CALLER_RIP))
		filter_caller(L, filter);
}
