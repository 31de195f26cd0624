/* SPDX-License-Identifier: GPL-2.0-or-later */
/* String operations, by the run-time library that kernel handlers use too. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "interp/state.h"
#include "ir/names.h"
#include "ir/regex.h"

/* Length part of a run-time library's result; counts what was cut. */
static void note_cut(struct interp *in, long r)
{
	if (r & RT_CUT)
		in->stats.truncated++;
}

static int64_t compare(struct interp *in, const struct ir_expr *e)
{
	uint32_t a = interp_text(in, e->args[0]);
	long c = rt_strcmp(in->mem, a, interp_text(in, e->args[1]));

	switch (e->op) {
	case IR_SEQ: return c == 0;
	case IR_SNE: return c != 0;
	case IR_SLT: return c < 0;
	case IR_SLE: return c <= 0;
	case IR_SGT: return c > 0;
	default: return c >= 0;
	}
}

/* Groups are looked for when they are asked for; here only the text is kept. */
static int64_t match(struct interp *in, const struct ir_expr *e)
{
	const struct ir_dfa *d = in->m->regexes[e->sym]->dfa;
	const char *s = interp_at(in, interp_text(in, e->args[0]));

	in->match_regex = e->sym;
	in->match_ok = ir_dfa_match(d, s);
	free(in->match_text);
	in->match_text = xstrdup(s);
	in->match_group[0][1] = -1;
	return in->match_ok;
}

static int64_t string_at(struct interp *in, const struct ir_expr *e)
{
	uint32_t s = interp_text(in, e->args[0]);
	int64_t pos = interp_int(in, e->args[1]);

	if (pos < 0 || pos >= rt_strlen(in->mem, s)) {
		interp_fail(in, WERR_STRINGAT_RANGE, 0, e);
		return 0;
	}
	return (unsigned char)interp_at(in, s)[pos];
}

static int64_t ngroups(struct interp *in, const struct ir_expr *e)
{
	if (in->match_regex == UINT32_MAX || !in->match_ok) {
		interp_fail(in, WERR_MATCHED, ~(int64_t)0, e);
		return 0;
	}
	return ((const struct ir_dfa *)in->m->regexes[in->match_regex]->dfa)->ngroups;
}

int64_t interp_string_int(struct interp *in, const struct ir_expr *e)
{
	uint32_t mark = in->top, a;
	int64_t v;

	switch (e->op) {
	case IR_MATCH:
		v = match(in, e);
		break;
	case IR_NGROUPS:
		v = ngroups(in, e);
		break;
	case IR_STRLEN:
		v = rt_strlen(in->mem, interp_text(in, e->args[0]));
		break;
	case IR_STRINGAT:
		v = string_at(in, e);
		break;
	case IR_ISINSTR:
	case IR_STRPOS:
		a = interp_text(in, e->args[0]);
		v = rt_strpos(in->mem, a, interp_text(in, e->args[1]));
		if (e->op == IR_ISINSTR)
			v = v >= 0;
		break;
	case IR_STRTOL:
		a = interp_text(in, e->args[0]);
		v = rt_strtol(in->mem, a, interp_int(in, e->args[1]));
		break;
	default:
		v = compare(in, e);
	}
	in->top = mark;
	return v;
}

static uint32_t matched(struct interp *in, const struct ir_expr *e)
{
	int64_t n = interp_int(in, e->args[0]);
	const struct ir_dfa *d;
	int32_t *g;

	if (in->match_regex == UINT32_MAX || !in->match_ok) {
		interp_fail(in, WERR_MATCHED, ~n, e);
		return interp_push_text(in, "", 0, 1);
	}
	d = in->m->regexes[in->match_regex]->dfa;
	if (n < 0 || n >= d->ngroups) {
		interp_fail(in, WERR_MATCHED, n < 0 ? INT64_MAX : n, e);
		return interp_push_text(in, "", 0, 1);
	}
	if (in->match_group[0][1] < 0)
		ir_regex_groups(d, in->match_text, in->match_group);
	g = in->match_group[n];
	if (g[0] < 0 || g[1] < g[0])
		return interp_push_text(in, "", 0, 1);
	return interp_push_text(in, in->match_text + g[0], (size_t)(g[1] - g[0]), e->bound);
}

static uint32_t escaped(struct interp *in, const struct ir_expr *e)
{
	bool limited = e->op == IR_TEXT_STRN;
	uint32_t src = interp_text(in, e->args[0]);
	int64_t max = limited ? interp_int(in, e->args[1]) : 0;
	int64_t quoted = limited ? interp_int(in, e->args[2]) : 0;
	uint32_t dst = interp_push(in, e->bound);

	in->mem->arg[0] = max;
	in->mem->arg[1] = quoted;
	note_cut(in, rt_text_str(in->mem, dst, e->bound, src));
	return dst;
}

static uint32_t named(struct interp *in, const struct ir_expr *e)
{
	int64_t v = interp_int(in, e->args[0]);
	uint32_t dst = interp_push(in, e->bound);

	in->mem->arg[0] = v;
	note_cut(in, rt_names(in->mem, in->m->names_table, dst, e->bound, in->m->names[e->sym]->word));
	return dst;
}

static uint32_t replaced(struct interp *in, const struct ir_expr *e)
{
	uint32_t src = interp_text(in, e->args[0]), srch = interp_text(in, e->args[1]);
	uint32_t rplc = interp_text(in, e->args[2]), dst = interp_push(in, e->bound);

	in->mem->arg[0] = srch;
	in->mem->arg[1] = rplc;
	note_cut(in, rt_str_replace(in->mem, dst, e->bound, src));
	return dst;
}

static uint32_t part(struct interp *in, const struct ir_expr *e)
{
	uint32_t src = interp_text(in, e->args[0]), dst;
	int64_t start = interp_int(in, e->args[1]), n = interp_int(in, e->args[2]);

	dst = interp_push(in, e->bound);
	in->mem->arg[0] = start;
	in->mem->arg[1] = n;
	note_cut(in, rt_substr(in->mem, dst, e->bound, src));
	return dst;
}

static uint32_t formatted(struct interp *in, const struct ir_expr *e)
{
	struct out_buf b = { 0 };
	uint32_t at;

	interp_format(in, e, &b);
	at = interp_push_text(in, b.p ? b.p : "", strnlen(b.p ? b.p : "", b.len), e->bound);
	out_buf_free(&b);
	return at;
}

uint32_t interp_string_str(struct interp *in, const struct ir_expr *e)
{
	uint32_t a, b, dst;
	char c;

	switch (e->op) {
	case IR_CONCAT:
		a = interp_str(in, e->args[0]);
		b = interp_str(in, e->args[1]);
		dst = interp_push(in, e->bound);
		note_cut(in, rt_concat(in->mem, dst, e->bound, a, b));
		return dst;
	case IR_MATCHED:
		return matched(in, e);
	case IR_SUBSTR:
		return part(in, e);
	case IR_STR_REPLACE:
		return replaced(in, e);
	case IR_SPRINTF:
		return formatted(in, e);
	case IR_CHR:
		c = (char)interp_int(in, e->args[0]);
		return interp_push_text(in, &c, c != 0, e->bound);
	default:
		return escaped(in, e);
	case IR_NAMES:
		return named(in, e);
	}
}

uint32_t interp_tokenize(struct interp *in, const struct ir_expr *e)
{
	uint32_t src = interp_text(in, e->args[0]), delim = interp_text(in, e->args[1]);
	uint32_t state = interp_push(in, in->m->maxstr), dst;

	if (in->token_text)
		strcpy(interp_at(in, state), in->token_text);
	in->mem->arg[0] = in->token_pos;
	rt_tokenize_start(in->mem, state, in->m->maxstr, src);
	if (!in->token_text || interp_at(in, src)[0]) {
		free(in->token_text);
		in->token_text = xstrdup(interp_at(in, src)[0] ? interp_at(in, state) : "");
	}
	dst = interp_push(in, e->bound);
	note_cut(in, rt_tokenize(in->mem, dst, e->bound, delim, state));
	in->token_pos = in->mem->arg[0];
	return dst;
}
