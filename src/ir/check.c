/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checker: types, symbols, effects and shape of every tree. */
#include "ir/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/fmt.h"
#include "ir/pass.h"
#include "ir/program.h"

struct checker {
	const struct ir_module *m;
	const struct ir_func *f;
	const char *where;	/* "handler x" */
	const char *err;
	bool handler;
	bool kernel, user;	/* who runs it, if known */
	int loops;
	int depth;
};

#define MAX_DEPTH	20000

static void bad(struct checker *c, const char *what, const char *detail)
{
	if (!c->err)
		c->err = arena_printf(c->m->arena, "%s: %s%s%s", c->where, what, detail ? ": " : "",
				      detail ? detail : "");
}

static void check_expr(struct checker *c, const struct ir_expr *e, bool root);

static void want(struct checker *c, const struct ir_expr *e, enum ir_type type, const char *op)
{
	if (!c->err && e->type != type)
		bad(c, type == IR_STR ? "a string is needed" : "an integer is needed", op);
}

static bool check_symbol(struct checker *c, const struct ir_expr *e)
{
	const struct ir_op_info *info = &ir_op_table[e->op];
	size_t limit = SIZE_MAX;

	if (info->flags & IRF_SYM_LOCAL)
		limit = arrlenu(c->f->locals);
	if (info->flags & IRF_SYM_GLOBAL)
		limit = arrlenu(c->m->globals);
	if (info->flags & IRF_SYM_FUNC)
		limit = arrlenu(c->m->funcs);
	if (info->flags & IRF_SYM_FORMAT)
		limit = arrlenu(c->m->formats);
	if (info->flags & IRF_SYM_REGEX)
		limit = arrlenu(c->m->regexes);
	if (info->flags & IRF_SYM_NAMES)
		limit = arrlenu(c->m->names);
	if (e->sym >= limit)
		bad(c, "symbol out of range", info->name);
	return !c->err;
}

static void check_global_use(struct checker *c, const struct ir_expr *e)
{
	const struct ir_global *g = c->m->globals[e->sym];
	const char *name = ir_op_table[e->op].name;
	bool want_stat = false, want_array = false, any_shape = false;

	switch (e->op) {
	case IR_STAT_ADD: case IR_STAT_GET: case IR_HIST_COUNT: case IR_HIST_BUCKETS: case IR_PRINT_HIST:
		want_stat = any_shape = true;
		break;
	case IR_ACLEAR:
		want_stat = g->type == IR_STAT;
		any_shape = true;
		break;
	case IR_ADEL: case IR_ASIZE: case IR_AHAS:
		want_stat = g->type == IR_STAT;
		want_array = true;
		break;
	case IR_ALOAD: case IR_ASTORE: case IR_AADD:
		want_array = true;
		break;
	default:
		break;
	}
	if (want_stat != (g->type == IR_STAT) || (!any_shape && want_array != g->is_array))
		bad(c, "operation does not fit the global", name);
	if ((e->op == IR_HIST_COUNT || e->op == IR_HIST_BUCKETS || e->op == IR_PRINT_HIST) &&
	    g->hist == IR_HIST_NONE)
		bad(c, "the global has no histogram", name);
	if ((e->op == IR_GADD || e->op == IR_AADD) && g->type != IR_I64)
		bad(c, "addition to a global that is no integer", name);
	if ((e->op == IR_GLOAD || e->op == IR_ALOAD) && e->type != g->type)
		bad(c, "type is not the global's", name);
	if ((e->op == IR_GSTORE || e->op == IR_ASTORE) && e->nargs &&
	    e->args[e->nargs - 1]->type != g->type)
		bad(c, "value is not of the global's type", name);
}

static void check_keys(struct checker *c, const struct ir_expr *e, uint32_t *arg)
{
	const struct ir_global *g = c->m->globals[e->sym];

	for (uint32_t k = 0; g->is_array && k < g->nkeys && !c->err; k++, (*arg)++) {
		if (*arg >= e->nargs)
			bad(c, "keys missing", ir_op_table[e->op].name);
		else
			want(c, e->args[*arg], g->key_type[k], ir_op_table[e->op].name);
	}
}

/* Arguments against the letters of the op's row. */
static void check_args(struct checker *c, const struct ir_expr *e)
{
	const struct ir_op_info *info = &ir_op_table[e->op];
	uint32_t arg = 0;
	bool more = false;

	for (const char *p = info->args; *p && !c->err; p++) {
		if (*p == 'k') {
			check_keys(c, e, &arg);
		} else if (*p == '*') {
			more = true;
		} else if (arg >= e->nargs) {
			bad(c, "arguments missing", info->name);
		} else {
			want(c, e->args[arg++], *p == 's' ? IR_STR : IR_I64, info->name);
		}
	}
	if (!c->err && !more && arg != e->nargs)
		bad(c, "too many arguments", info->name);
	for (; more && arg < e->nargs && !c->err; arg++)
		if (e->args[arg]->type != IR_I64 && e->args[arg]->type != IR_STR)
			bad(c, "argument without a value", info->name);
}

static void check_call(struct checker *c, const struct ir_expr *e)
{
	const struct ir_func *f = c->m->funcs[e->sym];

	if (e->nargs != f->nparams)
		bad(c, "wrong number of arguments", f->name);
	for (uint32_t i = 0; i < e->nargs && !c->err; i++)
		if (e->args[i]->type != f->locals[i].type)
			bad(c, "argument of the wrong type", f->name);
	if (!c->err && e->type != f->ret)
		bad(c, "type is not the function's", f->name);
}

static void check_format(struct checker *c, const struct ir_expr *e)
{
	enum ir_type *types = xcalloc(e->nargs + 1, sizeof(*types));

	if (ir_format_args(c->m->formats[e->sym], types, e->nargs) != e->nargs)
		bad(c, "arguments do not fit the format", ir_op_table[e->op].name);
	for (uint32_t i = 0; i < e->nargs && !c->err; i++)
		want(c, e->args[i], types[i], "format argument");
	free(types);
}

static void check_special(struct checker *c, const struct ir_expr *e)
{
	const struct ir_op_info *info = &ir_op_table[e->op];
	bool sized = e->imm == 1 || e->imm == 2 || e->imm == 4 || e->imm == 8;

	switch (e->op) {
	case IR_STRLIT:
		if (!e->str || strlen(e->str) >= e->bound)
			bad(c, "bound of a constant is too small", NULL);
		break;
	case IR_LOCAL:
		if (e->type != c->f->locals[e->sym].type || e->bound < c->f->locals[e->sym].bound)
			bad(c, "type or bound is not the local's", c->f->locals[e->sym].name);
		break;
	case IR_SELECT:
		if (e->nargs != 3 || e->type != e->args[1]->type || e->type != e->args[2]->type)
			bad(c, "branches of a select differ", NULL);
		break;
	case IR_SEXT: case IR_ZEXT:
		if (e->imm < 1 || e->imm > 63)
			bad(c, "immediate out of range", info->name);
		break;
	case IR_BSWAP:
		if (e->imm != 16 && e->imm != 32 && e->imm != 64)
			bad(c, "immediate out of range", info->name);
		break;
	case IR_ULOAD: case IR_KLOAD: case IR_USTORE:
		if (!sized)
			bad(c, "size of the access", info->name);
		break;
	case IR_STAT_GET:
		if (e->imm < IR_STAT_COUNT || e->imm > IR_STAT_VARIANCE)
			bad(c, "unknown statistic", info->name);
		if (e->nargs > c->m->globals[e->sym]->nkeys + 1 ||
		    (e->nargs > c->m->globals[e->sym]->nkeys && e->args[e->nargs - 1]->type != IR_I64))
			bad(c, "too many arguments", info->name);
		break;
	case IR_POINT_STR:
		if (e->imm < 0 || e->imm >= IR_PP_COUNT)
			bad(c, "unknown text of a probe point", info->name);
		break;
	case IR_GSTORE: case IR_ASTORE:
		if (e->nargs != c->m->globals[e->sym]->nkeys + 1)
			bad(c, "one value is needed", info->name);
		break;
	default:
		break;
	}
}

static void check_expr(struct checker *c, const struct ir_expr *e, bool root)
{
	const struct ir_op_info *info;

	if (c->err)
		return;
	if (!e || e->op >= IR_OP_COUNT) {
		bad(c, "no expression or unknown operation", NULL);
		return;
	}
	info = &ir_op_table[e->op];
	if (++c->depth > MAX_DEPTH)
		bad(c, "expression too deeply nested", NULL);
	for (uint32_t i = 0; i < e->nargs && !c->err; i++)
		check_expr(c, e->args[i], false);
	c->depth--;
	if (c->err || !check_symbol(c, e))
		return;
	if ((info->flags & IRF_EFFECT) && !root)
		bad(c, "effect inside an expression", info->name);
	if (info->result >= 0 && e->type != (enum ir_type)info->result)
		bad(c, "wrong result type", info->name);
	if (e->type == IR_STR && (e->bound < 1 || e->bound > c->m->maxstr))
		bad(c, "bound of a string", info->name);
	if ((info->flags & IRF_KONLY) && c->user)
		bad(c, "operation of kernel handlers in the user engine", info->name);
	if ((info->flags & IRF_UONLY) && c->kernel)
		bad(c, "operation of the user engine in a kernel handler", info->name);
	check_args(c, e);
	if (c->err)
		return;
	if (info->flags & IRF_SYM_GLOBAL)
		check_global_use(c, e);
	if (c->err)
		return;
	if (info->flags & IRF_SYM_FUNC)
		check_call(c, e);
	if (info->flags & IRF_SYM_FORMAT)
		check_format(c, e);
	check_special(c, e);
}

static void check_target(struct checker *c, int64_t local, enum ir_type type)
{
	if (c->err)
		return;
	if (local < 0 || (uint64_t)local >= arrlenu(c->f->locals))
		bad(c, "local out of range", NULL);
	else if (c->f->locals[local].type != type)
		bad(c, "value is not of the local's type", c->f->locals[local].name);
}

static void check_foreach(struct checker *c, const struct ir_foreach *l)
{
	const struct ir_global *g;

	if (!l || l->global >= arrlenu(c->m->globals)) {
		bad(c, "foreach without an array", NULL);
		return;
	}
	g = c->m->globals[l->global];
	if (l->limit) {
		check_expr(c, l->limit, false);
		want(c, l->limit, IR_I64, "limit");
	}
	if (l->hist) {
		if (g->hist == IR_HIST_NONE || l->nkeys != 1)
			bad(c, "foreach over a histogram that is none", g->name);
		for (uint32_t k = 0; g->is_array && k < g->nkeys && !c->err; k++) {
			check_expr(c, l->hist_keys ? l->hist_keys[k] : NULL, false);
			if (!c->err)
				want(c, l->hist_keys[k], g->key_type[k], "foreach");
		}
		if (l->key_local[0] >= 0)
			check_target(c, l->key_local[0], IR_I64);
		if (l->value_local >= 0)
			check_target(c, l->value_local, IR_I64);
		return;
	}
	if (!g->is_array || l->nkeys != g->nkeys)
		bad(c, "keys of foreach", g->name);
	for (uint32_t k = 0; k < l->nkeys && !c->err; k++) {
		if (l->key_local[k] >= 0)
			check_target(c, l->key_local[k], g->key_type[k]);
		if (l->slice[k]) {
			check_expr(c, l->slice[k], false);
			want(c, l->slice[k], g->key_type[k], "slice");
		}
	}
	if (l->value_local >= 0)
		check_target(c, l->value_local, g->type);
	if (!c->err && ((l->sort == IR_SORT_KEY && l->sort_key >= g->nkeys) ||
			(l->sort == IR_SORT_VALUE && g->type == IR_STAT) ||
			(l->sort == IR_SORT_STAT && g->type != IR_STAT)))
		bad(c, "order of foreach", g->name);
}

static void check_list(struct checker *c, const struct ir_stmt *s);

static void check_stmt(struct checker *c, const struct ir_stmt *s)
{
	switch (s->kind) {
	case IR_S_SET:
		check_expr(c, s->expr, true);
		if (!c->err)
			check_target(c, s->sym, s->expr->type);
		break;
	case IR_S_EVAL:
		check_expr(c, s->expr, true);
		break;
	case IR_S_IF:
		check_expr(c, s->expr, false);
		if (!c->err)
			want(c, s->expr, IR_I64, "if");
		check_list(c, s->body);
		check_list(c, s->orelse);
		break;
	case IR_S_LOOP:
		c->loops++;
		check_list(c, s->body);
		c->loops--;
		check_list(c, s->orelse);
		break;
	case IR_S_FOREACH:
		check_foreach(c, s->foreach);
		c->loops++;
		check_list(c, s->body);
		c->loops--;
		break;
	case IR_S_BREAK:
	case IR_S_CONTINUE:
		if (!c->loops)
			bad(c, "break or continue outside of a loop", NULL);
		break;
	case IR_S_RETURN:
		if (s->expr)
			check_expr(c, s->expr, false);
		if (!c->err && s->expr && (c->handler || c->f->ret != s->expr->type))
			bad(c, "value of return", NULL);
		break;
	case IR_S_TRY:
		check_list(c, s->body);
		if (s->has_sym)
			check_target(c, s->sym, IR_STR);
		check_list(c, s->orelse);
		break;
	case IR_S_ACTION:
		if (s->imm < 0)
			bad(c, "negative action count", NULL);
		break;
	default:
		bad(c, "unknown statement", NULL);
	}
}

static void check_list(struct checker *c, const struct ir_stmt *s)
{
	if (++c->depth > MAX_DEPTH)
		bad(c, "statements too deeply nested", NULL);
	for (; s && !c->err; s = s->next)
		check_stmt(c, s);
	c->depth--;
}

static void check_func(struct checker *c, const struct ir_func *f, const char *what)
{
	c->where = arena_printf(c->m->arena, "%s %s", what, f->name ? f->name : "_");
	c->f = f;
	c->loops = c->depth = 0;
	if (f->nparams > arrlenu(f->locals))
		bad(c, "more parameters than locals", NULL);
	for (size_t i = 0; i < arrlenu(f->locals) && !c->err; i++) {
		const struct ir_local *l = &f->locals[i];

		if ((l->type != IR_I64 && l->type != IR_STR) ||
		    (l->type == IR_STR && (l->bound < 1 || l->bound > c->m->maxstr)))
			bad(c, "type or bound of a local", l->name);
	}
	if (f->ret == IR_STR && (f->ret_bound < 1 || f->ret_bound > c->m->maxstr))
		bad(c, "bound of the result", NULL);
	check_list(c, f->body);
}

static void check_global(struct checker *c, const struct ir_global *g)
{
	c->where = arena_printf(c->m->arena, "global %s", g->name ? g->name : "_");
	if (g->is_array != (g->nkeys > 0) || g->nkeys > IR_MAX_KEYS)
		bad(c, "number of keys", NULL);
	if (g->is_array && !g->max_entries)
		bad(c, "array of no entries", NULL);
	if (g->type != IR_I64 && g->type != IR_STR && g->type != IR_STAT)
		bad(c, "type", NULL);
	if (g->type == IR_STR && (g->bound < 1 || g->bound > c->m->maxstr))
		bad(c, "bound", NULL);
	for (uint32_t k = 0; k < g->nkeys && !c->err; k++)
		if ((g->key_type[k] != IR_I64 && g->key_type[k] != IR_STR) ||
		    (g->key_type[k] == IR_STR && (g->key_bound[k] < 1 || g->key_bound[k] > c->m->maxstr)))
			bad(c, "type or bound of a key", NULL);
	if (g->hist != IR_HIST_NONE && g->type != IR_STAT)
		bad(c, "histogram of no statistic", NULL);
	if (g->hist == IR_HIST_LINEAR &&
	    (g->hist_step < 1 || g->hist_hi < g->hist_lo ||
	     ((uint64_t)g->hist_hi - (uint64_t)g->hist_lo) / (uint64_t)g->hist_step > 125))
		bad(c, "bounds of the histogram", NULL);
	if (g->init.set && (g->is_array || g->type == IR_STAT || g->init.is_str != (g->type == IR_STR)))
		bad(c, "initial value", NULL);
}

const char *ir_check(const struct ir_module *m)
{
	struct checker c = { .m = m };

	for (size_t i = 0; i < arrlenu(m->globals) && !c.err; i++)
		check_global(&c, m->globals[i]);
	for (size_t i = 0; i < arrlenu(m->funcs) && !c.err; i++)
		check_func(&c, m->funcs[i], "function");
	c.handler = true;
	for (size_t i = 0; i < arrlenu(m->handlers) && !c.err; i++)
		check_func(&c, m->handlers[i], "handler");
	return c.err;
}

/* Handlers and the functions they reach, checked as what runs them. */
static void check_engine(struct checker *c, const struct program *p, bool kernel)
{
	bool *reach = xcalloc(arrlenu(p->ir->funcs) + 1, sizeof(bool));

	c->kernel = kernel;
	c->user = !kernel;
	for (size_t i = 0; i < arrlenu(p->handlers) && !c->err; i++) {
		if ((p->handlers[i].kind != PROG_USER) != kernel)
			continue;
		c->handler = true;
		check_func(c, p->handlers[i].body, "handler");
		ir_reach_from(p->ir, p->handlers[i].body, reach);
	}
	c->handler = false;
	for (size_t i = 0; i < arrlenu(p->ir->funcs) && !c->err; i++)
		if (reach[i])
			check_func(c, p->ir->funcs[i], "function");
	free(reach);
}

const char *ir_check_program(const struct program *p)
{
	const char *err = ir_check(p->ir);
	struct checker c = { .m = p->ir, .where = "program" };

	if (err)
		return err;
	for (size_t i = 0; i < arrlenu(p->points); i++)
		if (p->points[i].handler >= arrlenu(p->handlers) ||
		    p->points[i].kind >= POINT_KIND_COUNT)
			bad(&c, "probe point without a handler", NULL);
	for (size_t i = 0; i < arrlenu(p->handlers); i++)
		if (!p->handlers[i].body || p->handlers[i].kind >= PROG_KIND_COUNT)
			bad(&c, "handler without a body", NULL);
	for (size_t i = 0; i < arrlenu(p->points) && !c.err; i++)
		if (p->points[i].at_start && (p->points[i].start_handler >= arrlenu(p->handlers) ||
					      p->handlers[p->points[i].start_handler].kind != PROG_USER))
			bad(&c, "probe point without a handler for its start", NULL);
	if (!c.err)
		check_engine(&c, p, false);
	if (!c.err)
		check_engine(&c, p, true);
	return c.err;
}
