/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String expressions: the routines of src/rt over buffers of the slot.  A result is made where it is wanted,
 * or in a temporary; literals and locals are used where they are.
 */
#include "bpf/gen.h"

#include <string.h>

#include "ir/names.h"

/* r0 of a routine: length, RT_CUT (bit 32) set if it was cut: counted in the slot. */
void gen_cut(struct gen *g)
{
	em_alui(&g->em, BPF_RSH, R0, 32);
	gen_ld(g, R1, gen_hdr(HDR(truncated)));
	em_alu(&g->em, BPF_ADD, R1, R0);
	gen_st(g, gen_hdr(HDR(truncated)), R1);
}

static bool same(struct mem a, struct mem b)
{
	return a.frame == b.frame && a.off == b.off;
}

void gen_str_copy(struct gen *g, struct sref dst, struct sref src)
{
	if (same(dst.at, src.at))
		return;
	/* short and known to fit: words */
	if (src.bound <= dst.bound && round8(src.bound) <= 32) {
		for (int32_t i = 0; i < (int32_t)round8(src.bound); i += 8) {
			gen_ld(g, R0, (struct mem){ src.at.frame, src.at.off + i });
			gen_st(g, (struct mem){ dst.at.frame, dst.at.off + i }, R0);
		}
		return;
	}
	gen_result(g, dst);
	gen_soff(g, R4, src);
	gen_routine(g, ROUTINE_rt_strcpy);
	gen_cut(g);
}

static void gen_select_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	em_label other = em_new_label(&g->em), done = em_new_label(&g->em);

	gen_jump_if(g, e->args[0], false, other);
	gen_str_to(g, e->args[1], dst);
	em_jmp(&g->em, done);
	em_bind(&g->em, other);
	gen_str_to(g, e->args[2], dst);
	em_bind(&g->em, done);
}

static void gen_concat(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct sref a = gen_str(g, e->args[0]), b = gen_str(g, e->args[1]);

	gen_result(g, dst);
	gen_soff(g, R4, a);
	gen_soff(g, R5, b);
	gen_routine(g, ROUTINE_rt_concat);
	gen_cut(g);
}

static void gen_substr(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct mem start = gen_keep(g, e->args[1]), n = gen_keep(g, e->args[2]);
	struct sref src = gen_str(g, e->args[0]);

	gen_ld(g, R0, start);
	gen_st(g, gen_arg(0), R0);
	gen_ld(g, R0, n);
	gen_st(g, gen_arg(1), R0);
	gen_word_free(g, n);
	gen_word_free(g, start);
	gen_result(g, dst);
	gen_soff(g, R4, src);
	gen_routine(g, ROUTINE_rt_substr);
	gen_cut(g);
}

static void gen_replace(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct sref src = gen_str(g, e->args[0]), srch = gen_str(g, e->args[1]),
		    rplc = gen_str(g, e->args[2]);

	gen_soff(g, R0, srch);
	gen_st(g, gen_arg(0), R0);
	gen_soff(g, R0, rplc);
	gen_st(g, gen_arg(1), R0);
	gen_result(g, dst);
	gen_soff(g, R4, src);
	gen_routine(g, ROUTINE_rt_str_replace);
	gen_cut(g);
}

static void gen_text(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	bool limited = e->op == IR_TEXT_STRN;
	struct mem max = { 0 }, quoted = { 0 };
	struct sref src;

	if (limited) {
		max = gen_keep(g, e->args[1]);
		quoted = gen_keep(g, e->args[2]);
	}
	src = gen_str(g, e->args[0]);
	em_movi(&g->em, R0, 0);
	if (limited)
		gen_ld(g, R0, max);
	gen_st(g, gen_arg(0), R0);
	em_movi(&g->em, R0, 0);
	if (limited)
		gen_ld(g, R0, quoted);
	gen_st(g, gen_arg(1), R0);
	if (limited) {
		gen_word_free(g, quoted);
		gen_word_free(g, max);
	}
	gen_result(g, dst);
	gen_soff(g, R4, src);
	gen_routine(g, ROUTINE_rt_text_str);
	gen_cut(g);
}

static void gen_tokenize(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct sref src = gen_str(g, e->args[0]), delim = gen_str(g, e->args[1]);

	gen_ld(g, R0, g->tok_pos);
	gen_st(g, gen_arg(0), R0);
	gen_result(g, g->tok_state);
	gen_soff(g, R4, src);
	gen_routine(g, ROUTINE_rt_tokenize_start);
	gen_result(g, dst);
	gen_soff(g, R4, delim);
	gen_soff(g, R5, g->tok_state);
	gen_routine(g, ROUTINE_rt_tokenize);
	gen_cut(g);
	gen_ld(g, R0, gen_arg(0));
	gen_st(g, g->tok_pos, R0);
}

static void gen_chr(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	gen_expr(g, e->args[0]);
	em_alui(&g->em, BPF_AND, R0, 255);
	if (dst.bound < 2)
		em_movi(&g->em, R0, 0);
	gen_st(g, dst.at, R0);
}

static void gen_other(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	if (!gen_name_str(g, e, dst) && !gen_mem_str(g, e, dst) && !gen_ctx_str(g, e, dst))
		em_fail(&g->em, ir_op_table[e->op].name);
}

static void gen_names(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	gen_expr(g, e->args[0]);
	gen_st(g, (struct mem){ .off = offsetof(struct rt_mem, arg) }, R0);
	em_map_value(&g->em, R2, MAP_NUMBERS, 0);
	gen_soff(g, R3, dst);
	em_movi(&g->em, R4, dst.bound);
	em_movi(&g->em, R5, (int64_t)g->m->names[e->sym]->word);
	gen_routine(g, ROUTINE_rt_names);
	gen_cut(g);
}

void gen_str_to(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	uint32_t mark = gen_buf_mark(g);

	gen_need_slot(g);
	if (g->em.err)
		return;
	/* results of an op are cut to its own bound */
	if (e->bound && e->bound < dst.bound && e->op != IR_STRLIT && e->op != IR_LOCAL)
		dst.bound = e->bound;
	switch (e->op) {
	case IR_STRLIT:
		gen_str_copy(g, dst, gen_pool(g, e->str, strlen(e->str)));
		break;
	case IR_LOCAL:
		gen_str_copy(g, dst, (struct sref){ g->fn->locals[e->sym],
						    g->fn->f->locals[e->sym].bound });
		break;
	case IR_SELECT:
		gen_select_str(g, e, dst);
		break;
	case IR_CONCAT:
		gen_concat(g, e, dst);
		break;
	case IR_SUBSTR:
		gen_substr(g, e, dst);
		break;
	case IR_STR_REPLACE:
		gen_replace(g, e, dst);
		break;
	case IR_TEXT_STR:
	case IR_TEXT_STRN:
		gen_text(g, e, dst);
		break;
	case IR_TOKENIZE:
		gen_tokenize(g, e, dst);
		break;
	case IR_CHR:
		gen_chr(g, e, dst);
		break;
	case IR_SPRINTF:
		gen_sprintf(g, e, dst);
		break;
	case IR_GLOAD:
		gen_glob_str(g, e, dst);
		break;
	case IR_ALOAD:
		gen_array_str(g, e, dst);
		break;
	case IR_CALL:
		gen_call_str(g, e, dst);
		break;
	case IR_NAMES:
		gen_names(g, e, dst);
		break;
	case IR_ERRNO_STR:
		gen_errno_str(g, e, dst);
		break;
	case IR_TZ_NAME:
		gen_zone_name(g, dst);
		break;
	case IR_MATCHED:
		gen_matched(g, e, dst);
		break;
	default:
		gen_other(g, e, dst);
	}
	gen_buf_release(g, mark);
}

struct sref gen_str(struct gen *g, const struct ir_expr *e)
{
	struct sref t = { 0 };

	gen_need_slot(g);
	if (g->em.err)
		return t;
	if (e->op == IR_STRLIT)
		return gen_pool(g, e->str, strlen(e->str));
	if (e->op == IR_LOCAL)
		return (struct sref){ g->fn->locals[e->sym], g->fn->f->locals[e->sym].bound };
	t = gen_buf(g);
	if (e->bound && e->bound < t.bound)
		t.bound = e->bound;
	gen_str_to(g, e, t);
	return t;
}

/* r0 = strcmp(a, b), then the comparison without branches */
static void gen_strcmp(struct gen *g, const struct ir_expr *e)
{
	struct sref a = gen_str(g, e->args[0]), b = gen_str(g, e->args[1]);
	bool not = e->op == IR_SEQ || e->op == IR_SLE || e->op == IR_SGE;

	gen_soff(g, R2, a);
	gen_soff(g, R3, b);
	gen_routine(g, ROUTINE_rt_strcmp);
	switch (e->op) {
	case IR_SEQ:
	case IR_SNE:
		em_mov(&g->em, R1, R0);
		em_neg(&g->em, R1);
		em_alu(&g->em, BPF_OR, R0, R1);
		break;
	case IR_SGT:
	case IR_SLE:
		em_neg(&g->em, R0);
		break;
	default:
		break;
	}
	em_alui(&g->em, BPF_RSH, R0, 63);
	if (not)
		em_alui(&g->em, BPF_XOR, R0, 1);
}

static void gen_stringat(struct gen *g, const struct ir_expr *e)
{
	struct mem pos = gen_keep(g, e->args[1]);
	struct sref s = gen_str(g, e->args[0]);
	em_label bad = gen_error_label(g, WERR_STRINGAT_RANGE, &e->at, false);

	gen_soff(g, R2, s);
	gen_routine(g, ROUTINE_rt_strlen);
	gen_ld(g, R1, pos);
	gen_word_free(g, pos);
	em_jcc(&g->em, BPF_JGE, R1, R0, bad);
	if (s.at.frame) {
		em_mov(&g->em, R4, R1);
		gen_soff(g, R2, s);
		em_alu(&g->em, BPF_ADD, R2, R4);
		em_alui(&g->em, BPF_AND, R2, (1 << routine_variants[g->u->variant].mem_shift) - 1);
		em_alu(&g->em, BPF_ADD, R2, R6);
		em_ldx(&g->em, BPF_B, R0, R2, SLOT_B);
		return;
	}
	em_alui(&g->em, BPF_AND, R1, pow2_ceil(g->m->maxstr) - 1);
	gen_addr(g, R2, s.at);
	em_alu(&g->em, BPF_ADD, R2, R1);
	em_ldx(&g->em, BPF_B, R0, R2, 0);
}

static void gen_strpos(struct gen *g, const struct ir_expr *e)
{
	struct sref a = gen_str(g, e->args[0]), b = gen_str(g, e->args[1]);

	gen_soff(g, R2, a);
	gen_soff(g, R3, b);
	gen_routine(g, ROUTINE_rt_strpos);
	if (e->op == IR_ISINSTR) {
		em_alui(&g->em, BPF_RSH, R0, 63);
		em_alui(&g->em, BPF_XOR, R0, 1);
	}
}

bool gen_str_i64(struct gen *g, const struct ir_expr *e)
{
	uint32_t mark = gen_buf_mark(g);
	struct mem base;
	struct sref s;

	switch (e->op) {
	case IR_SEQ: case IR_SNE: case IR_SLT: case IR_SLE: case IR_SGT: case IR_SGE:
		gen_strcmp(g, e);
		break;
	case IR_STRLEN:
		s = gen_str(g, e->args[0]);
		gen_soff(g, R2, s);
		gen_routine(g, ROUTINE_rt_strlen);
		break;
	case IR_STRINGAT:
		gen_stringat(g, e);
		break;
	case IR_ISINSTR:
	case IR_STRPOS:
		gen_strpos(g, e);
		break;
	case IR_STRTOL:
		base = gen_keep(g, e->args[1]);
		s = gen_str(g, e->args[0]);
		gen_soff(g, R2, s);
		gen_ld(g, R3, base);
		gen_word_free(g, base);
		gen_routine(g, ROUTINE_rt_strtol);
		break;
	case IR_MATCH:
		gen_match(g, e);
		break;
	case IR_NGROUPS:
		gen_ngroups(g, e);
		break;
	default:
		return false;
	}
	gen_buf_release(g, mark);
	return true;
}
