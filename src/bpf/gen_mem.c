/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the target.  User memory is read without faulting first; in sleepable programs a failed
 * read is tried again in a way that brings the page in.
 */
#include "bpf/gen.h"

#include "bpf/engine.h"

#define PAGE	4096

/* The helper that reads without faulting. */
static int read_helper(bool user)
{
	return user ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel;
}

static enum wire_error string_fault(bool user)
{
	return user ? WERR_USTR_FAULT : WERR_KSTR_FAULT;
}

/* Copies `size` bytes at the address in `addr` to `dst`; r0 = 0 or an error. */
static void read_fixed(struct gen *g, bool user, struct mem dst, struct mem addr, int size)
{
	struct emit *em = &g->em;
	em_label ok = em_new_label(em);

	gen_addr(g, R1, dst);
	em_movi(em, R2, size);
	gen_ld(g, R3, addr);
	em_helper(em, read_helper(user));
	if (user && g->sleepable) {
		em_jcci(em, BPF_JEQ, R0, 0, ok);
		gen_addr(g, R1, dst);
		em_movi(em, R2, size);
		gen_ld(g, R3, addr);
		em_helper(em, BPF_FUNC_copy_from_user);
	}
	em_bind(em, ok);
}

/* The helper copies the bytes at the address in `addr` into t, as many as `n` says, which is below mask + 1. */
static void read_counted(struct gen *g, int helper, struct sref t, struct mem n, uint32_t mask, struct mem addr)
{
	gen_addr(g, R1, t.at);
	gen_ld(g, R2, n);
	em_alui(&g->em, BPF_AND, R2, mask);
	gen_ld(g, R3, addr);
	em_helper(&g->em, helper);
}

static void gen_load(struct gen *g, const struct ir_expr *e)
{
	bool user = e->op == IR_ULOAD;
	struct mem addr, w;

	addr = gen_keep(g, e->args[0]);
	w = gen_word(g);
	gen_sti(g, w, 0);
	read_fixed(g, user, w, addr, (int)e->imm);
	gen_ld(g, R1, addr);
	em_jcci(&g->em, BPF_JNE, R0, 0,
		gen_error_label(g, user ? WERR_UREAD_FAULT : WERR_KREAD_FAULT, &e->at, true));
	gen_ld(g, R0, w);
	gen_word_free(g, w);
	gen_word_free(g, addr);
}

/* First and last byte are tried. */
static void gen_load_ok(struct gen *g, const struct ir_expr *e)
{
	em_label no = em_new_label(&g->em);
	struct mem addr, n, w, out;

	addr = gen_keep(g, e->args[0]);
	n = gen_keep(g, e->args[1]);
	w = gen_word(g);
	out = gen_word(g);
	gen_sti(g, w, 0);
	gen_sti(g, out, 0);
	read_fixed(g, true, w, addr, 1);
	em_jcci(&g->em, BPF_JNE, R0, 0, no);
	gen_ld(g, R0, addr);
	gen_ld(g, R1, n);
	em_alu(&g->em, BPF_ADD, R0, R1);
	em_alui(&g->em, BPF_SUB, R0, 1);
	gen_st(g, addr, R0);
	read_fixed(g, true, w, addr, 1);
	em_jcci(&g->em, BPF_JNE, R0, 0, no);
	gen_sti(g, out, 1);
	em_bind(&g->em, no);
	gen_ld(g, R0, out);
	gen_word_free(g, out);
	gen_word_free(g, w);
	gen_word_free(g, n);
	gen_word_free(g, addr);
}

static void gen_store(struct gen *g, const struct ir_expr *e)
{
	struct mem addr, v;

	addr = gen_keep(g, e->args[0]);
	v = gen_keep(g, e->args[1]);
	if (gen_has(g, ENGINE_WRITE_USER)) {
		gen_ld(g, R1, addr);
		gen_addr(g, R2, v);
		em_movi(&g->em, R3, e->imm);
		em_helper(&g->em, BPF_FUNC_probe_write_user);
		em_jcci(&g->em, BPF_JNE, R0, 0,
			gen_error_label(g, WERR_WRITE_REFUSED, &e->at, false));
	} else {
		gen_error(g, WERR_WRITE_REFUSED, &e->at, false);
	}
	gen_word_free(g, v);
	gen_word_free(g, addr);
}

bool gen_mem_i64(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_ULOAD:
	case IR_KLOAD:
		gen_load(g, e);
		return true;
	case IR_ULOAD_OK:
		gen_load_ok(g, e);
		return true;
	case IR_USTORE:
		gen_store(g, e);
		return true;
	case IR_REGSTORE:
		gen_error(g, WERR_WRITE_REFUSED, &e->at, false);
		return true;
	case IR_DELAY:
		gen_need_slot(g);
		gen_expr(g, e->args[0]);
		em_mov(&g->em, R2, R0);
		gen_routine(g, ROUTINE_bk_delay);
		return true;
	case IR_SEND_SIGNAL:
		gen_expr(g, e->args[0]);
		em_mov(&g->em, R1, R0);
		em_helper(&g->em, BPF_FUNC_send_signal_thread);
		em_jcci(&g->em, BPF_JNE, R0, 0, gen_error_label(g, WERR_NO_CONTEXT, &e->at, false));
		return true;
	default:
		return false;
	}
}

/* Brings in the pages that a string of `bound` bytes at `addr` may lie on. */
static void touch(struct gen *g, struct mem addr, uint32_t bound)
{
	struct mem w = gen_word(g), next = gen_word(g);

	gen_ld(g, R0, addr);
	gen_st(g, next, R0);
	for (uint32_t done = 0; done < bound; done += PAGE) {
		gen_addr(g, R1, w);
		em_movi(&g->em, R2, 1);
		gen_ld(g, R3, next);
		em_helper(&g->em, BPF_FUNC_copy_from_user);
		gen_ld(g, R0, next);
		em_alui(&g->em, BPF_OR, R0, PAGE - 1);
		em_alui(&g->em, BPF_ADD, R0, 1);
		gen_st(g, next, R0);
	}
	/* the page after the last one that is surely needed */
	gen_addr(g, R1, w);
	em_movi(&g->em, R2, 1);
	gen_ld(g, R3, next);
	em_helper(&g->em, BPF_FUNC_copy_from_user);
	gen_word_free(g, next);
	gen_word_free(g, w);
}

static void read_str_once(struct gen *g, bool user, struct sref t, struct mem addr, struct mem size)
{
	read_counted(g, user ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_kernel_str, t, size,
		     pow2_ceil(t.bound + 1) - 1, addr);
}

/*
 * The string at args[0], of at most args[1] bytes, into t (a temporary, not in a frame); jumps to `fault`
 * with the address in r1.
 */
static void read_str(struct gen *g, const struct ir_expr *e, bool user, struct sref t, em_label fault)
{
	struct emit *em = &g->em;
	em_label got = em_new_label(em), whole = em_new_label(em);
	struct mem addr, size;

	addr = gen_keep(g, e->args[0]);
	size = gen_word(g);
	gen_expr(g, e->args[1]);
	em_alui(em, BPF_ADD, R0, 1);
	gen_sti(g, size, (int32_t)t.bound);
	em_jcci(em, BPF_JSLE, R0, 0, whole);
	em_jcci(em, BPF_JGE, R0, t.bound, whole);
	gen_st(g, size, R0);
	em_bind(em, whole);
	gen_sti(g, t.at, 0);
	read_str_once(g, user, t, addr, size);
	em_jcci(em, BPF_JSGE, R0, 0, got);	/* 0: what some kernels give for an empty string of a process */
	if (user && g->sleepable) {
		touch(g, addr, t.bound);
		read_str_once(g, user, t, addr, size);
		em_jcci(em, BPF_JSGE, R0, 0, got);
	}
	gen_ld(g, R1, addr);
	em_jmp(em, fault);
	em_bind(em, got);
	gen_word_free(g, size);
	gen_word_free(g, addr);
}

/* The process's arguments: mm->arg_start up to arg_end. */
static void gen_cmdline(struct gen *g, struct sref dst)
{
	struct emit *em = &g->em;
	em_label some = em_new_label(em), fits = em_new_label(em);
	struct sref t = gen_buf(g);
	struct mem addr = gen_word(g), n = gen_word(g);

	gen_mm_word(g, "arg_start");
	gen_st(g, addr, R0);
	gen_mm_word(g, "arg_end");
	gen_ld(g, R1, addr);
	em_alu(em, BPF_SUB, R0, R1);
	em_jcci(em, BPF_JLT, R0, t.bound, fits);
	em_movi(em, R0, t.bound);
	em_bind(em, fits);
	gen_st(g, n, R0);
	for (int again = 0; again <= g->sleepable; again++) {
		read_counted(g, again ? BPF_FUNC_copy_from_user : BPF_FUNC_probe_read_user, t, n,
			     pow2_ceil(t.bound + 1) - 1, addr);
		em_jcci(em, BPF_JEQ, R0, 0, some);
	}
	gen_sti(g, n, 0);
	em_bind(em, some);
	gen_ld(g, R0, n);
	gen_st(g, gen_arg(0), R0);
	gen_result(g, dst);
	gen_soff(g, R4, t);
	gen_routine(g, ROUTINE_bk_args);
	gen_cut(g);
	gen_word_free(g, n);
	gen_word_free(g, addr);
}

static void gen_env(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct emit *em = &g->em;
	em_label none = em_new_label(em);
	struct sref name = gen_str(g, e->args[0]), t = gen_buf(g);
	struct mem addr = gen_word(g), size = gen_word(g);

	gen_mm_word(g, "env_start");
	gen_st(g, gen_arg(0), R0);
	gen_mm_word(g, "env_end");
	gen_st(g, gen_arg(1), R0);
	gen_soff(g, R2, name);
	gen_soff(g, R3, t);
	gen_routine(g, ROUTINE_bk_env);
	gen_sti(g, t.at, 0);
	em_jcci(em, BPF_JEQ, R0, 0, none);
	gen_st(g, addr, R0);
	gen_sti(g, size, (int32_t)t.bound);
	read_str_once(g, true, t, addr, size);
	em_bind(em, none);
	gen_str_copy(g, dst, t);
	gen_word_free(g, size);
	gen_word_free(g, addr);
}

/* The address in r1 as text. */
static void gen_address_text(struct gen *g, struct sref dst)
{
	em_mov(&g->em, R4, R1);
	gen_sti(g, gen_arg(0), -1);
	gen_sti(g, gen_arg(1), -1);
	gen_result(g, dst);
	em_movi(&g->em, R5, RT_SPEC(IR_CONV_HEX, IR_FMT_ALT));
	gen_routine(g, ROUTINE_rt_fmt_int);
}

static void gen_quoted(struct gen *g, const struct ir_expr *e, bool user, struct sref dst)
{
	struct emit *em = &g->em;
	em_label fault = em_new_label(em), done = em_new_label(em);
	struct sref t = gen_buf(g);

	read_str(g, e, user, t, fault);
	gen_sti(g, gen_arg(0), 0);
	gen_sti(g, gen_arg(1), 1);
	gen_result(g, dst);
	gen_soff(g, R4, t);
	gen_routine(g, ROUTINE_rt_text_str);
	em_jmp(em, done);
	em_bind(em, fault);
	gen_address_text(g, dst);
	em_bind(em, done);
}

/*
 * What is read of text that was not there in full: in sleepable programs the same once more; of a string that may have
 * ended before, the units up to the end of the page, unless the page has all or none of it.  To `some` if there is any.
 */
static void read_again(struct gen *g, const struct ir_expr *e, bool user, int width, struct sref t, struct mem n,
		       int32_t most, struct mem addr, em_label some)
{
	struct emit *em = &g->em;
	bool whole = e->nargs > 1 || width == 0;
	em_label fault;

	if (whole && !(user && g->sleepable))
		return;
	if (!whole) {
		fault = gen_error_label(g, string_fault(user), &e->at, true);
		gen_ld(g, R1, addr);
		em_mov(em, R0, R1);
		em_neg(em, R0);
		em_alui(em, BPF_AND, R0, (PAGE - 1) & ~(width - 1));
		em_jcci(em, BPF_JEQ, R0, 0, fault);
		em_jcci(em, BPF_JGE, R0, most, fault);
		gen_st(g, n, R0);
	}
	read_counted(g, user && g->sleepable ? BPF_FUNC_copy_from_user : read_helper(user), t, n,
		     pow2_ceil((uint32_t)most + 1) - 1, addr);
	em_jcci(em, BPF_JEQ, R0, 0, some);
}

/*
 * `width` bytes each, as many of them as args[1] says, or up to a zero one, read in one go as far as the buffer allows
 * and then turned into text by a routine: UTF-8 from wide characters; width 0: hex digits from bytes.
 */
static void gen_convert(struct gen *g, const struct ir_expr *e, bool user, int routine, int width,
			struct sref dst)
{
	struct emit *em = &g->em;
	em_label some = em_new_label(em), enough = em_new_label(em);
	struct sref t = gen_buf(g);
	struct mem addr, n;
	int32_t most = width ? (int32_t)(t.bound & ~7u) : (int32_t)(dst.bound - 1) / 2;

	addr = gen_keep(g, e->args[0]);
	n = gen_word(g);
	gen_sti(g, n, most);
	if (e->nargs > 1) {
		gen_expr(g, e->args[1]);
		em_jcci(em, BPF_JSLT, R0, 0, enough);
		em_jcci(em, BPF_JGE, R0, most, enough);
		gen_st(g, n, R0);
		em_bind(em, enough);
	}
	read_counted(g, read_helper(user), t, n, pow2_ceil((uint32_t)most + 1) - 1, addr);
	em_jcci(em, BPF_JEQ, R0, 0, some);
	read_again(g, e, user, width, t, n, most, addr, some);
	gen_ld(g, R1, addr);
	gen_error(g, string_fault(user), &e->at, true);
	em_bind(em, some);
	gen_ld(g, R0, n);
	gen_st(g, gen_arg(0), R0);
	gen_sti(g, gen_arg(1), width);
	gen_result(g, dst);
	gen_soff(g, R4, t);
	gen_routine(g, routine);
	gen_cut(g);
	gen_word_free(g, n);
	gen_word_free(g, addr);
}

void gen_buffer_args(struct gen *g, const struct ir_expr *e, const struct gen_buffer *b)
{
	struct emit *em = &g->em;
	em_label all = em_new_label(em), fits = em_new_label(em), none = em_new_label(em);
	int32_t most = (int32_t)g->m->maxstr - 1;

	gen_expr(g, e->args[0]);
	gen_st(g, b->addr, R0);
	gen_expr(g, e->args[2]);
	gen_st(g, b->room, R0);
	gen_sti(g, b->n, most);
	em_jcci(em, BPF_JSLE, R0, 0, all);
	em_jcci(em, BPF_JSGE, R0, most - RT_LOOK_AHEAD, all);
	em_alui(em, BPF_ADD, R0, RT_LOOK_AHEAD);
	gen_st(g, b->n, R0);
	em_bind(em, all);
	gen_expr(g, e->args[1]);
	gen_ld(g, R1, b->n);
	em_jcc(em, BPF_JSLE, R0, R1, fits);
	em_mov(em, R0, R1);
	em_bind(em, fits);
	gen_sti(g, b->n, 0);
	em_jcci(em, BPF_JSLE, R0, 0, none);
	gen_st(g, b->n, R0);
	em_bind(em, none);
}

static void gen_buffer_quoted(struct gen *g, const struct ir_expr *e, bool user, struct sref dst)
{
	struct emit *em = &g->em;
	em_label some = em_new_label(em), done = em_new_label(em);
	struct sref t = gen_buf(g);
	struct gen_buffer b = { gen_word(g), gen_word(g), gen_word(g) };
	int64_t mask = pow2_ceil(t.bound) - 1;

	gen_buffer_args(g, e, &b);
	for (int again = 0; again <= (user && g->sleepable); again++) {
		read_counted(g, again ? BPF_FUNC_copy_from_user : read_helper(user), t, b.n, mask, b.addr);
		em_jcci(em, BPF_JEQ, R0, 0, some);
	}
	gen_ld(g, R1, b.addr);
	if (e->imm) {
		gen_address_text(g, dst);
		em_jmp(em, done);
	} else {
		gen_error(g, string_fault(user), &e->at, true);
	}
	em_bind(em, some);
	gen_ld(g, R0, b.room);
	gen_st(g, gen_arg(0), R0);
	gen_ld(g, R0, b.n);
	gen_st(g, gen_arg(2), R0);
	em_alui(em, BPF_AND, R0, mask);
	gen_addr(g, R1, t.at);
	em_alu(em, BPF_ADD, R1, R0);
	em_sti(em, BPF_B, R1, 0, 0);
	gen_result(g, dst);
	gen_soff(g, R4, t);
	gen_routine(g, ROUTINE_rt_text_buf);
	em_bind(em, done);
	gen_word_free(g, b.room);
	gen_word_free(g, b.n);
	gen_word_free(g, b.addr);
}

bool gen_mem_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	bool user = e->op == IR_USTR || e->op == IR_USTR_QUOTED || e->op == IR_USTR_UTF16 ||
		    e->op == IR_USTR_UTF32 || e->op == IR_UBUF || e->op == IR_UBUF_QUOTED;
	uint32_t mark = gen_buf_mark(g);
	struct sref t = dst;

	switch (e->op) {
	case IR_USTR:
	case IR_KSTR:
		if (dst.at.frame)
			t = gen_buf(g);
		if (t.bound > dst.bound)
			t.bound = dst.bound;
		read_str(g, e, user, t,
			 gen_error_label(g, string_fault(user), &e->at, true));
		gen_str_copy(g, dst, t);
		break;
	case IR_USTR_QUOTED:
	case IR_KSTR_QUOTED:
		gen_quoted(g, e, user, dst);
		break;
	case IR_UBUF_QUOTED:
	case IR_KBUF_QUOTED:
		gen_buffer_quoted(g, e, user, dst);
		break;
	case IR_USTR_UTF16:
		gen_convert(g, e, !e->imm, ROUTINE_bk_wide, 2, dst);
		break;
	case IR_USTR_UTF32:
		gen_convert(g, e, !e->imm, ROUTINE_bk_wide, 4, dst);
		break;
	case IR_CMDLINE:
		gen_cmdline(g, dst);
		break;
	case IR_ENV:
		gen_env(g, e, dst);
		break;
	case IR_FILE_TEXT:
		gen_sti(g, t.at, 0);
		gen_str_copy(g, dst, t);
		break;
	case IR_UBUF:
	case IR_KBUF:
		gen_convert(g, e, user, ROUTINE_bk_hex, 0, dst);
		break;
	default:
		return false;
	}
	gen_buf_release(g, mark);
	return true;
}
