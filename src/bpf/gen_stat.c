/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics: every CPU has its share; adding is a few atomic instructions on it (a nested hit or a
 * preempted one may share the CPU), reading merges the shares into the slot.
 */
#include "bpf/gen.h"

#include "base/ds.h"
#include "ir/store.h"

#define ST(field)	((int)offsetof(struct wire_stat, field))
#define RACE_TRIES	4	/* a share's minimum is raced for by nested hits only */

static bool reads(const struct ir_global *gl, enum ir_stat which)
{
	return gl->stat_ops & (1u << which);
}

/* r6 share, r7 value: keeps the lower (BPF_JSLE) or higher (BPF_JSGE) */
static void keep_extreme(struct gen *g, int off, int op)
{
	struct emit *em = &g->em;
	em_label done = em_new_label(em);

	for (int i = 0; i < RACE_TRIES; i++) {
		em_ldx(em, BPF_DW, R0, R6, off);
		em_jcc(em, op, R0, R7, done);
		em_mov(em, R1, R0);
		em_mov(em, R2, R7);
		em_atomic(em, BPF_DW, BPF_CMPXCHG, R6, off, R2);
		em_jcc(em, BPF_JEQ, R0, R1, done);
	}
	em_bind(em, done);
}

/* sq_hi:sq_lo += v * v; see ir/statmath.h */
static void add_square(struct gen *g)
{
	struct emit *em = &g->em;
	em_label no1 = em_new_label(em), no2 = em_new_label(em);

	em_mov(em, R1, R7);
	em_alui(em, BPF_ARSH, R1, 63);
	em_mov(em, R0, R7);
	em_alu(em, BPF_XOR, R0, R1);
	em_alu(em, BPF_SUB, R0, R1);
	em_mov(em, R1, R0);
	em_alui(em, BPF_RSH, R0, 32);		/* a */
	em_alui(em, BPF_LSH, R1, 32);
	em_alui(em, BPF_RSH, R1, 32);		/* b */
	em_mov(em, R2, R0);
	em_alu(em, BPF_MUL, R2, R1);		/* cross */
	em_alu(em, BPF_MUL, R1, R1);		/* low */
	em_alu(em, BPF_MUL, R0, R0);
	em_mov(em, R3, R2);
	em_alui(em, BPF_RSH, R3, 31);
	em_alu(em, BPF_ADD, R0, R3);		/* high */
	em_alui(em, BPF_LSH, R2, 33);
	em_mov(em, R3, R1);
	em_alu(em, BPF_ADD, R3, R2);		/* sum */
	em_jcc(em, BPF_JGE, R3, R1, no1);
	em_alui(em, BPF_ADD, R0, 1);
	em_bind(em, no1);
	em_mov(em, R4, R3);
	em_atomic(em, BPF_DW, BPF_ADD | BPF_FETCH, R6, ST(sq_lo), R4);
	em_alu(em, BPF_ADD, R3, R4);
	em_jcc(em, BPF_JGE, R3, R4, no2);
	em_alui(em, BPF_ADD, R0, 1);
	em_bind(em, no2);
	em_atomic(em, BPF_DW, BPF_ADD, R6, ST(sq_hi), R0);
}

static void call_raw(struct gen *g, int routine)
{
	if (!g->routine[routine])
		g->routine[routine] = em_new_label(&g->em);
	em_call(&g->em, g->routine[routine]);
}

static void add_bucket(struct gen *g, const struct ir_global *gl)
{
	struct emit *em = &g->em;
	uint32_t n = ir_hist_buckets(gl);
	em_label none = em_new_label(em);

	em_mov(em, R1, R7);
	if (gl->hist == IR_HIST_LOG) {
		call_raw(g, ROUTINE_rt_log_bucket);
	} else {
		em_movi(em, R2, gl->hist_lo);
		em_movi(em, R3, gl->hist_step);
		em_movi(em, R4, n);
		call_raw(g, ROUTINE_rt_linear_bucket);
	}
	em_jcci(em, BPF_JGE, R0, n, none);
	em_alui(em, BPF_LSH, R0, 3);
	em_alu(em, BPF_ADD, R6, R0);
	em_movi(em, R1, 1);
	em_atomic(em, BPF_DW, BPF_ADD, R6, ST(bucket), R1);
	em_bind(em, none);
}

/* r1 = share, r2 = value */
static void gen_add_fn(struct gen *g, uint32_t global)
{
	const struct ir_global *gl = g->m->globals[global];
	struct emit *em = &g->em;

	em_subprog(em, g->stat_fn[global], FN_KIND_STATIC);
	em_mov(em, R6, R1);
	em_mov(em, R7, R2);
	em_movi(em, R1, 1);
	em_atomic(em, BPF_DW, BPF_ADD, R6, ST(count), R1);
	em_atomic(em, BPF_DW, BPF_ADD, R6, ST(sum), R7);
	if (reads(gl, IR_STAT_MIN))
		keep_extreme(g, ST(min), BPF_JSLE);
	if (reads(gl, IR_STAT_MAX))
		keep_extreme(g, ST(max), BPF_JSGE);
	if (reads(gl, IR_STAT_VARIANCE))
		add_square(g);
	if (gl->hist != IR_HIST_NONE)
		add_bucket(g, gl);
	em_movi(em, R0, 0);
	em_exit(em);
}

void gen_stat_fns(struct gen *g)
{
	for (ptrdiff_t i = 0; i < arrlen(g->stat_fn); i++)
		if (em_used(&g->em, g->stat_fn[i]))
			gen_add_fn(g, (uint32_t)i);
}

/* r1 = this CPU's share, of an array: of the element whose value is in r0.  r0 lost. */
static void share(struct gen *g, uint32_t global, em_label none)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;
	struct tmp t = { 0 };

	if (g->m->globals[global]->is_array)
		t = gen_push(g);
	em_helper(em, BPF_FUNC_get_smp_processor_id);
	em_jcci(em, BPF_JGE, R0, g->u->lo.ncpu, none);
	em_alui(em, BPF_MUL, R0, pl->stat_stride);
	if (g->m->globals[global]->is_array) {
		gen_pop(g, t, R1);
		em_alui(em, BPF_ADD, R1, 8);
	} else {
		gen_vars(g, R1, pl->stat);
	}
	em_alu(em, BPF_ADD, R1, R0);
}

static void gen_add(struct gen *g, const struct ir_expr *e)
{
	const struct ir_global *gl = g->m->globals[e->sym];
	const struct ir_expr *val = e->args[e->nargs - 1];
	bool plain = gl->hist == IR_HIST_NONE && !reads(gl, IR_STAT_MIN) && !reads(gl, IR_STAT_MAX) &&
		     !reads(gl, IR_STAT_VARIANCE);
	em_label none = em_new_label(&g->em);
	struct mem v, key;

	v = gen_keep(g, val);
	if (gl->is_array) {
		key = gen_key_buf(g, e->sym);
		gen_keys(g, e, key);
		gen_array_find_or_make(g, e, key);
	}
	/* without a slot a push must be a register: a pointer does not survive memory */
	share(g, e->sym, none);
	gen_ld(g, R2, v);
	if (plain) {
		em_movi(&g->em, R3, 1);
		em_atomic(&g->em, BPF_DW, BPF_ADD, R1, ST(count), R3);
		em_atomic(&g->em, BPF_DW, BPF_ADD, R1, ST(sum), R2);
	} else {
		while ((uint32_t)arrlen(g->stat_fn) <= e->sym)
			arrput(g->stat_fn, 0);
		if (!g->stat_fn[e->sym])
			g->stat_fn[e->sym] = em_new_label(&g->em);
		em_call(&g->em, g->stat_fn[e->sym]);
	}
	em_bind(&g->em, none);
	gen_word_free(g, v);
}

/* Where the merged aggregate of a global is made, and the routine's scratch behind it. */
static struct mem merged_at(struct gen *g, uint32_t global)
{
	uint32_t size = round8((uint32_t)ir_stat_size(g->m->globals[global]));

	while ((uint32_t)arrlen(g->stat_bufs) <= global)
		arrput(g->stat_bufs, (struct mem){ 0 });
	if (!g->stat_bufs[global].off)
		g->stat_bufs[global] = gen_alloc(g, 2 * size);
	return g->stat_bufs[global];
}

/* arg[0] = address of CPU 0's share: merges all into merged_at(); r0-r5 lost */
static void merge(struct gen *g, uint32_t global)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct mem st = merged_at(g, global);
	uint32_t size = round8((uint32_t)ir_stat_size(g->m->globals[global]));

	gen_sti(g, gen_arg(1), (int32_t)pl->stat_stride);
	gen_sti(g, gen_arg(2), (int32_t)g->u->lo.ncpu);
	em_movi(&g->em, R2, st.off - SLOT_B);
	em_movi(&g->em, R3, st.off + (int32_t)size - SLOT_B);
	em_movi(&g->em, R4, size / 8);
	gen_routine(g, ROUTINE_bk_stat_merge);
}

struct mem gen_stat_merge(struct gen *g, uint32_t global, struct mem key, em_label missing)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct mem st;

	gen_need_slot(g);
	st = merged_at(g, global);
	gen_sti(g, st, 0);
	if (g->m->globals[global]->is_array) {
		em_map_fd(&g->em, R1, pl->map);
		gen_map_key(g, key);
		em_helper(&g->em, BPF_FUNC_map_lookup_elem);
		em_jcci(&g->em, BPF_JEQ, R0, 0, missing);
		em_alui(&g->em, BPF_ADD, R0, 8);
	} else {
		gen_vars(g, R0, pl->stat);
	}
	gen_st(g, gen_arg(0), R0);
	merge(g, global);
	return st;
}

void gen_stat_merge_ptr(struct gen *g, uint32_t global, int reg)
{
	em_alui(&g->em, BPF_ADD, reg, 8);
	gen_st(g, gen_arg(0), reg);
	merge(g, global);
}

static struct mem at(struct mem st, int off)
{
	return (struct mem){ st.frame, st.off + off };
}

/* r0 = the value asked for, of a merged aggregate that is not empty */
void gen_stat_value(struct gen *g, uint32_t global, enum ir_stat which)
{
	struct emit *em = &g->em;
	struct mem st = merged_at(g, global);

	switch (which) {
	case IR_STAT_COUNT: gen_ld(g, R0, at(st, ST(count))); break;
	case IR_STAT_SUM: gen_ld(g, R0, at(st, ST(sum))); break;
	case IR_STAT_MIN: gen_ld(g, R0, at(st, ST(min))); break;
	case IR_STAT_MAX: gen_ld(g, R0, at(st, ST(max))); break;
	case IR_STAT_AVG:
		gen_ld(g, R0, at(st, ST(sum)));
		gen_ld(g, R1, at(st, ST(count)));
		em_mov(em, R2, R0);
		em_alui(em, BPF_ARSH, R2, 63);
		em_alu(em, BPF_XOR, R0, R2);
		em_alu(em, BPF_SUB, R0, R2);
		em_alu(em, BPF_DIV, R0, R1);
		em_alu(em, BPF_XOR, R0, R2);
		em_alu(em, BPF_SUB, R0, R2);
		break;
	case IR_STAT_VARIANCE:
		em_movi(em, R2, st.off - SLOT_B);
		gen_routine(g, ROUTINE_bk_variance);
		break;
	}
}

static struct mem merge_for(struct gen *g, const struct ir_expr *e, em_label merged)
{
	struct mem key = { 0 };

	gen_need_slot(g);
	if (g->m->globals[e->sym]->is_array) {
		key = gen_key_buf(g, e->sym);
		gen_keys(g, e, key);
	}
	return gen_stat_merge(g, e->sym, key, merged);
}

static void gen_get(struct gen *g, const struct ir_expr *e)
{
	em_label merged = em_new_label(&g->em), empty = em_new_label(&g->em);
	struct mem st = merge_for(g, e, merged), w = gen_word(g);
	bool zero = e->imm == IR_STAT_COUNT || e->imm == IR_STAT_SUM;

	em_bind(&g->em, merged);
	gen_sti(g, w, 0);
	gen_ld(g, R0, st);
	em_jcci(&g->em, BPF_JEQ, R0, 0,
		zero ? empty : gen_error_label(g, WERR_EMPTY_AGG, &e->at, false));
	gen_stat_value(g, e->sym, (enum ir_stat)e->imm);
	gen_st(g, w, R0);
	em_bind(&g->em, empty);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* r0 = count of bucket number r0 (known to be in range) of the merged aggregate */
static void gen_bucket(struct gen *g, uint32_t global)
{
	struct mem st = merged_at(g, global);

	em_alui(&g->em, BPF_AND, R0, pow2_ceil(g->u->lo.globals[global].nbuckets) - 1);
	em_alui(&g->em, BPF_LSH, R0, 3);
	em_alu(&g->em, BPF_ADD, R0, R6);
	em_alui(&g->em, BPF_ADD, R0, st.off + ST(bucket));
	em_ldx(&g->em, BPF_DW, R0, R0, 0);
}

static void gen_hist_count(struct gen *g, const struct ir_expr *e)
{
	em_label merged = em_new_label(&g->em);
	struct mem i, st;

	i = gen_keep(g, e->args[e->nargs - 1]);
	st = merge_for(g, e, merged);
	em_bind(&g->em, merged);
	gen_ld(g, R0, st);
	em_jcci(&g->em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_EMPTY_AGG, &e->at, false));
	gen_ld(g, R0, i);
	gen_word_free(g, i);
	em_jcci(&g->em, BPF_JGE, R0, g->u->lo.globals[e->sym].nbuckets,
		gen_error_label(g, WERR_HIST_RANGE, &e->at, false));
	gen_bucket(g, e->sym);
}

/* All shares of a scalar become the initial value. */
static void gen_stat_clear(struct gen *g, const struct ir_expr *e)
{
	const struct global_place *pl = &g->u->lo.globals[e->sym];

	gen_vars(g, R1, pl->stat);
	em_movi(&g->em, R2, (int64_t)pl->stat_stride * g->u->lo.ncpu_pow2);
	gen_vars(g, R3, pl->tmpl);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
}

bool gen_stat_i64(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_STAT_ADD:
		gen_add(g, e);
		return true;
	case IR_STAT_GET:
		gen_get(g, e);
		return true;
	case IR_HIST_COUNT:
		gen_hist_count(g, e);
		return true;
	case IR_HIST_BUCKETS:
		em_movi(&g->em, R0, g->u->lo.globals[e->sym].nbuckets);
		return true;
	case IR_ACLEAR:
		gen_stat_clear(g, e);
		return true;
	default:
		return false;
	}
}
