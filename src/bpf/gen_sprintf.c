/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sprintf inside the kernel: piece after piece is appended to the result by rt_fmt_str and
 * rt_fmt_int.  The arguments are evaluated first, as printf does.  Also the messages of caught errors.
 */
#include "bpf/gen.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/ds.h"
#include "ir/errors.h"

struct arg {
	bool is_str;
	struct mem word;
	struct sref str;
};

/* A string under construction. */
struct text {
	struct sref dst;
	struct mem len;
};

/* r2 = where the next piece goes, r3 = room left; the field's width and precision in arg[0], arg[1] */
static void piece_at(struct gen *g, const struct text *t, const struct arg *width, int32_t w,
		     const struct arg *prec, int32_t p)
{
	if (width)
		gen_ld(g, R0, width->word);
	else
		em_movi(&g->em, R0, w);
	gen_st(g, gen_arg(0), R0);
	if (prec)
		gen_ld(g, R0, prec->word);
	else
		em_movi(&g->em, R0, p);
	gen_st(g, gen_arg(1), R0);
	gen_ld(g, R1, t->len);
	gen_soff(g, R2, t->dst);
	em_alu(&g->em, BPF_ADD, R2, R1);
	em_movi(&g->em, R3, t->dst.bound);
	em_alu(&g->em, BPF_SUB, R3, R1);
}

/* r0 = length of the piece, RT_CUT */
static void piece_done(struct gen *g, const struct text *t)
{
	gen_ld(g, R1, t->len);
	em_mov(&g->em, R2, R0);
	em_alui(&g->em, BPF_LSH, R2, 32);
	em_alui(&g->em, BPF_RSH, R2, 32);
	em_alu(&g->em, BPF_ADD, R1, R2);
	gen_st(g, t->len, R1);
	gen_cut(g);
}

static void put_literal(struct gen *g, const struct text *t, const char *s, size_t len)
{
	piece_at(g, t, NULL, -1, NULL, -1);
	gen_soff(g, R4, gen_pool(g, s, len));
	em_movi(&g->em, R5, RT_SPEC(IR_CONV_STR, 0));
	gen_routine(g, ROUTINE_rt_fmt_str);
	piece_done(g, t);
}

static void put_value(struct gen *g, const struct text *t, const struct ir_piece *pc,
		      const struct arg *width, const struct arg *prec, const struct arg *v)
{
	/* the precision of %m and %M says how much was read */
	if (pc->conv == IR_CONV_MEM || pc->conv == IR_CONV_MEM_HEX)
		piece_at(g, t, width, pc->width, NULL, -1);
	else
		piece_at(g, t, width, pc->width, prec, pc->prec);
	em_movi(&g->em, R5, RT_SPEC(v->is_str && pc->conv != IR_CONV_MEM ? IR_CONV_STR : pc->conv, pc->flags));
	if (width) {
		/* a negative one means left */
		gen_ld(g, R0, width->word);
		em_alui(&g->em, BPF_RSH, R0, 63);
		em_alui(&g->em, BPF_MUL, R0, RT_SPEC(0, IR_FMT_MINUS));
		em_alu(&g->em, BPF_OR, R5, R0);
	}
	if (v->is_str)
		gen_soff(g, R4, v->str);
	else
		gen_ld(g, R4, v->word);
	gen_routine(g, v->is_str ? ROUTINE_rt_fmt_str : ROUTINE_rt_fmt_int);
	piece_done(g, t);
}

static struct text text_begin(struct gen *g, struct sref dst)
{
	struct text t = { dst, gen_word(g) };

	gen_sti(g, t.len, 0);
	gen_sti(g, dst.at, 0);
	return t;
}

void gen_sprintf(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	const struct ir_format *f = g->m->formats[e->sym];
	struct arg *args = arena_new_array(g->m->arena, struct arg, e->nargs + 1);
	uint32_t mark = gen_buf_mark(g), words = g->words_used, a = 0;
	struct text t;

	for (uint32_t i = 0; i < e->nargs; i++) {
		args[i].is_str = e->args[i]->type == IR_STR;
		if (args[i].is_str) {
			args[i].str = gen_str(g, e->args[i]);
			continue;
		}
		args[i].word = gen_keep(g, e->args[i]);
	}
	t = text_begin(g, dst);
	for (ptrdiff_t i = 0; i < arrlen(f->pieces); i++) {
		const struct ir_piece *pc = &f->pieces[i];
		const struct arg *width = NULL, *prec = NULL;

		if (pc->conv == IR_CONV_TEXT) {
			put_literal(g, &t, pc->text, pc->text_len);
			continue;
		}
		if (pc->width_arg && a < e->nargs)
			width = &args[a++];
		if (pc->prec_arg && a < e->nargs)
			prec = &args[a++];
		if (a < e->nargs)
			put_value(g, &t, pc, width, prec, &args[a++]);
	}
	g->words_used = words;
	gen_buf_release(g, mark);
}

#define ERRNO_MAX	256
#define ERRNO_ROW	16	/* bytes of the longest name */

/* Name of an errno, "E#5000" for what is none: from a table among the constants. */
void gen_errno_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	static const struct ir_piece number = { .conv = IR_CONV_INT, .width = -1, .prec = -1 };
	struct emit *em = &g->em;
	char names[ERRNO_MAX][ERRNO_ROW] = { "" };
	em_label other = em_new_label(em), done = em_new_label(em);
	uint32_t words = g->words_used, mark = gen_buf_mark(g);
	struct sref table, t = gen_buf(g);
	struct arg v = { .word = gen_word(g) };
	struct text tx;

	for (int i = 1; i < ERRNO_MAX; i++)
		if (strerrorname_np(i) && strlen(strerrorname_np(i)) < ERRNO_ROW)
			strcpy(names[i], strerrorname_np(i));
	table = gen_pool_bytes(g, "\003errno", names, sizeof(names));
	gen_expr(g, e->args[0]);
	em_mov(em, R1, R0);
	em_alui(em, BPF_ARSH, R1, 63);
	em_alu(em, BPF_XOR, R0, R1);
	em_alu(em, BPF_SUB, R0, R1);
	gen_st(g, v.word, R0);
	em_jcci(em, BPF_JGE, R0, ERRNO_MAX, other);
	em_alui(em, BPF_LSH, R0, 4);
	em_alu(em, BPF_ADD, R0, R6);
	em_alui(em, BPF_ADD, R0, table.at.off);
	em_ldx(em, BPF_DW, R1, R0, 0);
	em_jcci(em, BPF_JEQ, R1, 0, other);
	gen_st(g, t.at, R1);
	em_ldx(em, BPF_DW, R1, R0, 8);
	gen_st(g, (struct mem){ .off = t.at.off + 8 }, R1);
	t.bound = ERRNO_ROW;
	gen_str_copy(g, dst, t);
	em_jmp(em, done);
	em_bind(em, other);
	tx = text_begin(g, dst);
	put_literal(g, &tx, "E#", 2);
	put_value(g, &tx, &number, NULL, NULL, &v);
	em_bind(em, done);
	g->words_used = words;
	gen_buf_release(g, mark);
}

/* The message of code with its argument shown where ir_error_message() shows PROBE. */
static void put_message(struct gen *g, const struct text *t, uint32_t code, int64_t probe)
{
	struct ir_piece pc = { .width = -1, .prec = -1 };
	struct arg v = { .word = gen_hdr(HDR(err_arg)) };
	char buf[256], num[32];
	char *at;

	ir_error_message(buf, sizeof(buf), g->m, code, probe, NULL);
	snprintf(num, sizeof(num), "%llx", (unsigned long long)probe);
	pc.conv = IR_CONV_HEX;
	at = strstr(buf, num);
	if (!at) {
		snprintf(num, sizeof(num), "%lld", (long long)probe);
		pc.conv = IR_CONV_INT;
		at = strstr(buf, num);
	}
	if (!at) {
		put_literal(g, t, buf, strlen(buf));
		return;
	}
	put_literal(g, t, buf, (size_t)(at - buf));
	put_value(g, t, &pc, NULL, NULL, &v);
	put_literal(g, t, at + strlen(num), strlen(at + strlen(num)));
}

static bool has_sized_array(struct gen *g)
{
	for (ptrdiff_t i = 0; i < arrlen(g->m->globals); i++)
		if (g->m->globals[i]->sized)
			return true;
	return false;
}

/* "Array overflow" names the size of arrays that were declared with one. */
static void put_overflow(struct gen *g, const struct text *t, em_label done)
{
	for (ptrdiff_t i = 0; i < arrlen(g->m->globals) && has_sized_array(g); i++) {
		em_label next = em_new_label(&g->em);
		char buf[128];

		if (!g->m->globals[i]->sized)
			continue;
		gen_ld(g, R0, gen_hdr(HDR(err_arg)));
		em_jcci(&g->em, BPF_JNE, R0, i, next);
		ir_error_message(buf, sizeof(buf), g->m, WERR_OVERFLOW, i, NULL);
		put_literal(g, t, buf, strlen(buf));
		em_jmp(&g->em, done);
		em_bind(&g->em, next);
	}
	put_message(g, t, WERR_OVERFLOW, -1);
}

void gen_zone_name(struct gen *g, struct sref dst)
{
	time_t now = time(NULL);
	struct tm tm;
	const char *s = localtime_r(&now, &tm) && tm.tm_zone ? tm.tm_zone : "";

	gen_str_copy(g, dst, gen_pool(g, s, strlen(s)));
}

void gen_catch_message(struct gen *g, struct sref dst)
{
	em_label done = em_new_label(&g->em);
	uint32_t words = g->words_used;
	struct text t = text_begin(g, dst);

	for (uint32_t code = WERR_USER; code < WERR_GIVEN_UP; code++) {
		em_label next = em_new_label(&g->em);

		if (code == WERR_USER && !g->uses_error)
			continue;
		em_ldx(&g->em, BPF_W, R0, R6, HDR(err_code));
		em_jcci(&g->em, BPF_JNE, R0, code, next);
		if (code == WERR_USER)
			gen_str_copy(g, dst, g->err_text);
		else if (code == WERR_OVERFLOW)
			put_overflow(g, &t, done);
		else
			put_message(g, &t, code, 0x5eed0123);
		em_jmp(&g->em, done);
		em_bind(&g->em, next);
	}
	em_bind(&g->em, done);
	g->words_used = words;
}
