/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output.  With a slot: items are built in the record area (gen_item.c), hdr.rpos is the end of the complete ones, and
 * the record leaves at the end of the handler (or when the area is full).  Without a slot: the only
 * item of the handler is written straight into the ring.
 */
#include "bpf/gen.h"

#include "base/ds.h"
#include "ir/store.h"
#include "ir/traverse.h"

#define REC_HDR		((int)sizeof(struct wire_record))

static uint32_t args_max(const struct gen *g, const struct ir_expr *e)
{
	uint32_t n = 8;

	for (uint32_t i = 0; i < e->nargs; i++)
		n += e->args[i]->type == IR_STR ? gen_shown_max(g, e->args[i]) : 8;
	return n;
}

static uint32_t hist_max(const struct gen *g, uint32_t global)
{
	return 8 + round8((uint32_t)ir_stat_size(g->m->globals[global]));
}

static uint32_t item_max(const struct gen *g, const struct ir_expr *e)
{
	if (e->op == IR_PRINT_UBT || e->op == IR_PRINT_UBT_AT)
		return 8 + sizeof(struct wire_ustack) + WIRE_USTACK_MAX + 16 * WIRE_USTACK_RETURNS;
	if (e->op == IR_PRINT_KBT)
		return 8 + 8 + 128 * 8;
	if (e->op == IR_PRINT_HIST)
		return hist_max(g, e->sym);
	return args_max(g, e);
}

static void size_item(void *ctx, struct ir_expr **e)
{
	struct gen *g = ctx;

	if (ir_op_table[(*e)->op].flags & IRF_EFFECT && item_max(g, *e) + REC_HDR + 1024 > g->rec_size)
		g->rec_size = pow2_ceil(item_max(g, *e) + REC_HDR + 1024);
}

void gen_out_clear(struct gen *g)
{
	gen_sti(g, gen_hdr(HDR(rpos)), REC_HDR);
	gen_sti(g, gen_hdr(HDR(wake)), 0);
}

void gen_out_prologue(struct gen *g)
{
	struct ir_walker w = { .ctx = g, .expr = size_item };

	if (!g->slot)
		return;
	if (g->uses_error)
		g->err_text = (struct sref){ gen_alloc(g, round8(g->m->maxstr) + 8), g->m->maxstr };
	g->rec_size = REC_MIN;
	if (g->m->maxstr * 2 > g->rec_size)
		g->rec_size = pow2_ceil(g->m->maxstr * 2);
	ir_walk_list(g->root.f->body, &w);
	for (ptrdiff_t i = 0; i < arrlen(g->m->funcs); i++)
		if (g->fns[i].wanted)
			ir_walk_list(g->fns[i].f->body, &w);
	if (!gen_slot_shared(g))
		gen_out_clear(g);
}

void gen_out_reserve(struct gen *g)
{
	g->rec_near = gen_alloc(g, REC_MIN + REC_SLACK);
}

void gen_call_flush(struct gen *g)
{
	if (!g->flush_fn)
		g->flush_fn = em_new_label(&g->em);
	em_mov(&g->em, R1, R6);
	em_call(&g->em, g->flush_fn);
}

void gen_out_str(struct gen *g, struct sref s)
{
	int32_t to = gen_record(g).off - SLOT_B + g->pos.off;

	gen_soff(g, R3, s);
	if (g->pos.fixed) {
		em_movi(&g->em, R2, to);
	} else {
		gen_ld(g, R2, gen_hdr(HDR(wpos)));
		em_alui(&g->em, BPF_ADD, R2, to);
	}
	gen_routine(g, ROUTINE_bk_put_str);
	gen_out_advance_r0(g);
}

void gen_out_args(struct gen *g, const struct ir_expr *e)
{
	for (uint32_t i = 0; i < e->nargs; i++) {
		struct out_at at;

		if (e->args[i]->type == IR_STR) {
			gen_shown(g, e->args[i]);
			continue;
		}
		gen_expr(g, e->args[i]);
		at = gen_out_at(g);
		em_stx(&g->em, BPF_DW, at.reg, at.off, R0);
		gen_out_advance(g, 8);
	}
}

static void item(struct gen *g, uint32_t kind, uint32_t id, const struct ir_expr *e)
{
	gen_item_begin(g, args_max(g, e));
	gen_out_args(g, e);
	gen_item_end(g, kind, id);
}

/* r7 = the ring of CPU r0 */
static void pick_ring(struct gen *g, em_label lost)
{
	struct emit *em = &g->em;
	em_label got = em_new_label(em);

	for (uint32_t cpu = 0; cpu < g->u->lo.ncpu; cpu++) {
		em_label next = em_new_label(em);

		em_jcci(em, BPF_JNE, R0, cpu, next);
		em_map_fd(em, R7, g->u->lo.ring_map + cpu);
		em_jmp(em, got);
		em_bind(em, next);
	}
	em_jmp(em, lost);
	em_bind(em, got);
}

/* r7 = this CPU's ring, or jumps; r0..r5 lost.  `key`: a word of memory. */
static void find_ring(struct gen *g, int base, int key, em_label lost)
{
	struct emit *em = &g->em;

	em_helper(em, BPF_FUNC_get_smp_processor_id);
	if (g->u->lo.ring_map) {
		pick_ring(g, lost);
		return;
	}
	em_stx(em, BPF_W, base, key, R0);
	em_map_key(em, MAP_RINGS, base, key);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, lost);
	em_mov(em, R7, R0);
}

/* r8 = flags for a record of `size` bytes (reg if not 0): wake the reader as the ring becomes half full */
static void wake_flags(struct gen *g, int64_t size, int reg)
{
	struct emit *em = &g->em;
	em_label quiet = em_new_label(em);
	int64_t half = (int64_t)g->p->limits.buffer_bytes / 2;

	em_mov(em, R1, R7);
	em_movi(em, R2, BPF_RB_AVAIL_DATA);
	em_helper(em, BPF_FUNC_ringbuf_query);
	em_movi(em, R8, BPF_RB_NO_WAKEUP);
	em_jcci(em, BPF_JGE, R0, half, quiet);
	em_alui(em, BPF_ADD, R0, 8 + (reg ? 0 : size));
	if (reg)
		em_alu(em, BPF_ADD, R0, reg);
	em_jcci(em, BPF_JLT, R0, half, quiet);
	em_movi(em, R8, BPF_RB_FORCE_WAKEUP);
	em_bind(em, quiet);
}

/* Header of the record at `rec`; r1-r5, r0 lost.  cookie: in r0 at entry. */
static void record_head(struct gen *g, int rec)
{
	struct emit *em = &g->em;

	em_stx(em, BPF_W, rec, offsetof(struct wire_record, point), R0);
	em_helper(em, BPF_FUNC_ktime_get_ns);
	em_stx(em, BPF_DW, rec, offsetof(struct wire_record, time_ns), R0);
	em_helper(em, BPF_FUNC_get_current_pid_tgid);
	em_stx(em, BPF_W, rec, offsetof(struct wire_record, tid), R0);
	em_alui(em, BPF_RSH, R0, 32);
	em_stx(em, BPF_W, rec, offsetof(struct wire_record, tgid), R0);
	em_helper(em, BPF_FUNC_get_smp_processor_id);
	em_stx(em, BPF_W, rec, offsetof(struct wire_record, cpu), R0);
	em_alui(em, BPF_AND, R0, g->u->lo.ncpu_pow2 - 1);
	em_alui(em, BPF_LSH, R0, 6);
	gen_vars(g, R1, VARS_CPU);
	em_alu(em, BPF_ADD, R1, R0);
	em_movi(em, R2, 1);
	em_atomic(em, BPF_DW, BPF_ADD | BPF_FETCH, R1, 0, R2);
	em_stx(em, BPF_W, rec, offsetof(struct wire_record, seq), R2);
}

/* The function that sends the record of the slot in r1, if there is anything in it. */
static void gen_flush_fn(struct gen *g)
{
	struct emit *em = &g->em;
	em_label out = em_new_label(em), lost = em_new_label(em), calm = em_new_label(em), nopoint = em_new_label(em);

	gen_slot_fn_begin(g, g->flush_fn);
	gen_ld(g, R0, gen_hdr(HDR(rpos)));
	em_jcci(em, BPF_JLE, R0, REC_HDR, out);
	gen_addr(g, R9, g->rec);
	em_stx(em, BPF_W, R9, offsetof(struct wire_record, size), R0);
	gen_ld(g, R0, gen_hdr(HDR(cookie)));
	record_head(g, R9);
	gen_guard_lock(g, R9);
	find_ring(g, R10, -8, lost);
	gen_ld(g, R9, gen_hdr(HDR(rpos)));
	wake_flags(g, 0, R9);
	gen_ld(g, R1, gen_hdr(HDR(wake)));
	em_jcci(em, BPF_JEQ, R1, 0, calm);
	em_movi(em, R8, BPF_RB_FORCE_WAKEUP);
	em_bind(em, calm);
	em_mov(em, R1, R7);
	gen_addr(g, R2, g->rec);
	gen_ld(g, R3, gen_hdr(HDR(rpos)));
	em_jcci(em, BPF_JGT, R3, g->rec_size, lost);
	em_mov(em, R4, R8);
	em_helper(em, BPF_FUNC_ringbuf_output);
	em_jcci(em, BPF_JEQ, R0, 0, nopoint);
	em_bind(em, lost);
	gen_count(g, WCNT_LOST_OUTPUT);
	em_bind(em, nopoint);
	gen_sti(g, gen_hdr(HDR(rpos)), REC_HDR);
	em_bind(em, out);
	em_movi(em, R0, 0);
	em_exit(em);
}

void gen_out_flush(struct gen *g)
{
	em_label empty = em_new_label(&g->em);

	gen_record(g);
	gen_ld(g, R0, gen_hdr(HDR(rpos)));
	em_jcci(&g->em, BPF_JLE, R0, REC_HDR, empty);
	gen_call_flush(g);
	em_bind(&g->em, empty);
}

void gen_out_fns(struct gen *g)
{
	if (em_used(&g->em, g->flush_fn))
		gen_flush_fn(g);
}

/*
 * Without a slot: one record with one item of n words, straight into the ring.  head: the item's kind,
 * id and size, or 0: in words[0] already.  r6-r9 are used.
 */
static void direct(struct gen *g, uint64_t head, const struct mem *words, uint32_t n, bool wake)
{
	struct emit *em = &g->em;
	uint32_t size = (uint32_t)REC_HDR + 8 * (n + (head != 0));
	em_label lost = em_new_label(em), sent = em_new_label(em);
	struct mem key = gen_word(g);
	int off = REC_HDR;

	find_ring(g, R10, key.off, lost);
	gen_word_free(g, key);
	if (wake)
		em_movi(em, R8, BPF_RB_FORCE_WAKEUP);
	else
		wake_flags(g, size, 0);
	gen_guard_lock(g, R9);
	em_mov(em, R1, R7);
	em_movi(em, R2, size);
	em_movi(em, R3, 0);
	em_helper(em, BPF_FUNC_ringbuf_reserve);
	em_jcci(em, BPF_JEQ, R0, 0, lost);
	em_mov(em, R9, R0);
	gen_cookie(g);
	em_sti(em, BPF_W, R9, offsetof(struct wire_record, size), (int32_t)size);
	record_head(g, R9);
	if (head) {
		em_movi(em, R0, (int64_t)head);
		em_stx(em, BPF_DW, R9, off, R0);
		off += 8;
	}
	for (uint32_t i = 0; i < n; i++, off += 8) {
		gen_ld(g, R0, words[i]);
		em_stx(em, BPF_DW, R9, off, R0);
	}
	em_mov(em, R1, R9);
	em_mov(em, R2, R8);
	em_helper(em, BPF_FUNC_ringbuf_submit);
	em_jmp(em, sent);
	em_bind(em, lost);
	gen_count(g, WCNT_LOST_OUTPUT);
	em_bind(em, sent);
}

static void direct_item(struct gen *g, uint32_t kind, uint32_t id, const struct ir_expr *e)
{
	struct mem words[16] = { { 0 } };
	uint32_t n = e->nargs;

	if (n > 16) {
		gen_need_slot(g);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (e->args[i]->type == IR_STR) {
			gen_need_slot(g);
			return;
		}
		words[i] = gen_keep(g, e->args[i]);
	}
	direct(g, (uint64_t)(8 + 8 * n) << 32 | GEN_ITEM(kind, id), words, n, kind == WIRE_EXIT);
	while (n--)
		gen_word_free(g, words[n]);
}

/* The pending soft error as an item of the record. */
void gen_out_error(struct gen *g)
{
	struct emit *em = &g->em;
	em_label plain = em_new_label(em);
	struct out_at at;

	if (g->em.dead)
		return;
	if (!g->slot) {
		struct mem words[3] = { gen_word(g), gen_word(g), g->stack_arg };

		/* code | site << 32 -> head, site */
		gen_ld(g, R0, g->stack_err);
		em_mov(em, R1, R0);
		em_alui(em, BPF_RSH, R1, 32);
		gen_st(g, words[1], R1);
		em_alui(em, BPF_LSH, R0, 32);
		em_alui(em, BPF_RSH, R0, 32);
		em_movi(em, R1, (int64_t)(24ULL << 32 | GEN_ITEM(WIRE_ERROR, 0)));
		em_alu(em, BPF_OR, R0, R1);
		gen_st(g, words[0], R0);
		direct(g, 0, words, 3, true);
		gen_word_free(g, words[1]);
		gen_word_free(g, words[0]);
		return;
	}
	gen_item_begin(g, 8 + 16 + 8 + round8(g->m->maxstr));
	at = gen_out_at(g);
	em_ldx(em, BPF_W, R0, R6, HDR(err_site));
	em_stx(em, BPF_DW, at.reg, at.off, R0);
	gen_ld(g, R0, gen_hdr(HDR(err_arg)));
	em_stx(em, BPF_DW, at.reg, at.off + 8, R0);
	gen_out_advance(g, 16);
	gen_out_settle(g);
	if (g->err_text.bound) {
		em_ldx(em, BPF_W, R0, R6, HDR(err_code));
		em_jcci(em, BPF_JNE, R0, WERR_USER, plain);
		gen_out_str(g, g->err_text);
		em_bind(em, plain);
	}
	em_ldx(em, BPF_W, R2, R6, HDR(err_code));
	em_movi(em, R0, (int32_t)GEN_ITEM(WIRE_ERROR, 0));
	em_alu(em, BPF_OR, R2, R0);
	gen_item_end_r2(g);
	gen_sti(g, gen_hdr(HDR(wake)), 1);
}

static void gen_user_error(struct gen *g, const struct ir_expr *e)
{
	gen_need_slot(g);
	gen_str_to(g, e->args[0], g->err_text);
	gen_error(g, WERR_USER, &e->at, false);
}

static void gen_print_hist(struct gen *g, const struct ir_expr *e)
{
	uint32_t words = (hist_max(g, e->sym) - 8) / 8;
	em_label none = em_new_label(&g->em);
	struct mem key = { 0 }, st;

	gen_need_slot(g);
	if (g->m->globals[e->sym]->is_array) {
		key = gen_key_buf(g, e->sym);
		gen_keys(g, e, key);
	}
	st = gen_stat_merge(g, e->sym, key, none);
	em_bind(&g->em, none);
	gen_ld(g, R0, st);
	em_jcci(&g->em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_EMPTY_AGG, &e->at, false));
	gen_item_begin(g, hist_max(g, e->sym));
	gen_out_settle(g);
	gen_out_addr(g, R1, gen_out_at(g), 0);
	em_movi(&g->em, R2, (int32_t)words * 8);
	gen_addr(g, R3, st);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	gen_out_advance(g, (int32_t)words * 8);
	gen_item_end(g, WIRE_HIST, e->sym);
}

/* The frames, where the kernel's walk finds all of them; else registers and stack, to be walked by the reader. */
static void out_user_stack(struct gen *g, const struct ir_expr *e)
{
	em_label copy = em_new_label(&g->em), done = em_new_label(&g->em);

	gen_item_begin(g, item_max(g, e));
	gen_out_settle(g);
	if (g->unwind.off) {
		gen_out_frames(g, copy);
		gen_item_end(g, WIRE_UFRAMES, (uint32_t)e->imm);
		em_jmp(&g->em, done);
		em_bind(&g->em, copy);
	}
	gen_out_stack(g, e);
	gen_item_end(g, WIRE_USTACK, (uint32_t)e->imm);
	em_bind(&g->em, done);
}

/* From registers that the handler gives; the process walks it. */
static void out_user_stack_at(struct gen *g, const struct ir_expr *e)
{
	struct mem at[3];

	for (int i = 0; i < 3; i++) {
		at[i] = gen_keep(g, e->args[i]);
	}
	gen_item_begin(g, item_max(g, e));
	gen_out_settle(g);
	gen_out_stack_at(g, at);
	gen_item_end(g, WIRE_USTACK, (uint32_t)e->imm);
	for (int i = 3; i-- > 0;)
		gen_word_free(g, at[i]);
}

bool gen_out(struct gen *g, const struct ir_expr *e)
{
	static const struct { enum ir_op op; uint32_t kind; } plain[] = {
		{ IR_PRINTF, WIRE_PRINT }, { IR_WARN, WIRE_WARN }, { IR_LOG, WIRE_LOG },
		{ IR_SYSTEM, WIRE_SYSTEM }, { IR_EXIT, WIRE_EXIT }, { IR_PRINT_SYMS, WIRE_SYMS },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		uint32_t id = e->op == IR_PRINTF ? e->sym : (uint32_t)e->imm;

		if (plain[i].op != e->op)
			continue;
		if (e->op == IR_EXIT) {	/* no handler starts after it */
			gen_vars(g, R1, VARS_ACTIVE);
			em_sti(&g->em, BPF_W, R1, 0, 0);
		}
		if (!g->slot) {
			direct_item(g, plain[i].kind, id, e);
			return true;
		}
		item(g, plain[i].kind, id, e);
		if (e->op == IR_EXIT)
			gen_sti(g, gen_hdr(HDR(wake)), 1);
		return true;
	}
	switch (e->op) {
	case IR_ERROR:
		gen_user_error(g, e);
		return true;
	case IR_ABORT:
		gen_error(g, WERR_ABORT, &e->at, false);
		return true;
	case IR_PRINT_HIST:
		gen_print_hist(g, e);
		return true;
	case IR_PRINT_UBT:
		out_user_stack(g, e);
		return true;
	case IR_PRINT_UBT_AT:
		out_user_stack_at(g, e);
		return true;
	case IR_PRINT_KBT:
		gen_item_begin(g, item_max(g, e));
		gen_out_settle(g);
		gen_out_stack(g, e);
		gen_item_end(g, WIRE_KSTACK, (uint32_t)e->imm);
		return true;
	default:
		return false;
	}
}
