/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer expressions.  The value arrives in r0.  Comparisons that are values are computed without
 * branches, so that the number of paths does not grow with the expression; conditions jump directly.
 */
#include "bpf/gen.h"

/* Can be loaded into any single register without touching another? */
static bool simple(struct gen *g, const struct ir_expr *e)
{
	if (e->op == IR_CONST)
		return true;
	return e->op == IR_LOCAL && g->fn->locals[e->sym].off <= INT16_MAX;
}

static void gen_simple(struct gen *g, const struct ir_expr *e, int reg)
{
	if (e->op == IR_CONST)
		em_movi(&g->em, reg, e->imm);
	else
		gen_ld(g, reg, g->fn->locals[e->sym]);
}

/* Leaves a in r0, b in r1. */
static void gen_pair(struct gen *g, const struct ir_expr *a, const struct ir_expr *b)
{
	struct tmp t;

	if (simple(g, b)) {
		gen_expr(g, a);
		gen_simple(g, b, R1);
	} else if (simple(g, a)) {
		gen_expr(g, b);
		em_mov(&g->em, R1, R0);
		gen_simple(g, a, R0);
	} else {
		gen_expr(g, a);
		t = gen_push(g);
		gen_expr(g, b);
		em_mov(&g->em, R1, R0);
		gen_pop(g, t, R0);
	}
}

static int alu_op(enum ir_op op)
{
	switch (op) {
	case IR_ADD: return BPF_ADD;
	case IR_SUB: return BPF_SUB;
	case IR_MUL: return BPF_MUL;
	case IR_AND: return BPF_AND;
	case IR_OR: return BPF_OR;
	case IR_XOR: return BPF_XOR;
	case IR_SHL: return BPF_LSH;
	case IR_SHR: return BPF_ARSH;
	case IR_USHR: return BPF_RSH;
	default: return -1;
	}
}

static void gen_alu(struct gen *g, const struct ir_expr *e, int op)
{
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	const struct ir_expr *b = e->args[1];

	if (b->op == IR_CONST && b->imm >= INT32_MIN && b->imm <= INT32_MAX) {
		gen_expr(g, e->args[0]);
		em_alui(&g->em, op, R0, shift ? (b->imm & 63) : b->imm);
		return;
	}
	gen_pair(g, e->args[0], b);
	if (shift)
		em_alui(&g->em, BPF_AND, R1, 63);
	em_alu(&g->em, op, R0, R1);
}

/* |reg|, its sign mask in `mask` */
static void gen_abs(struct gen *g, int reg, int mask)
{
	em_mov(&g->em, mask, reg);
	em_alui(&g->em, BPF_ARSH, mask, 63);
	em_alu(&g->em, BPF_XOR, reg, mask);
	em_alu(&g->em, BPF_SUB, reg, mask);
}

/* Whether the value cannot be negative, by the operation alone. */
static bool is_natural(const struct ir_expr *e)
{
	switch (e->op) {
	case IR_CONST:
		return e->imm >= 0;
	case IR_ZEXT:
		return e->imm < 64;
	case IR_USHR:
		return e->args[1]->op == IR_CONST && (e->args[1]->imm & 63) > 0;
	case IR_AND:
		return is_natural(e->args[0]) || is_natural(e->args[1]);
	case IR_PID:
	case IR_TID:
	case IR_CPU:
	case IR_TIME_NS:
	case IR_KTIME_NS:
	case IR_STRLEN:
		return true;
	case IR_DIV:
		return is_natural(e->args[0]) && is_natural(e->args[1]);
	case IR_MOD:
		return is_natural(e->args[0]);
	default:
		return false;
	}
}

static void gen_sign(struct emit *em)
{
	em_alu(em, BPF_XOR, R0, R2);
	em_alu(em, BPF_SUB, R0, R2);
}

/* By a constant n > 0. */
static void gen_div_const(struct gen *g, const struct ir_expr *dividend, bool mod, int32_t n)
{
	bool sign = !is_natural(dividend), power = !(n & (n - 1));
	struct emit *em = &g->em;

	gen_expr(g, dividend);
	if (sign)
		gen_abs(g, R0, R2);
	if (mod)
		em_alui(em, power ? BPF_AND : BPF_MOD, R0, power ? n - 1 : n);
	else
		em_alui(em, power ? BPF_RSH : BPF_DIV, R0, power ? __builtin_ctz((unsigned)n) : n);
	if (sign)
		gen_sign(em);
}

/* eBPF v3 divides without sign: take absolute values and put the sign back. */
static void gen_div(struct gen *g, const struct ir_expr *e)
{
	const struct ir_expr *by = e->args[1];
	struct emit *em = &g->em;
	bool mod = e->op == IR_MOD;

	if (by->op == IR_CONST && by->imm > 0 && by->imm <= INT32_MAX) {
		gen_div_const(g, e->args[0], mod, (int32_t)by->imm);
		return;
	}
	gen_pair(g, e->args[0], by);
	if (by->op != IR_CONST || by->imm == 0)
		em_jcci(em, BPF_JEQ, R1, 0, gen_error_label(g, WERR_DIV0, &e->at, false));
	gen_abs(g, R0, R2);
	gen_abs(g, R1, R3);
	em_alu(em, mod ? BPF_MOD : BPF_DIV, R0, R1);
	if (!mod)
		em_alu(em, BPF_XOR, R2, R3);
	gen_sign(em);
}

/* r0 = r0 != 0, then inverted if `not` */
static void gen_bool(struct gen *g, bool not)
{
	em_mov(&g->em, R1, R0);
	em_neg(&g->em, R1);
	em_alu(&g->em, BPF_OR, R0, R1);
	em_alui(&g->em, BPF_RSH, R0, 63);
	if (not)
		em_alui(&g->em, BPF_XOR, R0, 1);
}

/* r0 = a < b, signed: the sign of a - b, corrected for overflow */
static void gen_less(struct gen *g, int a, int b)
{
	em_mov(&g->em, R2, a);
	em_alu(&g->em, BPF_XOR, R2, b);
	em_mov(&g->em, R3, a);
	em_alu(&g->em, BPF_SUB, R3, b);
	em_mov(&g->em, R4, a);
	em_alu(&g->em, BPF_XOR, R4, R3);
	em_alu(&g->em, BPF_AND, R4, R2);
	em_alu(&g->em, BPF_XOR, R4, R3);
	em_mov(&g->em, R0, R4);
	em_alui(&g->em, BPF_RSH, R0, 63);
}

/* r0 = r0 < r1, unsigned: the borrow of the subtraction */
static void gen_below(struct gen *g)
{
	em_mov(&g->em, R2, R0);
	em_alu(&g->em, BPF_SUB, R2, R1);
	em_mov(&g->em, R3, R0);
	em_alu(&g->em, BPF_XOR, R3, R1);
	em_alui(&g->em, BPF_XOR, R3, -1);
	em_alu(&g->em, BPF_AND, R2, R3);
	em_alui(&g->em, BPF_XOR, R0, -1);
	em_alu(&g->em, BPF_AND, R0, R1);
	em_alu(&g->em, BPF_OR, R0, R2);
	em_alui(&g->em, BPF_RSH, R0, 63);
}

static void gen_compare(struct gen *g, const struct ir_expr *e)
{
	gen_pair(g, e->args[0], e->args[1]);
	switch (e->op) {
	case IR_EQ:
	case IR_NE:
		em_alu(&g->em, BPF_XOR, R0, R1);
		gen_bool(g, e->op == IR_EQ);
		return;
	case IR_LT:
	case IR_GE:
		gen_less(g, R0, R1);
		break;
	case IR_GT:
	case IR_LE:
		gen_less(g, R1, R0);
		break;
	default:
		gen_below(g);
		return;
	}
	if (e->op == IR_GE || e->op == IR_LE)
		em_alui(&g->em, BPF_XOR, R0, 1);
}

/* 0 or 1 by jumps; through memory, so that the verifier does not follow the two constants. */
static void gen_lazy(struct gen *g, const struct ir_expr *e)
{
	em_label no = em_new_label(&g->em);
	struct mem w = gen_word(g);

	gen_sti(g, w, 0);
	gen_jump_if(g, e, false, no);
	gen_sti(g, w, 1);
	em_bind(&g->em, no);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static void gen_select(struct gen *g, const struct ir_expr *e)
{
	em_label other = em_new_label(&g->em), done = em_new_label(&g->em);
	struct mem w = gen_word(g);

	gen_jump_if(g, e->args[0], false, other);
	gen_expr(g, e->args[1]);
	gen_st(g, w, R0);
	em_jmp(&g->em, done);
	em_bind(&g->em, other);
	gen_expr(g, e->args[2]);
	gen_st(g, w, R0);
	em_bind(&g->em, done);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static void gen_bits(struct gen *g, const struct ir_expr *e)
{
	int drop = 64 - (int)e->imm;

	gen_expr(g, e->args[0]);
	if (e->op == IR_BSWAP) {
		em_bswap(&g->em, R0, (int)e->imm);
		return;
	}
	em_alui(&g->em, BPF_LSH, R0, drop);
	em_alui(&g->em, e->op == IR_SEXT ? BPF_ARSH : BPF_RSH, R0, drop);
}

void gen_expr(struct gen *g, const struct ir_expr *e)
{
	int op = alu_op(e->op);

	if (g->em.err)
		return;
	if (op >= 0) {
		gen_alu(g, e, op);
		return;
	}
	switch (e->op) {
	case IR_CONST:
	case IR_LOCAL:
		if (e->op == IR_LOCAL)
			gen_ld(g, R0, g->fn->locals[e->sym]);
		else
			em_movi(&g->em, R0, e->imm);
		return;
	case IR_DIV:
	case IR_MOD:
		gen_div(g, e);
		return;
	case IR_NEG:
		gen_expr(g, e->args[0]);
		em_neg(&g->em, R0);
		return;
	case IR_NOT:
		gen_expr(g, e->args[0]);
		em_alui(&g->em, BPF_XOR, R0, -1);
		return;
	case IR_LNOT:
		gen_expr(g, e->args[0]);
		gen_bool(g, true);
		return;
	case IR_EQ: case IR_NE: case IR_LT: case IR_LE: case IR_GT: case IR_GE: case IR_ULT:
		gen_compare(g, e);
		return;
	case IR_SEXT: case IR_ZEXT: case IR_BSWAP:
		gen_bits(g, e);
		return;
	case IR_ANDTHEN:
	case IR_ORELSE:
		gen_lazy(g, e);
		return;
	case IR_SELECT:
		gen_select(g, e);
		return;
	case IR_CALL:
		gen_call(g, e);
		return;
	default:
		break;
	}
	if (!gen_glob_i64(g, e) && !gen_array_i64(g, e) && !gen_stat_i64(g, e) && !gen_str_i64(g, e) &&
	    !gen_mem_i64(g, e) && !gen_ctx_i64(g, e) && !gen_out(g, e))
		em_fail(&g->em, ir_op_table[e->op].name);
}

static int jump_op(enum ir_op op, bool sense)
{
	switch (op) {
	case IR_EQ: return sense ? BPF_JEQ : BPF_JNE;
	case IR_NE: return sense ? BPF_JNE : BPF_JEQ;
	case IR_LT: return sense ? BPF_JSLT : BPF_JSGE;
	case IR_LE: return sense ? BPF_JSLE : BPF_JSGT;
	case IR_GT: return sense ? BPF_JSGT : BPF_JSLE;
	case IR_GE: return sense ? BPF_JSGE : BPF_JSLT;
	case IR_ULT: return sense ? BPF_JLT : BPF_JGE;
	default: return -1;
	}
}

void gen_jump_if(struct gen *g, const struct ir_expr *e, bool sense, em_label l)
{
	int op = jump_op(e->op, sense);
	em_label skip;

	if (op >= 0) {
		const struct ir_expr *b = e->args[1];

		if (b->op == IR_CONST && b->imm >= INT32_MIN && b->imm <= INT32_MAX) {
			gen_expr(g, e->args[0]);
			em_jcci(&g->em, op, R0, b->imm, l);
		} else {
			gen_pair(g, e->args[0], b);
			em_jcc(&g->em, op, R0, R1, l);
		}
		return;
	}
	switch (e->op) {
	case IR_CONST:
		if ((e->imm != 0) == sense)
			em_jmp(&g->em, l);
		return;
	case IR_LNOT:
		gen_jump_if(g, e->args[0], !sense, l);
		return;
	case IR_ANDTHEN:
	case IR_ORELSE:
		if ((e->op == IR_ORELSE) == sense) {
			gen_jump_if(g, e->args[0], sense, l);
			gen_jump_if(g, e->args[1], sense, l);
		} else {
			skip = em_new_label(&g->em);
			gen_jump_if(g, e->args[0], !sense, skip);
			gen_jump_if(g, e->args[1], sense, l);
			em_bind(&g->em, skip);
		}
		return;
	default:
		gen_expr(g, e);
		em_jcci(&g->em, sense ? BPF_JNE : BPF_JEQ, R0, 0, l);
	}
}
