/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building blocks of lowering: the statement list under construction,
 * temporaries, and the module's tables of globals, formats and regular expressions.
 */
#include "lower/lower.h"

#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/fmt.h"
#include "ir/regex.h"

/* ---- statements ---- */

void lower_emit(struct lower *L, struct ir_stmt *s)
{
	*L->tail = s;
	while (s->next)
		s = s->next;
	L->tail = &s->next;
}

struct ir_stmt **lower_into(struct lower *L, struct ir_stmt **list)
{
	struct ir_stmt **saved = L->tail;

	while (*list)
		list = &(*list)->next;
	L->tail = list;
	return saved;
}

void lower_into_end(struct lower *L, struct ir_stmt **saved)
{
	L->tail = saved;
}

void lower_set(struct lower *L, uint32_t local, struct ir_expr *value, const struct span *at)
{
	struct ir_stmt *s = ir_stmt_new(L->mod->ir, IR_S_SET, at);

	s->sym = local;
	s->expr = value;
	lower_emit(L, s);
}

void lower_eval(struct lower *L, struct ir_expr *effect)
{
	struct ir_stmt *s = ir_stmt_new(L->mod->ir, IR_S_EVAL, &effect->at);

	s->expr = effect;
	lower_emit(L, s);
}

struct ir_stmt *lower_if(struct lower *L, struct ir_expr *cond, const struct span *at)
{
	struct ir_stmt *s = ir_stmt_new(L->mod->ir, IR_S_IF, at);

	s->expr = cond;
	lower_emit(L, s);
	return s;
}

struct ir_stmt *lower_try(struct lower *L, const struct span *at)
{
	struct ir_stmt *s = ir_stmt_new(L->mod->ir, IR_S_TRY, at);

	lower_emit(L, s);
	return s;
}

/* ---- locals ---- */

uint32_t lower_new_local(struct lower *L, const char *hint, enum ir_type type, uint32_t bound)
{
	struct lower_module *m = L->mod;
	const char *name = arena_printf(m->arena, "%s.%u", hint, m->temp_count++);

	return ir_local_add(m->ir, L->func, name, type, bound);
}

struct ir_expr *lower_local(struct lower *L, uint32_t local, const struct span *at)
{
	return ir_local_ref(L->mod->ir, L->func, local, at);
}

struct ir_expr *lower_save(struct lower *L, struct ir_expr *value)
{
	uint32_t t = lower_new_local(L, "t", value->type, value->bound);

	lower_set(L, t, value, &value->at);
	return lower_local(L, t, &value->at);
}

struct ir_expr *lower_share(struct lower *L, struct ir_expr *value)
{
	if (value->op == IR_CONST || value->op == IR_STRLIT)
		return value;
	return lower_save(L, value);
}

/* ---- tables of the module ---- */

uint32_t lower_hidden_global(struct lower_module *m, const struct ir_global *proto)
{
	struct ir_global *g = arena_memdup(m->arena, proto, sizeof(*proto));

	g->hidden = true;
	g->name = arena_printf(m->arena, "%s.%u", proto->name, m->temp_count++);
	arrput(m->ir->globals, g);
	return (uint32_t)arrlen(m->ir->globals) - 1;
}

/* A text that is equal for equal formats: the key of format_of. */
static char *format_key(struct arena *a, const struct ir_format *f)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *out = xmemstream(&buf, &len);

	for (ptrdiff_t i = 0; i < arrlen(f->pieces); i++) {
		const struct ir_piece *p = &f->pieces[i];

		fprintf(out, "%d,%u,%d,%d,%d,%d,%u:%.*s;", p->conv, p->flags, p->width_arg,
			p->prec_arg, p->width, p->prec, p->text_len,
			p->conv == IR_CONV_TEXT ? (int)p->text_len : 0, p->text ? p->text : "");
	}
	fclose(out);

	char *key = arena_strdup(a, buf);

	free(buf);
	return key;
}

uint32_t lower_format(struct lower_module *m, const struct ir_format *f)
{
	char *key = format_key(m->arena, f);
	ptrdiff_t i = shgeti(m->format_of, key);

	if (i >= 0)
		return m->format_of[i].value;

	uint32_t index = ir_format_new(m->ir);

	for (ptrdiff_t k = 0; k < arrlen(f->pieces); k++)
		ir_format_conv(m->ir, index, &f->pieces[k]);
	shput(m->format_of, key, index);
	return index;
}

uint32_t lower_format_text(struct lower_module *m, const char *text)
{
	struct ir_format f = { 0 };

	while (*text) {
		struct ir_piece p = { .width = -1, .prec = -1 };

		if (*text != '%' || text[1] == '%') {
			size_t n = *text == '%' ? 1 : strcspn(text, "%");

			p.conv = IR_CONV_TEXT;
			p.text = arena_strndup(m->arena, text, n);
			p.text_len = (uint32_t)n;
			text += *text == '%' ? 2 : n;
		} else {
			switch (text[1]) {
			case 's': p.conv = IR_CONV_STR; break;
			case 'x': p.conv = IR_CONV_HEX; break;
			case 'u': p.conv = IR_CONV_UINT; break;
			case 'p': p.conv = IR_CONV_PTR; break;
			case 'c': p.conv = IR_CONV_CHAR; break;
			default:  p.conv = IR_CONV_INT; break;
			}
			text += 2;
		}
		arrput(f.pieces, p);
	}

	uint32_t index = lower_format(m, &f);

	arrfree(f.pieces);
	return index;
}

bool lower_regex(struct lower *L, const char *text, const struct span *at, uint32_t *index)
{
	struct ir_module *m = L->mod->ir;
	const char *err;

	*index = ir_regex_add(m, text, at);
	if (m->regexes[*index]->dfa || !ir_regex_compile(m, m->regexes[*index], &err))
		return true;
	diag_error(L->mod->diag, "regex", at, "%s", err);
	L->failed = true;
	return false;
}
