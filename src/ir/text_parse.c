/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing the text form of the IR (ir/text.h): recursive descent with one token
 * of lookahead.  The first error stops: every parse function returns at once
 * when ps->err is set, and the token is then the end.
 */
#include <string.h>

#include "base/ds.h"
#include "ir/fmt.h"
#include "ir/names.h"
#include "ir/regex.h"
#include "ir/text.h"
#include "ir/text_lex.h"
#include "ir/text_names.h"

#define MAX_DEPTH	1000

static bool is_punct(const struct parser *ps, char c)
{
	return ps->tok == T_PUNCT && ps->punct == c;
}

static bool is_word(const struct parser *ps, const char *w)
{
	return ps->tok == T_IDENT && strcmp(ps->text, w) == 0;
}

static bool take_punct(struct parser *ps, char c)
{
	if (!is_punct(ps, c))
		return false;
	ir_text_next(ps);
	return true;
}

static bool take_word(struct parser *ps, const char *w)
{
	if (!is_word(ps, w))
		return false;
	ir_text_next(ps);
	return true;
}

static void expect(struct parser *ps, char c)
{
	if (!take_punct(ps, c))
		ir_text_fail(ps, arena_printf(ps->a, "expected '%c'", c));
}

static const char *take_ident(struct parser *ps)
{
	const char *t = ps->text;

	if (ps->tok != T_IDENT) {
		ir_text_fail(ps, "expected a name");
		return "";
	}
	ir_text_next(ps);
	return t;
}

static int64_t take_int(struct parser *ps)
{
	int64_t v = ps->num;

	if (ps->tok != T_INT) {
		ir_text_fail(ps, "expected a number");
		return 0;
	}
	ir_text_next(ps);
	return v;
}

static uint32_t take_u32(struct parser *ps, uint32_t max)
{
	int64_t v = take_int(ps);

	if (v < 0 || v > max) {
		ir_text_fail(ps, "number out of range");
		return 0;
	}
	return (uint32_t)v;
}

static const char *take_str(struct parser *ps)
{
	const char *t = ps->text;

	if (ps->tok != T_STR) {
		ir_text_fail(ps, "expected a string");
		return "";
	}
	ir_text_next(ps);
	return t;
}

static void parse_type(struct parser *ps, enum ir_type *type, uint32_t *bound)
{
	const char *name = take_ident(ps);

	*bound = 0;
	for (size_t i = 0; i < sizeof(ir_type_names) / sizeof(*ir_type_names); i++)
		if (strcmp(ir_type_names[i], name) == 0) {
			*type = (enum ir_type)i;
			if (*type == IR_STR)
				*bound = ps->tok == T_INT ? take_u32(ps, 1 << 24) : ps->m->maxstr;
			return;
		}
	ir_text_fail(ps, "unknown type");
}

static uint32_t find_global(struct parser *ps)
{
	const char *name = take_ident(ps);

	for (uint32_t i = 0; i < arrlenu(ps->m->globals); i++)
		if (strcmp(ps->m->globals[i]->name, name) == 0)
			return i;
	ir_text_fail(ps, arena_printf(ps->a, "unknown global '%s'", name));
	return 0;
}

/* Functions may be called before their definition. */
static uint32_t find_func(struct parser *ps, const char *name)
{
	struct ir_func *f;

	for (uint32_t i = 0; i < arrlenu(ps->m->funcs); i++)
		if (strcmp(ps->m->funcs[i]->name, name) == 0)
			return i;
	f = ir_func_new(ps->a);
	f->name = name;
	f->at = ps->at;
	arrput(ps->m->funcs, f);
	arrput(ps->defined, false);
	return (uint32_t)arrlenu(ps->m->funcs) - 1;
}

static int32_t find_local(struct parser *ps, bool optional)
{
	const char *name = take_ident(ps);

	if (optional && strcmp(name, "_") == 0)
		return -1;
	for (size_t i = 0; ps->f && i < arrlenu(ps->f->locals); i++)
		if (strcmp(ps->f->locals[i].name, name) == 0)
			return (int32_t)i;
	ir_text_fail(ps, arena_printf(ps->a, "unknown local '%s'", name));
	return 0;
}

static struct ir_expr *parse_expr(struct parser *ps);

static void parse_symbol(struct parser *ps, struct ir_expr *e)
{
	unsigned flags = ir_op_table[e->op].flags;
	const char *err = NULL;

	if (flags & IRF_SYM_GLOBAL) {
		e->sym = find_global(ps);
		if (!ps->err && ir_op_table[e->op].result < 0) {
			e->type = ps->m->globals[e->sym]->type;
			e->bound = ps->m->globals[e->sym]->bound;
		}
	} else if (flags & IRF_SYM_FUNC) {
		e->sym = find_func(ps, take_ident(ps));
	} else if (flags & IRF_SYM_FORMAT) {
		e->sym = ir_format_parse(ps->m, take_str(ps), &err);
		if (err)
			ir_text_fail(ps, err);
	} else if (flags & IRF_SYM_REGEX) {
		e->sym = ir_regex_add(ps->m, take_str(ps), &e->at);
		if (!ps->err && ir_regex_compile(ps->m, ps->m->regexes[e->sym], &err))
			ir_text_fail(ps, err);
	} else if (flags & IRF_SYM_NAMES) {
		e->sym = ir_names_add(ps->m, take_str(ps), &err);
		if (err)
			ir_text_fail(ps, err);
	}
}

static struct ir_expr *parse_op(struct parser *ps)
{
	struct span at = ps->at;
	const char *name = ps->text;
	struct ir_expr *e, **args = NULL;
	int op = 0;
	uint32_t bound = 0;

	while (op < IR_OP_COUNT && (ps->tok != T_IDENT || strcmp(ir_op_table[op].name, name) != 0))
		op++;
	if (op == IR_OP_COUNT) {
		ir_text_fail(ps, "unknown operation");
		return ir_const(ps->m, 0, &at);
	}
	at.kind = SPAN_OPERATOR;
	e = ir_expr_new(ps->m, (enum ir_op)op, &at, 0);
	if (ps->p < ps->end && *ps->p == ':') {
		ir_text_next(ps);
		ir_text_next(ps);
		if (ps->tok == T_INT)
			bound = (uint32_t)ps->num;
		else
			ir_text_fail(ps, "expected a bound");
	}
	if (ps->p < ps->end && *ps->p == '#') {
		ps->p++;
		ir_text_next(ps);
		if (ps->tok == T_INT)
			e->imm = ps->num;
		else
			ir_text_fail(ps, "expected an immediate");
	}
	ir_text_next(ps);
	parse_symbol(ps, e);
	while (!ps->err && !is_punct(ps, ')'))
		arrput(args, parse_expr(ps));
	expect(ps, ')');
	e->nargs = (uint32_t)arrlenu(args);
	e->args = args ? arena_memdup(ps->a, args, arrlenu(args) * sizeof(*args)) : NULL;
	arrfree(args);
	if (e->op == IR_SELECT && e->nargs == 3) {
		e->type = e->args[1]->type;
		e->bound = e->args[1]->bound > e->args[2]->bound ? e->args[1]->bound : e->args[2]->bound;
	}
	if (bound)
		e->bound = bound;
	return e;
}

static struct ir_expr *parse_expr(struct parser *ps)
{
	struct span at = ps->at;
	struct ir_expr *e;

	if (ps->depth > MAX_DEPTH)
		ir_text_fail(ps, "too deeply nested");
	if (ps->tok == T_INT)
		return ir_const(ps->m, take_int(ps), &at);
	if (ps->tok == T_STR)
		return ir_str(ps->m, take_str(ps), &at);
	if (ps->tok == T_IDENT) {
		int32_t l = find_local(ps, false);

		return ps->err ? ir_const(ps->m, 0, &at)
			       : ir_local_ref(ps->m, ps->f, (uint32_t)l, &at);
	}
	expect(ps, '(');
	if (ps->err)
		return ir_const(ps->m, 0, &at);
	ps->depth++;
	e = parse_op(ps);
	ps->depth--;
	return e;
}

static struct ir_stmt *parse_block(struct parser *ps);

static void parse_slices(struct parser *ps, struct ir_foreach *l)
{
	expect(ps, '[');
	for (uint32_t i = 0; i < l->nkeys && !ps->err; i++) {
		if (i)
			expect(ps, ',');
		if (is_word(ps, "_"))
			ir_text_next(ps);
		else
			l->slice[i] = parse_expr(ps);
	}
	expect(ps, ']');
}

static void parse_sort(struct parser *ps, struct ir_foreach *l)
{
	const char *by = take_ident(ps);

	if (strcmp(by, "key") == 0) {
		l->sort = IR_SORT_KEY;
		l->sort_key = take_u32(ps, IR_MAX_KEYS - 1);
	} else if (strcmp(by, "value") == 0) {
		l->sort = IR_SORT_VALUE;
	} else {
		int i = 0;

		while (i < 6 && strcmp(ir_stat_names[i], by) != 0)
			i++;
		if (i == 6)
			ir_text_fail(ps, "unknown order");
		l->sort = IR_SORT_STAT;
		l->sort_stat = (enum ir_stat)i;
	}
	l->descending = take_word(ps, "desc");
}

static struct ir_foreach *parse_foreach(struct parser *ps)
{
	struct ir_foreach *l = arena_new(ps->a, struct ir_foreach);

	l->hist = take_word(ps, "hist");
	l->global = find_global(ps);
	l->value_local = -1;
	if (take_punct(ps, '(')) {
		l->hist_keys = arena_new_array(ps->a, struct ir_expr *, IR_MAX_KEYS + 1);
		for (int i = 0; i < IR_MAX_KEYS && !ps->err && !is_punct(ps, ')'); i++)
			l->hist_keys[i] = parse_expr(ps);
		expect(ps, ')');
	}
	expect(ps, '[');
	while (!ps->err && !is_punct(ps, ']') && l->nkeys < IR_MAX_KEYS) {
		if (l->nkeys)
			expect(ps, ',');
		l->key_local[l->nkeys++] = find_local(ps, true);
	}
	expect(ps, ']');
	if (take_punct(ps, '='))
		l->value_local = find_local(ps, true);
	if (take_word(ps, "slice"))
		parse_slices(ps, l);
	if (take_word(ps, "sort"))
		parse_sort(ps, l);
	if (take_word(ps, "limit"))
		l->limit = parse_expr(ps);
	return l;
}

static struct ir_stmt *parse_stmt(struct parser *ps)
{
	static const char *const words[] = { "set", "eval", "if", "loop", "foreach", "break",
					     "continue", "return", "try", "action" };
	struct span at = ps->at;
	const char *word = take_ident(ps);
	size_t kind = 0;
	struct ir_stmt *s;

	while (kind < 10 && strcmp(words[kind], word) != 0)
		kind++;
	if (kind == 10) {
		ir_text_fail(ps, arena_printf(ps->a, "unknown statement '%s'", word));
		kind = IR_S_BREAK;
	}
	s = ir_stmt_new(ps->m, (enum ir_stmt_kind)kind, &at);
	switch (s->kind) {
	case IR_S_SET:
		s->sym = (uint32_t)find_local(ps, false);
		expect(ps, '=');
		s->expr = parse_expr(ps);
		break;
	case IR_S_EVAL:
		s->expr = parse_expr(ps);
		break;
	case IR_S_IF:
		s->expr = parse_expr(ps);
		s->body = parse_block(ps);
		if (take_word(ps, "else"))
			s->orelse = parse_block(ps);
		break;
	case IR_S_LOOP:
		s->body = parse_block(ps);
		if (take_word(ps, "step"))
			s->orelse = parse_block(ps);
		break;
	case IR_S_FOREACH:
		s->foreach = parse_foreach(ps);
		s->body = parse_block(ps);
		break;
	case IR_S_RETURN:
		if (ps->f->ret != IR_VOID && !is_punct(ps, '}'))
			s->expr = parse_expr(ps);
		break;
	case IR_S_TRY:
		s->body = parse_block(ps);
		if (!take_word(ps, "catch"))
			ir_text_fail(ps, "expected 'catch'");
		s->has_sym = ps->tok == T_IDENT;
		if (s->has_sym)
			s->sym = (uint32_t)find_local(ps, false);
		s->orelse = parse_block(ps);
		break;
	case IR_S_ACTION:
		s->imm = take_int(ps);
		break;
	case IR_S_BREAK:
	case IR_S_CONTINUE:
		break;
	}
	return s;
}

static struct ir_stmt *parse_block(struct parser *ps)
{
	struct ir_stmt *first = NULL, **tail = &first;

	if (++ps->depth > MAX_DEPTH)
		ir_text_fail(ps, "too deeply nested");
	expect(ps, '{');
	while (!ps->err && !is_punct(ps, '}')) {
		if (ps->tok == T_END) {
			ir_text_fail(ps, "missing '}'");
			break;
		}
		*tail = parse_stmt(ps);
		tail = &(*tail)->next;
	}
	expect(ps, '}');
	ps->depth--;
	return first;
}

static void parse_global(struct parser *ps)
{
	struct ir_global *g = arena_new(ps->a, struct ir_global);

	g->at = ps->at;
	g->name = take_ident(ps);
	g->max_entries = 2048;
	if (take_punct(ps, '[')) {
		g->is_array = true;
		do {
			if (g->nkeys == IR_MAX_KEYS) {
				ir_text_fail(ps, "too many keys");
				break;
			}
			parse_type(ps, &g->key_type[g->nkeys], &g->key_bound[g->nkeys]);
			g->nkeys++;
		} while (take_punct(ps, ','));
		expect(ps, ']');
	}
	expect(ps, ':');
	parse_type(ps, &g->type, &g->bound);
	for (;;) {
		if (take_word(ps, "max")) {
			g->max_entries = take_u32(ps, UINT32_MAX);
		} else if (take_word(ps, "size")) {
			g->max_entries = take_u32(ps, UINT32_MAX);
			g->sized = true;
		} else if (take_word(ps, "wrap")) {
			g->wrap = true;
		} else if (take_word(ps, "hidden")) {
			g->hidden = true;
		} else if (take_word(ps, "hist")) {
			if (take_word(ps, "log")) {
				g->hist = IR_HIST_LOG;
				continue;
			}
			if (!take_word(ps, "linear"))
				ir_text_fail(ps, "expected 'log' or 'linear'");
			g->hist = IR_HIST_LINEAR;
			g->hist_lo = take_int(ps);
			g->hist_hi = take_int(ps);
			g->hist_step = take_int(ps);
		} else {
			break;
		}
	}
	if (take_punct(ps, '=')) {
		g->init.set = true;
		g->init.is_str = ps->tok == T_STR;
		if (g->init.is_str)
			g->init.s = take_str(ps);
		else
			g->init.i = take_int(ps);
	}
	arrput(ps->m->globals, g);
}

static void parse_body(struct parser *ps, struct ir_func *f)
{
	struct ir_stmt **tail = &f->body;

	ps->f = f;
	expect(ps, '{');
	while (take_word(ps, "local")) {
		enum ir_type type = IR_I64;
		uint32_t bound;
		const char *name = take_ident(ps);

		expect(ps, ':');
		parse_type(ps, &type, &bound);
		ir_local_add(ps->m, f, name, type, bound);
	}
	while (!ps->err && !is_punct(ps, '}')) {
		if (ps->tok == T_END) {
			ir_text_fail(ps, "missing '}'");
			return;
		}
		*tail = parse_stmt(ps);
		tail = &(*tail)->next;
	}
	expect(ps, '}');
}

static void parse_func(struct parser *ps)
{
	uint32_t index = find_func(ps, take_ident(ps));
	struct ir_func *f = ps->m->funcs[index];

	if (ps->defined[index])
		ir_text_fail(ps, "function defined twice");
	ps->defined[index] = true;
	expect(ps, '(');
	while (!ps->err && !is_punct(ps, ')')) {
		enum ir_type type = IR_I64;
		uint32_t bound;
		const char *name;

		if (f->nparams)
			expect(ps, ',');
		name = take_ident(ps);
		expect(ps, ':');
		parse_type(ps, &type, &bound);
		ir_local_add(ps->m, f, name, type, bound);
		f->nparams++;
	}
	expect(ps, ')');
	if (take_punct(ps, ':'))
		parse_type(ps, &f->ret, &f->ret_bound);
	parse_body(ps, f);
}

static void parse_top(struct parser *ps)
{
	if (take_word(ps, "maxstr")) {
		ps->m->maxstr = take_u32(ps, 1 << 20);
		if (ps->m->maxstr < 16)
			ir_text_fail(ps, "maxstr too small");
	} else if (take_word(ps, "global")) {
		parse_global(ps);
	} else if (take_word(ps, "func")) {
		parse_func(ps);
	} else if (take_word(ps, "handler")) {
		struct ir_func *f = ir_func_new(ps->a);

		f->at = ps->at;
		f->name = ps->tok == T_IDENT ? take_ident(ps) : "_";
		parse_body(ps, f);
		arrput(ps->m->handlers, f);
	} else {
		ir_text_fail(ps, "expected maxstr, global, func or handler");
	}
}

static void fix_list(struct ir_module *m, struct ir_stmt *s)
{
	for (; s; s = s->next) {
		if (s->expr && s->expr->op == IR_CALL) {
			s->expr->type = m->funcs[s->expr->sym]->ret;
			s->expr->bound = m->funcs[s->expr->sym]->ret_bound;
		}
		fix_list(m, s->body);
		fix_list(m, s->orelse);
	}
}

struct ir_module *ir_parse(struct arena *a, const struct source *src, const char **err)
{
	struct parser ps = { .a = a, .m = ir_module_create(a), .src = src, .p = src->text,
			     .end = src->text + src->len, .line_start = src->text, .line = 1 };

	ir_text_next(&ps);
	while (ps.tok != T_END && !ps.err)
		parse_top(&ps);
	for (size_t i = 0; i < arrlenu(ps.m->funcs) && !ps.err; i++)
		if (!ps.defined[i])
			ps.err = arena_printf(a, "function '%s' is not defined", ps.m->funcs[i]->name);
	arrfree(ps.defined);
	if (ps.err) {
		*err = ps.err;
		return NULL;
	}
	for (size_t i = 0; i < arrlenu(ps.m->funcs); i++)
		fix_list(ps.m, ps.m->funcs[i]->body);
	for (size_t i = 0; i < arrlenu(ps.m->handlers); i++)
		fix_list(ps.m, ps.m->handlers[i]->body);
	return ps.m;
}
