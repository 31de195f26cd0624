/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings that leave the program: what the process can make of values (names of flags, quotes, formats within formats)
 * is not made here; the record gets the values (enum wire_text). A choice between two texts is made here.
 */
#include "bpf/gen.h"

#include <string.h>

#define LITERAL_MAX	64	/* longer ones are copied by a routine */
#define READ_MAX	960	/* bytes of a process's string: what may stand behind a position in the record */

static bool is_quoted(const struct gen *g, const struct ir_expr *e)
{
	return (e->op == IR_USTR_QUOTED || e->op == IR_KSTR_QUOTED) && !g->sleepable &&
	       e->args[1]->op == IR_CONST && e->args[1]->imm < 0 && g->m->maxstr < READ_MAX;
}

static bool is_bytes(const struct gen *g, const struct ir_expr *e)
{
	return (e->op == IR_UBUF_QUOTED || e->op == IR_KBUF_QUOTED) && e->imm && !g->sleepable &&
	       g->m->maxstr < READ_MAX;
}

uint32_t gen_shown_max(const struct gen *g, const struct ir_expr *e)
{
	uint32_t n = 16, other;

	switch (e->op) {
	case IR_NAMES: case IR_POINT_STR: case IR_EXECNAME: case IR_ERRNO_STR:
		return 8 + 16;
	case IR_SELECT:
		n = gen_shown_max(g, e->args[1]);
		other = gen_shown_max(g, e->args[2]);
		return n > other ? n : other;
	case IR_SPRINTF:
		for (uint32_t i = 0; i < e->nargs; i++)
			n += e->args[i]->type == IR_STR ? gen_shown_max(g, e->args[i]) : 8;
		return n;
	default:
		return is_quoted(g, e) || is_bytes(g, e) ? 24 + round8(g->m->maxstr + 1) : 8 + round8(e->bound);
	}
}

/* A word of a text at `at`. */
static void store_word(struct gen *g, struct out_at at, uint64_t v)
{
	if ((int64_t)v == (int32_t)v) {
		em_sti(&g->em, BPF_DW, at.reg, at.off, (int32_t)v);
	} else {
		em_sti(&g->em, BPF_W, at.reg, at.off, (int32_t)(uint32_t)v);
		em_sti(&g->em, BPF_W, at.reg, at.off + 4, (int32_t)(uint32_t)(v >> 32));
	}
}

static void put_literal(struct gen *g, const char *s, uint32_t len)
{
	struct out_at at = gen_out_at(g);

	gen_out_head(g, at, WIRE_TEXT_PLAIN, len);
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, s + i, len - i < 8 ? len - i : 8);
		at.off += 8;
		store_word(g, at, word);
	}
	gen_out_advance(g, 8 + (int32_t)round8(len));
}

static void put_names(struct gen *g, const struct ir_expr *e)
{
	struct out_at at;

	gen_expr(g, e->args[0]);
	at = gen_out_at(g);
	gen_out_head(g, at, WIRE_TEXT_NAMES, 16);
	em_sti(&g->em, BPF_DW, at.reg, at.off + 8, (int32_t)e->sym);
	em_stx(&g->em, BPF_DW, at.reg, at.off + 16, R0);
	gen_out_advance(g, 24);
}

static void put_errno(struct gen *g, const struct ir_expr *e)
{
	struct out_at at;

	gen_expr(g, e->args[0]);
	at = gen_out_at(g);
	gen_out_head(g, at, WIRE_TEXT_ERRNO, 8);
	em_stx(&g->em, BPF_DW, at.reg, at.off + 8, R0);
	gen_out_advance(g, 16);
}

static void put_point(struct gen *g, const struct ir_expr *e)
{
	struct out_at at = gen_out_at(g);

	gen_out_head(g, at, WIRE_TEXT_POINT, 8);
	em_sti(&g->em, BPF_DW, at.reg, at.off + 8, (int32_t)e->imm);
	gen_out_advance(g, 16);
}

static void put_execname(struct gen *g)
{
	struct out_at at = gen_out_at(g);

	gen_out_head(g, at, WIRE_TEXT_PADDED, COMM);
	gen_comm_find(g);
	gen_out_addr(g, R1, at, 8);
	gen_comm_put(g);
	gen_out_advance(g, 8 + COMM);
}

/* The head of a text of r0 bytes, which are there already. */
static void advance_text(struct gen *g, enum wire_text what)
{
	struct emit *em = &g->em;
	struct out_at at = gen_out_at(g);

	em_stx(em, BPF_W, at.reg, at.off, R0);
	em_sti(em, BPF_W, at.reg, at.off + 4, (int32_t)what);
	em_alui(em, BPF_ADD, R0, 8 + 7);
	em_alui(em, BPF_AND, R0, -8);
	gen_out_advance_r0(g);
}

static void put_address(struct gen *g, struct mem addr)
{
	struct out_at at = gen_out_at(g);

	gen_out_head(g, at, WIRE_TEXT_ADDRESS, 8);
	gen_ld(g, R0, addr);
	em_stx(&g->em, BPF_DW, at.reg, at.off + 8, R0);
	gen_out_advance(g, 16);
}

/* The other of two texts, where the item was at `pos` before: hdr.wpos is right behind either. */
static void put_otherwise(struct gen *g, struct out_pos pos, em_label other, em_label done)
{
	gen_out_settle(g);
	em_jmp(&g->em, done);
	em_bind(&g->em, other);
	g->pos = pos;
}

/* What is at the address, to be quoted; or the address. */
static void put_quoted(struct gen *g, const struct ir_expr *e)
{
	struct emit *em = &g->em;
	em_label fault = em_new_label(em), done = em_new_label(em);
	struct mem addr = gen_word(g);
	struct out_pos pos;
	struct out_at at;

	if (!g->pos.fixed)
		gen_out_settle(g);	/* a text fits behind hdr.wpos */
	pos = g->pos;
	gen_expr(g, e->args[0]);
	gen_st(g, addr, R0);
	em_mov(em, R3, R0);
	at = gen_out_at(g);
	em_sti(em, BPF_DW, at.reg, at.off + 8, (int32_t)e->bound);
	em_sti(em, BPF_B, at.reg, at.off + 16, 0);
	gen_out_addr(g, R1, at, 16);
	em_movi(em, R2, g->m->maxstr);
	em_helper(em, e->op == IR_USTR_QUOTED ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_kernel_str);
	em_jcci(em, BPF_JSLT, R0, 0, fault);	/* 0: what some kernels give for an empty string of a process */
	em_alui(em, BPF_ADD, R0, 8);
	advance_text(g, WIRE_TEXT_QUOTED);
	put_otherwise(g, pos, fault, done);
	put_address(g, addr);
	gen_out_settle(g);
	em_bind(em, done);
	gen_word_free(g, addr);
}

/* So many bytes, to be quoted; or the address. */
static void put_bytes(struct gen *g, const struct ir_expr *e)
{
	struct emit *em = &g->em;
	em_label fault = em_new_label(em), done = em_new_label(em);
	struct gen_buffer b = { gen_word(g), gen_word(g), gen_word(g) };
	struct out_pos pos;
	struct out_at at;

	if (!g->pos.fixed)
		gen_out_settle(g);
	pos = g->pos;
	gen_buffer_args(g, e, &b);
	at = gen_out_at(g);
	store_word(g, (struct out_at){ at.reg, at.off + 8 }, (uint64_t)e->bound);
	gen_ld(g, R2, b.room);
	em_stx(em, BPF_DW, at.reg, at.off + 16, R2);
	gen_out_addr(g, R1, at, 24);
	gen_ld(g, R2, b.n);
	em_alui(em, BPF_AND, R2, pow2_ceil(g->m->maxstr) - 1);
	gen_ld(g, R3, b.addr);
	em_helper(em, e->op == IR_UBUF_QUOTED ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel);
	em_jcci(em, BPF_JNE, R0, 0, fault);
	gen_ld(g, R0, b.n);
	em_alui(em, BPF_ADD, R0, 16);
	advance_text(g, WIRE_TEXT_BYTES);
	put_otherwise(g, pos, fault, done);
	put_address(g, b.addr);
	gen_out_settle(g);
	em_bind(em, done);
	gen_word_free(g, b.room);
	gen_word_free(g, b.n);
	gen_word_free(g, b.addr);
}

static void put_select(struct gen *g, const struct ir_expr *e)
{
	em_label other = em_new_label(&g->em), done = em_new_label(&g->em);
	struct out_pos pos = g->pos;

	gen_jump_if(g, e->args[0], false, other);
	gen_shown(g, e->args[1]);
	put_otherwise(g, pos, other, done);
	gen_shown(g, e->args[2]);
	gen_out_settle(g);
	em_bind(&g->em, done);
}

/* Bytes of a format with its arguments, 0: not known. */
static uint32_t format_size(const struct ir_expr *e)
{
	for (uint32_t i = 0; i < e->nargs; i++)
		if (e->args[i]->type == IR_STR)
			return 0;
	return 8 + 8 * e->nargs;
}

static void put_format(struct gen *g, const struct ir_expr *e)
{
	struct out_mark m = gen_out_open(g, format_size(e));
	struct out_at at = gen_out_at(g);

	em_sti(&g->em, BPF_W, at.reg, at.off + 8, (int32_t)e->sym);
	em_sti(&g->em, BPF_W, at.reg, at.off + 12, (int32_t)e->bound);
	gen_out_advance(g, 16);
	gen_out_args(g, e);
	gen_out_close(g, m, WIRE_TEXT_FORMAT);
}

void gen_shown(struct gen *g, const struct ir_expr *e)
{
	uint32_t mark = gen_buf_mark(g);

	switch (e->op == IR_STRLIT && e->bound > LITERAL_MAX ? IR_OP_COUNT : e->op) {
	case IR_STRLIT:
		put_literal(g, e->str, (uint32_t)strnlen(e->str, e->bound - 1));
		break;
	case IR_NAMES:
		put_names(g, e);
		break;
	case IR_ERRNO_STR:
		put_errno(g, e);
		break;
	case IR_POINT_STR:
		put_point(g, e);
		break;
	case IR_EXECNAME:
		put_execname(g);
		break;
	case IR_SELECT:
		put_select(g, e);
		break;
	case IR_SPRINTF:
		put_format(g, e);
		break;
	default:
		if (is_quoted(g, e))
			put_quoted(g, e);
		else if (is_bytes(g, e))
			put_bytes(g, e);
		else
			gen_out_str(g, gen_str(g, e));
	}
	gen_buf_release(g, mark);
}
