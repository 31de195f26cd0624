/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Associative arrays.  Look up first and change in place; only a missing element is inserted
 * (BPF_NOEXIST), by a subprogram per array, then looked up again.
 */
#include "bpf/gen.h"

#include <string.h>

#include "base/ds.h"

#define CONST_KEY_MAX	64	/* longest literal stored word by word */

static bool mentions(const struct ir_expr *e, uint32_t global)
{
	if (ir_op_table[e->op].flags & IRF_SYM_GLOBAL && e->sym == global)
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (mentions(e->args[i], global))
			return true;
	return false;
}

struct mem gen_key_buf(struct gen *g, uint32_t global)
{
	while ((uint32_t)arrlen(g->key_bufs) <= global)
		arrput(g->key_bufs, (struct mem){ 0 });
	if (!g->key_bufs[global].off)
		g->key_bufs[global] = gen_alloc(g, g->u->lo.globals[global].key_size + 8);
	return g->key_bufs[global];
}

/* The key buffer for an operation; its own one if an argument uses the same array. */
static struct mem key_for(struct gen *g, const struct ir_expr *e)
{
	const struct ir_global *gl = g->m->globals[e->sym];

	for (uint32_t k = 0; k < gl->nkeys; k++)
		if (mentions(e->args[k], e->sym))
			return gen_alloc(g, g->u->lo.globals[e->sym].key_size + 8);
	return gen_key_buf(g, e->sym);
}

static void zero_words(struct gen *g, struct mem at, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i += 8)
		gen_sti(g, (struct mem){ at.frame, at.off + (int32_t)i }, 0);
}

static void key_literal(struct gen *g, const char *s, struct mem at, uint32_t bound)
{
	size_t len = strlen(s);

	if (len >= bound)
		len = bound - 1;
	for (uint32_t i = 0; i < round8(bound); i += 8) {
		struct mem w = { at.frame, at.off + (int32_t)i };
		uint64_t v = 0;

		if (i < len)
			memcpy(&v, s + i, len - i < 8 ? len - i : 8);
		if (v <= INT32_MAX) {
			gen_sti(g, w, (int32_t)v);
		} else {
			em_movi(&g->em, R0, (int64_t)v);
			gen_st(g, w, R0);
		}
	}
}

static void key_string(struct gen *g, const struct ir_expr *e, struct mem at, uint32_t bound)
{
	if (e->op == IR_STRLIT && bound <= CONST_KEY_MAX) {
		key_literal(g, e->str, at, bound);
		return;
	}
	if (e->op == IR_EXECNAME && bound >= COMM) {
		zero_words(g, at, 0, round8(bound));
		gen_comm_find(g);
		gen_addr(g, R1, at);
		gen_comm_put(g);
		return;
	}
	gen_need_slot(g);
	gen_str_to(g, e, (struct sref){ at, bound });
	em_movi(&g->em, R2, at.off - SLOT_B);
	em_movi(&g->em, R3, round8(bound));
	gen_routine(g, ROUTINE_rt_strpad);
}

/* Values first into registers or buffers of their own happens by itself: keys are free of effects. */
void gen_keys(struct gen *g, const struct ir_expr *e, struct mem key)
{
	const struct ir_global *gl = g->m->globals[e->sym];
	const struct global_place *pl = &g->u->lo.globals[e->sym];

	for (uint32_t k = 0; k < gl->nkeys; k++) {
		struct mem at = { key.frame, key.off + (int32_t)pl->key_off[k] };
		uint32_t mark = gen_buf_mark(g);

		if (gl->key_type[k] == IR_STR) {
			key_string(g, e->args[k], at, gl->key_bound[k]);
		} else {
			gen_expr(g, e->args[k]);
			gen_st(g, at, R0);
		}
		gen_buf_release(g, mark);
	}
}

static void lookup(struct gen *g, uint32_t global, struct mem key)
{
	em_map_fd(&g->em, R1, g->u->lo.globals[global].map);
	gen_map_key(g, key);
	em_helper(&g->em, BPF_FUNC_map_lookup_elem);
}

/* r0 = value of the element, inserted if missing; a full array is a soft error, another failure ends the hit. */
void gen_array_find_or_make(struct gen *g, const struct ir_expr *e, struct mem key)
{
	struct emit *em = &g->em;
	em_label found = em_new_label(em);

	while ((uint32_t)arrlen(g->make_fn) <= e->sym)
		arrput(g->make_fn, 0);
	if (!g->make_fn[e->sym])
		g->make_fn[e->sym] = em_new_label(em);
	lookup(g, e->sym, key);
	em_jcci(em, BPF_JNE, R0, 0, found);
	gen_addr(g, R1, key);
	em_call(em, g->make_fn[e->sym]);
	em_movi(em, R1, e->sym);
	em_jcci(em, BPF_JEQ, R0, INSERT_FULL, gen_error_label(g, WERR_OVERFLOW, &e->at, true));
	em_jcci(em, BPF_JNE, R0, INSERT_DONE, gen_error_label(g, WERR_GIVEN_UP, &e->at, false));
	lookup(g, e->sym, key);
	em_jcci(em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_GIVEN_UP, &e->at, false));
	em_bind(em, found);
}

static void gen_aload(struct gen *g, const struct ir_expr *e)
{
	struct mem key = key_for(g, e);
	em_label none = em_new_label(&g->em);

	gen_keys(g, e, key);
	lookup(g, e->sym, key);
	em_jcci(&g->em, BPF_JEQ, R0, 0, none);
	em_ldx(&g->em, BPF_DW, R0, R0, 8);
	em_bind(&g->em, none);
}

static void gen_ahas(struct gen *g, const struct ir_expr *e)
{
	struct mem key = key_for(g, e), w = gen_word(g);
	em_label none = em_new_label(&g->em);

	gen_sti(g, w, 0);
	gen_keys(g, e, key);
	lookup(g, e->sym, key);
	em_jcci(&g->em, BPF_JEQ, R0, 0, none);
	gen_sti(g, w, 1);
	em_bind(&g->em, none);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static void gen_aadd(struct gen *g, const struct ir_expr *e)
{
	const struct ir_expr *by = e->args[e->nargs - 1];
	struct mem key = key_for(g, e);
	struct tmp t = { 0 };

	if (by->op != IR_CONST) {
		gen_expr(g, by);
		t = gen_push(g);
	}
	gen_keys(g, e, key);
	gen_array_find_or_make(g, e, key);
	em_mov(&g->em, R1, R0);
	if (by->op == IR_CONST)
		em_movi(&g->em, R0, by->imm);
	else
		gen_pop(g, t, R0);
	em_atomic(&g->em, BPF_DW, BPF_ADD | BPF_FETCH, R1, 8, R0);
}

static void gen_astore(struct gen *g, const struct ir_expr *e)
{
	const struct ir_global *gl = g->m->globals[e->sym];
	const struct ir_expr *val = e->args[e->nargs - 1];
	struct mem key = key_for(g, e);
	uint32_t mark = gen_buf_mark(g);
	struct sref s;
	struct tmp t;

	if (gl->type == IR_STR) {
		s = gen_buf(g);
		if (s.bound > gl->bound)
			s.bound = gl->bound;
		gen_str_to(g, val, s);
		gen_keys(g, e, key);
		gen_array_find_or_make(g, e, key);
		em_mov(&g->em, R1, R0);
		em_alui(&g->em, BPF_ADD, R1, 8);
		em_movi(&g->em, R2, round8(gl->bound));
		gen_addr(g, R3, s.at);
		em_helper(&g->em, BPF_FUNC_probe_read_kernel);
		gen_buf_release(g, mark);
		return;
	}
	gen_expr(g, val);
	t = gen_push(g);
	gen_keys(g, e, key);
	gen_array_find_or_make(g, e, key);
	gen_pop(g, t, R1);
	em_stx(&g->em, BPF_DW, R0, 8, R1);
}

static void count_down(struct gen *g, uint32_t global)
{
	gen_line(g, R1, global);
	em_movi(&g->em, R2, -1);
	em_atomic(&g->em, BPF_DW, BPF_ADD, R1, LINE_VALUE, R2);
}

static void gen_adel(struct gen *g, const struct ir_expr *e)
{
	struct mem key = key_for(g, e);
	em_label none = em_new_label(&g->em);

	gen_keys(g, e, key);
	gen_guard_lock(g, R0);
	em_map_fd(&g->em, R1, g->u->lo.globals[e->sym].map);
	gen_map_key(g, key);
	em_helper(&g->em, BPF_FUNC_map_delete_elem);
	em_jcci(&g->em, BPF_JNE, R0, 0, none);
	count_down(g, e->sym);
	em_bind(&g->em, none);
}

static void gen_aclear(struct gen *g, const struct ir_expr *e)
{
	struct pending pd = { .kind = PEND_CLEAR, .label = em_new_label(&g->em), .global = e->sym,
			      .alone = g->alone };

	arrput(g->pending, pd);
	gen_guard_lock(g, R0);
	em_map_fd(&g->em, R1, g->u->lo.globals[e->sym].map);
	em_func_addr(&g->em, R2, pd.label);
	em_movi(&g->em, R3, 0);
	em_movi(&g->em, R4, 0);
	em_helper(&g->em, BPF_FUNC_for_each_map_elem);
}

/* Callback: r1 map, r2 key */
void gen_clear_fn(struct gen *g, const struct pending *pd)
{
	em_label gone = em_new_label(&g->em);

	em_subprog(&g->em, pd->label, FN_KIND_STATIC);
	em_helper(&g->em, BPF_FUNC_map_delete_elem);
	em_jcci(&g->em, BPF_JNE, R0, 0, gone);
	count_down(g, pd->global);
	em_bind(&g->em, gone);
	em_movi(&g->em, R0, 0);
	em_exit(&g->em);
}

bool gen_array_i64(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_ALOAD:
		gen_aload(g, e);
		return true;
	case IR_AHAS:
		gen_ahas(g, e);
		return true;
	case IR_ASTORE:
		gen_astore(g, e);
		return true;
	case IR_AADD:
		gen_aadd(g, e);
		return true;
	case IR_ADEL:
		gen_adel(g, e);
		return true;
	case IR_ACLEAR:
		if (!g->m->globals[e->sym]->is_array)
			return false;
		gen_aclear(g, e);
		return true;
	case IR_ASIZE:
		gen_line(g, R0, e->sym);
		em_ldx(&g->em, BPF_DW, R0, R0, LINE_VALUE);
		return true;
	default:
		return false;
	}
}

/* aload of a string */
void gen_array_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	uint32_t mark = gen_buf_mark(g), bound = g->m->globals[e->sym]->bound;
	struct mem key = key_for(g, e);
	em_label none = em_new_label(&g->em);
	struct sref t = gen_buf(g);

	gen_keys(g, e, key);
	gen_sti(g, t.at, 0);
	lookup(g, e->sym, key);
	em_jcci(&g->em, BPF_JEQ, R0, 0, none);
	gen_addr(g, R1, t.at);
	em_mov(&g->em, R3, R0);
	em_alui(&g->em, BPF_ADD, R3, 8);
	em_movi(&g->em, R2, round8(bound));
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	em_bind(&g->em, none);
	t.bound = bound;
	gen_str_copy(g, dst, t);
	gen_buf_release(g, mark);
}
