/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evaluation of expressions.  They are free of effects; once an error is under
 * way values no longer matter and the statement does not happen.
 */
#include <string.h>

#include "base/xalloc.h"
#include "interp/state.h"
#include "ir/compute.h"

void interp_fail(struct interp *in, uint32_t code, int64_t arg, const struct ir_expr *e)
{
	if (in->err.code != WERR_NONE)
		return;
	in->err.code = code;
	in->err.arg = arg;
	in->err.at = e->at;
}

char *interp_at(struct interp *in, uint32_t offset)
{
	return (char *)&in->mem->b[offset & RT_MEM_MASK];
}

uint32_t interp_push(struct interp *in, uint32_t size)
{
	uint32_t at = in->top;

	size = RT_ROUND(size);
	if (size > RT_MEM_SIZE - 64 || at > RT_MEM_SIZE - 64 - size) {
		static const struct ir_expr nowhere;

		interp_fail(in, WERR_USER, 0, &nowhere);
		if (!in->err.text)
			in->err.text = xstrdup("strings of one statement need too much memory");
		at = 0;
	}
	in->top = at + size;
	return at;
}

uint32_t interp_push_text(struct interp *in, const char *s, size_t n, uint32_t bound)
{
	uint32_t at;

	if (n > bound - 1) {
		n = bound - 1;
		in->stats.truncated++;
	}
	at = interp_push(in, (uint32_t)n + 1);
	memcpy(interp_at(in, at), s, n);
	interp_at(in, at)[n] = 0;
	return at;
}

char *interp_local(struct interp *in, uint32_t local)
{
	return in->frames + in->frame + in->layout->offset[local];
}

static int64_t local_int(struct interp *in, uint32_t local)
{
	int64_t v;

	memcpy(&v, interp_local(in, local), sizeof(v));
	return v;
}

static int64_t unary(const struct ir_expr *e, int64_t a)
{
	int64_t r = 0;

	ir_compute_unary(e->op, e->imm, a, &r);
	return r;
}

static int64_t binary(struct interp *in, const struct ir_expr *e, int64_t a, int64_t b)
{
	int64_t r = 0;

	if (!ir_compute(e->op, a, b, &r))
		interp_fail(in, WERR_DIV0, 0, e);
	return r;
}

int64_t interp_int(struct interp *in, const struct ir_expr *e)
{
	int64_t a;

	switch (e->op) {
	case IR_CONST:
		return e->imm;
	case IR_LOCAL:
		return local_int(in, e->sym);
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_DIV: case IR_MOD: case IR_AND: case IR_OR:
	case IR_XOR: case IR_SHL: case IR_SHR: case IR_USHR: case IR_EQ: case IR_NE: case IR_LT:
	case IR_LE: case IR_GT: case IR_GE: case IR_ULT:
		a = interp_int(in, e->args[0]);
		return binary(in, e, a, interp_int(in, e->args[1]));
	case IR_NEG: case IR_NOT: case IR_LNOT: case IR_SEXT: case IR_ZEXT: case IR_BSWAP:
		return unary(e, interp_int(in, e->args[0]));
	case IR_ANDTHEN:
		return interp_int(in, e->args[0]) && interp_int(in, e->args[1]);
	case IR_ORELSE:
		return interp_int(in, e->args[0]) || interp_int(in, e->args[1]);
	case IR_SELECT:
		return interp_int(in, interp_int(in, e->args[0]) ? e->args[1] : e->args[2]);
	case IR_SEQ: case IR_SNE: case IR_SLT: case IR_SLE: case IR_SGT: case IR_SGE: case IR_MATCH:
	case IR_NGROUPS: case IR_STRLEN: case IR_STRINGAT: case IR_ISINSTR: case IR_STRPOS:
	case IR_STRTOL:
		return interp_string_int(in, e);
	case IR_GLOAD: case IR_ALOAD: case IR_AHAS: case IR_ASIZE: case IR_STAT_GET:
	case IR_HIST_COUNT: case IR_HIST_BUCKETS:
		return interp_global_int(in, e);
	case IR_ULOAD: case IR_KLOAD: case IR_ULOAD_OK:
		return interp_memory_int(in, e);
	default:
		return interp_context_int(in, e);
	}
}

/* Moves the result at `from` down to `mark`, where the arguments began. */
static uint32_t settle(struct interp *in, uint32_t mark, uint32_t from)
{
	size_t n = strlen(interp_at(in, from)) + 1;

	if (from != mark)
		memmove(interp_at(in, mark), interp_at(in, from), n);
	in->top = mark + RT_ROUND((uint32_t)n);
	return mark;
}

uint32_t interp_str(struct interp *in, const struct ir_expr *e)
{
	uint32_t mark = in->top, at;
	const char *s;

	switch (e->op) {
	case IR_STRLIT:
		return interp_push_text(in, e->str, strlen(e->str), e->bound);
	case IR_LOCAL:
		s = interp_local(in, e->sym);
		return interp_push_text(in, s, strlen(s), e->bound);
	case IR_SELECT: {
		int64_t c = interp_int(in, e->args[0]);

		in->top = mark;
		at = interp_str(in, c ? e->args[1] : e->args[2]);
		s = interp_at(in, at);
		if (strlen(s) >= e->bound) {
			interp_at(in, at)[e->bound - 1] = 0;
			in->stats.truncated++;
		}
		return at;
	}
	case IR_CONCAT: case IR_MATCHED: case IR_SUBSTR: case IR_STR_REPLACE: case IR_TEXT_STR:
	case IR_TEXT_STRN: case IR_NAMES: case IR_SPRINTF: case IR_CHR:
		at = interp_string_str(in, e);
		break;
	case IR_GLOAD: case IR_ALOAD:
		at = interp_global_str(in, e);
		break;
	case IR_USTR: case IR_KSTR: case IR_USTR_QUOTED: case IR_KSTR_QUOTED: case IR_USTR_UTF16:
	case IR_USTR_UTF32: case IR_UBUF: case IR_KBUF: case IR_UBUF_QUOTED: case IR_KBUF_QUOTED:
		at = interp_memory_str(in, e);
		break;
	default:
		at = interp_context_str(in, e);
		break;
	}
	return settle(in, mark, at);
}

uint32_t interp_text(struct interp *in, const struct ir_expr *e)
{
	uint32_t mark = in->top, at = interp_str(in, e);
	struct out_buf b = { 0 };

	if (!strchr(interp_at(in, at), WIRE_DEFER_OPEN))
		return at;
	out_expand(&b, &in->env->defer, interp_at(in, at), strlen(interp_at(in, at)));
	in->top = mark;
	at = interp_push_text(in, b.p ? b.p : "", b.len, in->m->maxstr);
	out_buf_free(&b);
	return at;
}
