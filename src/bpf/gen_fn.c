/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions, regions, the driver of looping and recursive code; see gen.h. */
#include "bpf/gen.h"

#include "base/ds.h"
#include "ir/traverse.h"

#define BPF_FRAMES	8	/* calls that the kernel lets nest, main included */
#define LEAF_FRAMES	3	/* what a region may call besides functions: collect + merge, routines */
#define DRIVER_STEPS	(1 << 23)
#define PC_DONE		(-1)
#define FRAMES_MAX	1024

struct scan {
	struct gen *g;
	struct gen_fn *fn;
	bool all_sub;
	uint32_t foreachs, deepest;
};

static void scan_fn(struct gen *g, struct gen_fn *fn, bool all_sub);

static void scan_expr(void *ctx, struct ir_expr **e)
{
	struct scan *sc = ctx;
	struct gen_fn *callee;

	if ((*e)->op != IR_CALL)
		return;
	callee = &sc->g->fns[(*e)->sym];
	callee->sub = callee->f->recursive || sc->all_sub;
	scan_fn(sc->g, callee, sc->all_sub);
	if (callee->sub)
		sc->fn->looped = true;
	/* a function that is part of the region costs what it calls itself */
	if (callee->depth > sc->deepest)
		sc->deepest = callee->depth;
}

static void scan_stmt(void *ctx, struct ir_stmt *s)
{
	struct scan *sc = ctx;

	if (s->kind == IR_S_FOREACH)
		sc->foreachs++;
	if ((s->kind == IR_S_LOOP || s->kind == IR_S_FOREACH) && !sc->g->may_goto)
		sc->fn->looped = true;
}

/* Finds what fn calls; its depth in BPF frames. */
static void scan_fn(struct gen *g, struct gen_fn *fn, bool all_sub)
{
	struct scan sc = { .g = g, .fn = fn, .all_sub = all_sub, .deepest = LEAF_FRAMES };
	struct ir_walker w = { .ctx = &sc, .expr = scan_expr, .stmt = scan_stmt };

	if (fn->wanted)
		return;
	fn->wanted = true;
	ir_walk_list(fn->f->body, &w);
	if (fn->sub)
		fn->looped = true;
	fn->depth = sc.deepest + (fn->sub ? 0 : 1u + fn->looped);
	fn->extra = sc.foreachs;
}

static struct mem place(struct gen *g, struct gen_fn *fn, uint32_t *frame, uint32_t size)
{
	struct mem m;

	if (!fn->sub)
		return gen_alloc(g, size);
	m = (struct mem){ true, (int32_t)*frame };
	*frame += round8(size);
	return m;
}

static void place_locals(struct gen *g, struct gen_fn *fn)
{
	uint32_t frame = 8, foreachs = fn->extra;	/* word 0: where to return to */

	for (ptrdiff_t i = 0; i < arrlen(fn->f->locals); i++) {
		const struct ir_local *l = &fn->f->locals[i];

		if (l->type == IR_STR)
			gen_need_slot(g);
		arrput(fn->locals, place(g, fn, &frame, l->type == IR_STR ? round8(l->bound) + 8 : 8));
	}
	if (fn->sub) {
		fn->extra = frame;
		frame += foreachs * 4 * 8;
		if (frame > g->frame_size)
			g->frame_size = frame;
	} else if (fn->f->ret == IR_STR) {
		fn->ret = gen_alloc(g, round8(fn->f->ret_bound) + 8);
	}
}

/*
 * Frames that calls can need at once: MAXNESTING recursive ones, and between any two of them all
 * other functions that are compiled with frames.
 */
static uint32_t frames_wanted(struct gen *g)
{
	uint32_t others = 0, recursive = 0, n;

	for (ptrdiff_t i = 0; i < arrlen(g->m->funcs); i++) {
		if (!g->fns[i].wanted || !g->fns[i].sub)
			continue;
		if (g->fns[i].f->recursive)
			recursive = g->p->limits.maxnesting;
		else
			others++;
	}
	n = (recursive + 1) * (others + 1) + 1;
	return n < FRAMES_MAX ? n : FRAMES_MAX;
}

void gen_fns_scan(struct gen *g)
{
	size_t n = (size_t)arrlen(g->m->funcs);
	bool subs = false;

	for (int all_sub = 0; all_sub < 2; all_sub++) {
		for (size_t i = 0; i < n; i++)
			g->fns[i] = (struct gen_fn){ .f = g->m->funcs[i] };
		g->root = (struct gen_fn){ .f = g->p->handlers[g->handler].body };
		scan_fn(g, &g->root, all_sub);
		if (g->root.depth + gen_is_syscall(g) <= BPF_FRAMES)
			break;
	}
	/* functions first, so that those of handlers that call the same ones are the same code */
	for (size_t i = 0; i < n; i++) {
		if (!g->fns[i].wanted)
			continue;
		gen_need_slot(g);
		if (g->slot && !g->fn_temps.words)
			gen_fn_temps(g);
		place_locals(g, &g->fns[i]);
		subs |= g->fns[i].sub;
	}
	place_locals(g, &g->root);
	if (subs) {
		g->frame_levels = pow2_ceil(frames_wanted(g));
		g->frame_area = gen_alloc(g, g->frame_levels * g->frame_size);
		g->sub_ret = (struct sref){ gen_alloc(g, round8(g->m->maxstr) + 8), g->m->maxstr };
	}
}

struct mem gen_local_word(struct gen *g)
{
	struct mem m = { true, (int32_t)g->fn->extra };

	if (!g->fn->sub)
		return gen_alloc(g, 8);
	g->fn->extra += 8;
	return m;
}

/* r9 = slot + area + sp * size, with sp masked so that the verifier sees the bound */
static void frame_of(struct gen *g, int dst, int up)
{
	gen_ld(g, dst, gen_hdr(HDR(sp)));
	if (up)
		em_alui(&g->em, BPF_ADD, dst, up);
	em_alui(&g->em, BPF_AND, dst, g->frame_levels - 1);
	em_alui(&g->em, BPF_MUL, dst, g->frame_size);
	em_alu(&g->em, BPF_ADD, dst, R6);
	em_alui(&g->em, BPF_ADD, dst, g->frame_area.off);
}

void gen_frame(struct gen *g)
{
	frame_of(g, R9, 0);
}

static void zero_locals(struct gen *g, struct gen_fn *fn)
{
	for (ptrdiff_t i = (ptrdiff_t)fn->f->nparams; i < arrlen(fn->locals); i++)
		gen_sti(g, fn->locals[i], 0);
}

/* Runs the step function until it says that the region is done. */
static void gen_driver(struct gen *g, struct gen_fn *fn, em_label err_out)
{
	struct pending pd = { .kind = PEND_STEP, .label = em_new_label(&g->em), .fn = fn, .alone = g->alone };
	em_label ok = em_new_label(&g->em);

	arrput(g->pending, pd);
	gen_sti(g, gen_hdr(HDR(pc)), 0);
	em_stx(&g->em, BPF_DW, R10, -16, R6);
	em_movi(&g->em, R1, DRIVER_STEPS);
	em_func_addr(&g->em, R2, pd.label);
	em_mov(&g->em, R3, R10);
	em_alui(&g->em, BPF_ADD, R3, -16);
	em_movi(&g->em, R4, 0);
	em_helper(&g->em, BPF_FUNC_loop);
	em_ldx(&g->em, BPF_W, R0, R6, HDR(err_code));
	em_jcci(&g->em, BPF_JNE, R0, 0, err_out);
	gen_ld(g, R0, gen_hdr(HDR(pc)));
	em_jcci(&g->em, BPF_JEQ, R0, PC_DONE, ok);
	g->catch = err_out;
	gen_error(g, WERR_MAXACTION, &fn->f->at, false);
	em_bind(&g->em, ok);
}

void gen_region(struct gen *g, struct gen_fn *fn, em_label err_out)
{
	struct region rg = { .looped = fn->looped };

	g->fn = fn;
	if (fn->looped) {
		gen_need_slot(g);
		gen_driver(g, fn, err_out);
		return;
	}
	g->rg = &rg;
	g->catch = err_out;
	g->end = em_new_label(&g->em);
	zero_locals(g, fn);
	gen_stmts(g, fn->f->body);
	em_bind(&g->em, g->end);
}

/* Jumps to entry number r1 among [lo, hi). */
static void gen_dispatch(struct gen *g, struct region *rg, uint32_t lo, uint32_t hi)
{
	uint32_t mid = lo + (hi - lo) / 2;
	em_label upper;

	if (hi - lo == 1) {
		em_jmp(&g->em, rg->entries[lo]);
		return;
	}
	upper = em_new_label(&g->em);
	em_jcci(&g->em, BPF_JGE, R1, mid, upper);
	gen_dispatch(g, rg, lo, mid);
	em_bind(&g->em, upper);
	gen_dispatch(g, rg, mid, hi);
}

static void add_hdr(struct gen *g, int field, int by)
{
	gen_ld(g, R1, gen_hdr(field));
	em_alui(&g->em, BPF_ADD, R1, by);
	gen_st(g, gen_hdr(field), R1);
}

static void gen_sub_body(struct gen *g, uint32_t fn, uint32_t entry)
{
	struct gen_fn *f = &g->fns[fn];

	g->fn = f;
	gen_entry(g, g->rg->entries[entry]);
	g->end = em_new_label(&g->em);
	g->catch = em_new_label(&g->em);
	zero_locals(g, f);
	gen_stmts(g, f->f->body);
	if (!g->em.dead && f->f->ret == IR_I64)
		gen_sti(g, gen_hdr(HDR(rv)), 0);
	else if (!g->em.dead && f->f->ret == IR_STR)
		gen_sti(g, g->sub_ret.at, 0);
	em_bind(&g->em, g->end);
	em_bind(&g->em, g->catch);
	/* back to the caller, which looks at err_code */
	gen_frame(g);
	em_ldx(&g->em, BPF_DW, R1, R9, 0);
	gen_st(g, gen_hdr(HDR(pc)), R1);
	add_hdr(g, HDR(sp), -1);
	if (f->f->recursive)
		add_hdr(g, HDR(depth), -1);
	em_movi(&g->em, R0, 0);
	em_exit(&g->em);
}

/* The callback of the driver: one step of region fn. */
static void gen_step(struct gen *g, const struct pending *pd)
{
	struct region rg = { .looped = true };
	em_label dispatch = em_new_label(&g->em), done = em_new_label(&g->em);

	g->rg = &rg;
	g->fn = pd->fn;
	em_subprog(&g->em, pd->label, FN_KIND_STATIC);
	em_ldx(&g->em, BPF_DW, R6, R2, 0);
	gen_ld(g, R1, gen_hdr(HDR(pc)));
	em_jmp(&g->em, dispatch);
	gen_entry(g, em_new_label(&g->em));
	gen_entry_add(g, (em_label)arrlen(g->em.labels) - 1);
	g->catch = g->end = done;
	zero_locals(g, pd->fn);
	gen_stmts(g, pd->fn->f->body);
	em_bind(&g->em, done);
	gen_sti(g, gen_hdr(HDR(pc)), PC_DONE);
	em_movi(&g->em, R0, 1);
	em_exit(&g->em);
	for (ptrdiff_t i = 0; i < arrlen(rg.subs); i++)
		gen_sub_body(g, rg.subs[i].fn, rg.subs[i].entry);
	gen_stubs(g);
	em_bind(&g->em, dispatch);
	gen_dispatch(g, &rg, 0, (uint32_t)arrlen(rg.entries));
	arrfree(rg.entries);
	arrfree(rg.subs);
}

static uint32_t sub_entry(struct gen *g, uint32_t fn)
{
	for (ptrdiff_t i = 0; i < arrlen(g->rg->subs); i++)
		if (g->rg->subs[i].fn == fn)
			return g->rg->subs[i].entry;
	arraddnptr(g->rg->subs, 1);
	arrlast(g->rg->subs).fn = fn;
	arrlast(g->rg->subs).entry = gen_entry_add(g, em_new_label(&g->em));
	return arrlast(g->rg->subs).entry;
}

static void gen_call_sub(struct gen *g, const struct ir_expr *e, struct gen_fn *callee)
{
	uint32_t entry = sub_entry(g, e->sym), back;
	em_label cont = em_new_label(&g->em);

	gen_ld(g, R0, gen_hdr(callee->f->recursive ? HDR(depth) : HDR(sp)));
	em_jcci(&g->em, BPF_JGE, R0, callee->f->recursive ? g->p->limits.maxnesting : g->frame_levels - 1,
		gen_error_label(g, WERR_MAXNESTING, &e->at, false));
	for (uint32_t i = 0; i < e->nargs; i++) {
		struct mem at = callee->locals[i];

		if (callee->f->locals[i].type == IR_I64) {
			gen_expr(g, e->args[i]);
			frame_of(g, R1, 1);
			em_stx(&g->em, BPF_DW, R1, at.off, R0);
			continue;
		}
		struct sref src;
		uint32_t mark = gen_buf_mark(g);

		src = gen_str(g, e->args[i]);
		gen_soff(g, R4, src);
		gen_ld(g, R2, gen_hdr(HDR(sp)));
		em_alui(&g->em, BPF_ADD, R2, 1);
		em_alui(&g->em, BPF_MUL, R2, g->frame_size);
		em_alui(&g->em, BPF_ADD, R2, g->frame_area.off + at.off - SLOT_B);
		em_movi(&g->em, R3, callee->f->locals[i].bound);
		gen_routine(g, ROUTINE_rt_strcpy);
		gen_cut(g);
		gen_buf_release(g, mark);
	}
	back = gen_entry_add(g, cont);
	frame_of(g, R1, 1);
	em_sti(&g->em, BPF_DW, R1, 0, (int32_t)back);
	add_hdr(g, HDR(sp), 1);
	if (callee->f->recursive)
		add_hdr(g, HDR(depth), 1);
	if (g->em.dead)
		return;
	gen_goto_entry(g, entry);
	gen_entry(g, cont);
	em_ldx(&g->em, BPF_W, R0, R6, HDR(err_code));
	em_jcci(&g->em, BPF_JNE, R0, 0, g->catch);
}

static void gen_invoke(struct gen *g, const struct ir_expr *e)
{
	struct gen_fn *callee = &g->fns[e->sym];

	gen_need_slot(g);
	if (g->em.err)
		return;
	if (callee->sub) {
		gen_call_sub(g, e, callee);
		return;
	}
	for (uint32_t i = 0; i < e->nargs; i++) {
		if (callee->f->locals[i].type == IR_I64) {
			gen_expr(g, e->args[i]);
			gen_st(g, callee->locals[i], R0);
		} else {
			gen_str_to(g, e->args[i], (struct sref){ callee->locals[i],
								 callee->f->locals[i].bound });
		}
	}
	if (!callee->label)
		callee->label = em_new_label(&g->em);
	em_mov(&g->em, R1, R6);
	em_call(&g->em, callee->label);
	em_jcci(&g->em, BPF_JNE, R0, 0, g->catch);
}

void gen_call(struct gen *g, const struct ir_expr *e)
{
	gen_invoke(g, e);
	if (e->type == IR_I64)
		gen_ld(g, R0, gen_hdr(HDR(rv)));
}

void gen_call_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct gen_fn *callee = &g->fns[e->sym];

	gen_invoke(g, e);
	if (!dst.bound)
		return;
	gen_str_copy(g, dst, callee->sub ? g->sub_ret :
			     (struct sref){ callee->ret, callee->f->ret_bound });
}

void gen_return(struct gen *g, const struct ir_expr *value)
{
	uint32_t mark = gen_buf_mark(g);
	struct sref to;

	if (value && value->type == IR_I64) {
		gen_expr(g, value);
		gen_st(g, gen_hdr(HDR(rv)), R0);
	} else if (value) {
		to = g->fn->sub ? g->sub_ret : (struct sref){ g->fn->ret, g->fn->f->ret_bound };
		gen_str_to(g, value, to);
	}
	gen_buf_release(g, mark);
	em_jmp(&g->em, g->end);
}

static void gen_global_fn(struct gen *g, struct gen_fn *fn)
{
	em_label err = em_new_label(&g->em), given = em_new_label(&g->em);

	em_subprog(&g->em, fn->label, gen_fn_kind(g));
	g->alone = true;
	em_jcci(&g->em, BPF_JNE, R1, 0, given);
	em_movi(&g->em, R0, 1);
	em_exit(&g->em);
	em_bind(&g->em, given);
	em_mov(&g->em, R6, R1);
	if (fn->f->ret == IR_I64)
		gen_sti(g, gen_hdr(HDR(rv)), 0);
	else if (fn->f->ret == IR_STR)
		gen_sti(g, fn->ret, 0);
	gen_region(g, fn, err);
	em_movi(&g->em, R0, 0);
	em_exit(&g->em);
	gen_stubs(g);
	em_bind(&g->em, err);
	em_movi(&g->em, R0, 1);
	em_exit(&g->em);
}

/* No temporary is in use where a function is called. */
static void swap_temps(struct gen *g)
{
	struct temps t = g->temps;

	g->temps = g->fn_temps;
	g->fn_temps = t;
}

void gen_pending(struct gen *g)
{
	bool more = true;

	while (more && !g->em.err) {
		more = false;
		while (arrlen(g->pending)) {
			struct pending pd = arrpop(g->pending);

			if (!em_used(&g->em, pd.label))
				continue;
			more = true;
			g->alone = pd.alone;
			if (pd.kind == PEND_STEP)
				gen_step(g, &pd);
			else if (pd.kind == PEND_CHUNK)
				gen_chunk_fn(g, &pd);
			else if (pd.kind == PEND_COLLECT)
				gen_collect_fn(g, &pd);
			else
				gen_clear_fn(g, &pd);
		}
		for (ptrdiff_t i = 0; i < arrlen(g->m->funcs); i++) {
			if (g->fns[i].sub || g->fns[i].done || !em_used(&g->em, g->fns[i].label))
				continue;
			g->fns[i].done = more = true;
			swap_temps(g);
			gen_global_fn(g, &g->fns[i]);
			swap_temps(g);
		}
	}
}
