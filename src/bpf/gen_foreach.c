/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreach: a callback over the map collects the elements' addresses with their sort keys into the slot's part
 * of MAP_COLLS; they are made a heap, and each round of the loop takes out the first.  So a loop that
 * is left early, or limited, does not pay for sorting everything.
 */
#include "bpf/gen.h"

#include "base/ds.h"

#define STACK_COLL	(-32)	/* what the callback gets: pointers to the collection and to the slot */
#define STACK_COLL_SLOT	(-24)
#define ELEMS		((int)offsetof(struct coll, e))
#define CUR(field)	((int)(offsetof(struct coll, cur) + offsetof(struct coll_elem, field)))

struct walk {
	const struct ir_foreach *fe;
	const struct ir_global *gl;
	const struct global_place *pl;
	uint64_t coll;		/* offset within the slot's part */
	struct mem limit;
	struct mem slice[IR_MAX_KEYS];	/* words, or string buffers */
};

static uint64_t coll_bytes(const struct unit *u)
{
	return ELEMS + (uint64_t)u->coll_cap * sizeof(struct coll_elem);
}

/* dst = the collection */
static void coll_addr(struct gen *g, const struct walk *w, int dst)
{
	struct emit *em = &g->em;

	if (g->fn->sub) {
		gen_ld(g, R0, gen_hdr(HDR(sp)));
		em_alui(em, BPF_AND, R0, g->frame_levels - 1);
		em_alui(em, BPF_MUL, R0, (int64_t)coll_bytes(g->u));
	}
	gen_ld(g, dst, gen_hdr(HDR(index)));
	em_alui(em, BPF_AND, dst, g->u->lo.ncpu_pow2 * SLOTS_PER_CPU - 1);
	em_alui(em, BPF_MUL, dst, (int64_t)g->u->coll_size);
	g->uses_sizes = true;
	if (g->fn->sub)
		em_alu(em, BPF_ADD, dst, R0);
	em_map_value(em, R0, MAP_COLLS, w->coll);
	em_alu(em, BPF_ADD, R0, dst);
	em_mov(em, dst, R0);
}

static bool sorts_strings(const struct walk *w)
{
	if (w->fe->sort == IR_SORT_KEY)
		return w->gl->key_type[w->fe->sort_key] == IR_STR;
	return w->fe->sort == IR_SORT_VALUE && w->gl->type == IR_STR;
}

static void call_coll(struct gen *g, const struct walk *w, int routine)
{
	coll_addr(g, w, R1);
	if (!g->routine[routine])
		g->routine[routine] = em_new_label(&g->em);
	em_call(&g->em, g->routine[routine]);
}

static void gen_collect(struct gen *g, const struct walk *w)
{
	struct pending pd = { .kind = PEND_COLLECT, .label = em_new_label(&g->em),
			      .global = w->fe->global, .fe = w->fe, .alone = g->alone };
	struct emit *em = &g->em;

	arrput(g->pending, pd);
	coll_addr(g, w, R1);
	em_sti(em, BPF_DW, R1, offsetof(struct coll, n), 0);
	em_sti(em, BPF_DW, R1, offsetof(struct coll, desc), w->fe->descending);
	em_sti(em, BPF_DW, R1, offsetof(struct coll, in_value), w->fe->sort == IR_SORT_VALUE);
	em_sti(em, BPF_DW, R1, offsetof(struct coll, str_off),
	       w->fe->sort == IR_SORT_KEY ? (int32_t)w->pl->key_off[w->fe->sort_key] : 8);
	em_sti(em, BPF_DW, R1, offsetof(struct coll, str_len),
	       !sorts_strings(w) ? 0 : w->fe->sort == IR_SORT_KEY ?
	       (int32_t)round8(w->gl->key_bound[w->fe->sort_key]) : (int32_t)round8(w->gl->bound));
	em_stx(em, BPF_DW, R10, STACK_COLL, R1);
	em_stx(em, BPF_DW, R10, STACK_COLL_SLOT, R6);
	em_map_fd(em, R1, w->pl->map);
	em_func_addr(em, R2, pd.label);
	em_mov(em, R3, R10);
	em_alui(em, BPF_ADD, R3, STACK_COLL);
	em_movi(em, R4, 0);
	em_helper(em, BPF_FUNC_for_each_map_elem);
	call_coll(g, w, sorts_strings(w) ? ROUTINE_bk_heap_str : ROUTINE_bk_heap);
}

/* r0 = sort key of the element (key at r7, value at r8), signed order or big-endian text */
static void sort_key(struct gen *g, const struct walk *w)
{
	struct emit *em = &g->em;
	bool text = sorts_strings(w);

	switch (w->fe->sort) {
	case IR_SORT_NONE:
		em_ldx(em, BPF_DW, R0, R8, 0);
		return;
	case IR_SORT_KEY:
		em_ldx(em, BPF_DW, R0, R7, (int)w->pl->key_off[w->fe->sort_key]);
		break;
	case IR_SORT_VALUE:
		em_ldx(em, BPF_DW, R0, R8, 8);
		break;
	case IR_SORT_STAT:
		em_mov(em, R1, R8);
		gen_stat_merge_ptr(g, w->fe->global, R1);
		gen_stat_value(g, w->fe->global, w->fe->sort_stat);
		break;
	}
	if (text) {
		em_bswap(em, R0, 64);
	} else {
		em_movi(em, R1, INT64_MIN);
		em_alu(em, BPF_XOR, R0, R1);
	}
	if (w->fe->descending)
		em_alui(em, BPF_XOR, R0, -1);
}

/* Callback of bpf_for_each_map_elem: r2 key, r3 value, r4 -> {collection, slot} */
void gen_collect_fn(struct gen *g, const struct pending *pd)
{
	struct walk w = { .fe = pd->fe, .gl = g->m->globals[pd->global],
			  .pl = &g->u->lo.globals[pd->global] };
	struct emit *em = &g->em;
	em_label full = em_new_label(em);
	struct mem keep = gen_alloc(g, 8);

	em_subprog(em, pd->label, FN_KIND_STATIC);
	em_ldx(em, BPF_DW, R9, R4, 0);
	em_ldx(em, BPF_DW, R6, R4, STACK_COLL_SLOT - STACK_COLL);
	em_mov(em, R7, R2);
	em_mov(em, R8, R3);
	sort_key(g, &w);
	gen_st(g, keep, R0);
	em_ldx(em, BPF_DW, R1, R9, offsetof(struct coll, n));
	em_jcci(em, BPF_JGE, R1, g->u->coll_cap, full);
	em_mov(em, R2, R1);
	em_alui(em, BPF_ADD, R2, 1);
	em_stx(em, BPF_DW, R9, offsetof(struct coll, n), R2);
	em_alui(em, BPF_AND, R1, g->u->coll_cap - 1);
	em_alui(em, BPF_MUL, R1, sizeof(struct coll_elem));
	em_alu(em, BPF_ADD, R9, R1);
	em_alui(em, BPF_ADD, R9, ELEMS);
	gen_ld(g, R0, keep);
	em_stx(em, BPF_DW, R9, offsetof(struct coll_elem, key), R0);
	em_ldx(em, BPF_DW, R0, R8, 0);
	em_stx(em, BPF_DW, R9, offsetof(struct coll_elem, seq), R0);
	em_stx(em, BPF_DW, R9, offsetof(struct coll_elem, kaddr), R7);
	em_stx(em, BPF_DW, R9, offsetof(struct coll_elem, vaddr), R8);
	em_movi(em, R0, 0);
	em_exit(em);
	em_bind(em, full);
	em_movi(em, R0, 1);
	em_exit(em);
}

/* Copies `size` bytes at the current element's key (or value) + off to `to`. */
static void fetch(struct gen *g, const struct walk *w, bool value, uint32_t off, struct mem to,
		  uint32_t size)
{
	coll_addr(g, w, R4);
	em_ldx(&g->em, BPF_DW, R3, R4, value ? CUR(vaddr) : CUR(kaddr));
	em_alui(&g->em, BPF_ADD, R3, off);
	em_movi(&g->em, R2, size);
	gen_addr(g, R1, to);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
}

static void set_local(struct gen *g, const struct walk *w, int32_t local, bool value, uint32_t off,
		      enum ir_type type, uint32_t bound)
{
	uint32_t mark = gen_buf_mark(g);
	struct sref dst, t;

	if (local < 0)
		return;
	dst = (struct sref){ g->fn->locals[local], g->fn->f->locals[local].bound };
	if (type != IR_STR) {
		fetch(g, w, value, off, dst.at, 8);
		return;
	}
	if (dst.bound >= bound) {
		fetch(g, w, value, off, dst.at, round8(bound));
		return;
	}
	t = gen_buf(g);
	fetch(g, w, value, off, t.at, round8(bound));
	t.bound = bound;
	gen_str_copy(g, dst, t);
	gen_buf_release(g, mark);
}

/* Elements deleted meanwhile, or not of the slice, are passed over. */
static void pass_over(struct gen *g, const struct walk *w, em_label next)
{
	struct mem t = gen_word(g);

	fetch(g, w, true, 0, t, 8);
	em_jcci(&g->em, BPF_JNE, R0, 0, next);
	coll_addr(g, w, R1);
	em_ldx(&g->em, BPF_DW, R1, R1, CUR(seq));
	gen_ld(g, R0, t);
	em_jcc(&g->em, BPF_JNE, R0, R1, next);
	for (uint32_t k = 0; k < w->fe->nkeys; k++) {
		uint32_t mark = gen_buf_mark(g);
		struct sref s;

		if (!w->fe->slice[k])
			continue;
		if (w->gl->key_type[k] != IR_STR) {
			fetch(g, w, false, w->pl->key_off[k], t, 8);
			gen_ld(g, R0, t);
			gen_ld(g, R1, w->slice[k]);
			em_jcc(&g->em, BPF_JNE, R0, R1, next);
			continue;
		}
		s = gen_buf(g);
		fetch(g, w, false, w->pl->key_off[k], s.at, round8(w->gl->key_bound[k]));
		gen_soff(g, R2, s);
		gen_soff(g, R3, (struct sref){ w->slice[k], g->m->maxstr });
		gen_routine(g, ROUTINE_rt_strcmp);
		em_jcci(&g->em, BPF_JNE, R0, 0, next);
		gen_buf_release(g, mark);
	}
	gen_word_free(g, t);
}

static void walk_elements(struct gen *g, const struct ir_stmt *s, struct walk *w)
{
	struct loop l = gen_loop_begin(g, &s->at);

	if (w->fe->limit) {
		gen_ld(g, R0, w->limit);
		em_jcci(&g->em, BPF_JSLE, R0, 0, g->brk);
	}
	call_coll(g, w, sorts_strings(w) ? ROUTINE_bk_pop_str : ROUTINE_bk_pop);
	em_jcci(&g->em, BPF_JEQ, R0, 0, g->brk);
	pass_over(g, w, g->cont);
	for (uint32_t k = 0; k < w->fe->nkeys; k++)
		set_local(g, w, w->fe->key_local[k], false, w->pl->key_off[k], w->gl->key_type[k],
			  w->gl->key_bound[k]);
	if (w->gl->type != IR_STAT)
		set_local(g, w, w->fe->value_local, true, 8, w->gl->type, w->gl->bound);
	if (w->fe->limit) {
		gen_ld(g, R0, w->limit);
		em_alui(&g->em, BPF_SUB, R0, 1);
		gen_st(g, w->limit, R0);
	}
	gen_stmts(g, s->body);
	em_bind(&g->em, g->cont);
	gen_loop_again(g, l);
}

static void walk_array(struct gen *g, const struct ir_stmt *s, struct walk *w)
{
	for (uint32_t k = 0; k < w->fe->nkeys; k++) {
		const struct ir_expr *e = w->fe->slice[k];

		if (!e)
			continue;
		if (e->type == IR_STR) {
			w->slice[k] = gen_alloc(g, round8(g->m->maxstr) + 8);
			gen_str_to(g, e, (struct sref){ w->slice[k], g->m->maxstr });
		} else {
			gen_expr(g, e);
			w->slice[k] = gen_local_word(g);
			gen_st(g, w->slice[k], R0);
		}
	}
	w->coll = g->colls;
	g->colls += coll_bytes(g->u) * (g->fn->sub ? g->frame_levels : 1);
	gen_collect(g, w);
	walk_elements(g, s, w);
}

static void walk_hist(struct gen *g, const struct ir_stmt *s, struct walk *w)
{
	struct ir_expr probe = { .op = IR_STAT_GET, .sym = w->fe->global, .args = w->fe->hist_keys,
				 .nargs = w->gl->is_array ? w->gl->nkeys : 0 };
	em_label merged = em_new_label(&g->em);
	struct mem key = { 0 }, i = gen_local_word(g);
	uint32_t n = w->pl->nbuckets;
	struct mem buckets, st;
	struct loop l;

	if (w->gl->is_array) {
		key = gen_key_buf(g, w->fe->global);
		gen_keys(g, &probe, key);
	}
	buckets = gen_alloc(g, 8 * pow2_ceil(n));
	for (uint32_t k = 0; k < n; k++)
		gen_sti(g, (struct mem){ .off = buckets.off + 8 * (int32_t)k }, 0);
	st = gen_stat_merge(g, w->fe->global, key, merged);
	gen_addr(g, R1, buckets);
	em_movi(&g->em, R2, n * 8);
	gen_addr(g, R3, (struct mem){ .off = st.off + (int)offsetof(struct wire_stat, bucket) });
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	em_bind(&g->em, merged);
	gen_sti(g, i, 0);
	l = gen_loop_begin(g, &s->at);
	gen_ld(g, R0, i);
	em_jcci(&g->em, BPF_JGE, R0, n, g->brk);
	if (w->fe->limit) {
		gen_ld(g, R1, w->limit);
		em_jcc(&g->em, BPF_JSGE, R0, R1, g->brk);
	}
	if (w->fe->key_local[0] >= 0)
		gen_st(g, g->fn->locals[w->fe->key_local[0]], R0);
	if (w->fe->value_local >= 0) {
		em_alui(&g->em, BPF_AND, R0, pow2_ceil(n) - 1);
		em_alui(&g->em, BPF_LSH, R0, 3);
		em_alu(&g->em, BPF_ADD, R0, R6);
		em_alui(&g->em, BPF_ADD, R0, buckets.off);
		em_ldx(&g->em, BPF_DW, R0, R0, 0);
		gen_st(g, g->fn->locals[w->fe->value_local], R0);
	}
	gen_ld(g, R0, i);
	em_alui(&g->em, BPF_ADD, R0, 1);
	gen_st(g, i, R0);
	gen_stmts(g, s->body);
	em_bind(&g->em, g->cont);
	gen_loop_again(g, l);
}

void gen_foreach(struct gen *g, const struct ir_stmt *s)
{
	struct walk w = { .fe = s->foreach, .gl = g->m->globals[s->foreach->global],
			  .pl = &g->u->lo.globals[s->foreach->global] };
	em_label brk = g->brk, cont = g->cont;

	gen_need_slot(g);
	if (g->em.err)
		return;
	if (w.fe->limit) {
		gen_expr(g, w.fe->limit);
		w.limit = gen_local_word(g);
		gen_st(g, w.limit, R0);
	}
	g->brk = em_new_label(&g->em);
	g->cont = em_new_label(&g->em);
	if (w.fe->hist)
		walk_hist(g, s, &w);
	else
		walk_array(g, s, &w);
	em_bind(&g->em, g->brk);
	g->brk = brk;
	g->cont = cont;
}
