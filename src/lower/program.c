/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program as a whole: globals, one handler for each probe point (equal ones
 * are merged), the functions they call, then the passes over the IR.
 */
#include "lower/program.h"

#include <string.h>

#include "base/ds.h"
#include "ir/bound.h"
#include "ir/check.h"
#include "ir/pass.h"
#include "lower/parts.h"
#include "lower/target.h"
#include "probe/family.h"
#include "sema/sema.h"

/* ---- globals ---- */

static void set_hist(struct ir_global *g, const struct sema_global *s)
{
	if (!s->has_hist)
		return;
	g->hist = s->hist == HIST_LINEAR ? IR_HIST_LINEAR : IR_HIST_LOG;
	g->hist_lo = s->low;
	g->hist_hi = s->high;
	g->hist_step = s->width;
}

static void set_init(struct ir_global *g, const struct ast_var *v)
{
	if (!v->init)
		return;
	g->init.set = true;
	g->init.is_str = v->init->kind == EXPR_STRING;
	if (g->init.is_str)
		g->init.s = v->init->string;
	else
		g->init.i = v->init->number;
}

uint32_t lower_global(struct lower_module *m, const struct ast_var *v)
{
	ptrdiff_t known = hmgeti(m->global_of, v);
	struct ir_global *g;
	uint32_t index;

	if (known >= 0)
		return m->global_of[known].value;
	g = arena_new(m->arena, struct ir_global);
	g->name = v->name;
	g->at = v->at;
	g->type = v->type == AST_UNKNOWN ? IR_I64 : lower_type(v->type);
	g->bound = g->type == IR_STR ? m->maxstr : 0;
	g->is_array = v->arity > 0;
	g->nkeys = v->arity > 0 ? (uint32_t)v->arity : 0;
	for (uint32_t k = 0; k < g->nkeys; k++) {
		g->key_type[k] = v->key_types[k] == AST_STRING ? IR_STR : IR_I64;
		g->key_bound[k] = g->key_type[k] == IR_STR ? m->maxstr : 0;
	}
	g->max_entries = v->maxsize > 0 ? (uint32_t)v->maxsize : m->program->limits.maxmapentries;
	g->sized = v->maxsize > 0;
	g->wrap = v->wrap;
	set_init(g, v);
	if (v->sema)
		set_hist(g, v->sema);
	index = (uint32_t)arrlen(m->ir->globals);
	arrput(m->ir->globals, g);
	hmput(m->global_of, v, index);
	return index;
}

/* ---- handlers ---- */

/* The handlers already made of a shared body, by what else they depend on. */
struct shared_handler {
	enum prog_kind kind;
	unsigned filter;
	uint32_t index;
	struct shared_handler *next;
};

static struct ir_func *handler_body(struct lower_module *m, const struct sema_probe *sp, bool filter,
				    bool *failed)
{
	struct ir_func *f = ir_func_new(m->arena);
	struct lower L = { .mod = m, .func = f, .point = sp->point, .tail = &f->body };
	const struct ast_expr *cond = sp->body->cond;

	f->name = arena_printf(m->arena, "probe_%td", arrlen(m->ir->handlers));
	f->at = sp->written->at;
	f->ret = IR_VOID;
	if (filter)
		lower_target_filter(&L);
	if (cond) {
		struct ir_stmt *skip = lower_if(&L, lower_op1(&L, IR_LNOT, lower_expr(&L, cond),
							      &cond->at), &cond->at);

		skip->body = ir_stmt_new(m->ir, IR_S_RETURN, &cond->at);
	}
	lower_stmt(&L, sp->body->stmt);
	hmfree(L.local_of);
	*failed |= L.failed;
	return f;
}

static uint32_t lower_handler(struct lower_module *m, const struct sema_probe *sp, enum prog_kind kind,
			      unsigned filter, bool *failed)
{
	struct shared_handler *h;

	for (h = sp->body->lower; h; h = h->next)
		if (h->kind == kind && h->filter == filter)
			return h->index;
	h = arena_new(m->arena, struct shared_handler);
	h->kind = kind;
	h->filter = filter;
	h->index = program_handler_add(m->program, kind,
				       handler_body(m, sp, kind == sp->point->kind, failed));
	h->next = sp->body->lower;
	sp->body->lower = h;
	return h->index;
}

void lower_add_point(struct lower_module *m, enum prog_kind kind, struct ir_func *body,
		     const struct prog_point *desc)
{
	struct prog_point p = *desc;

	p.handler = program_handler_add(m->program, kind, body);
	arrput(m->program->points, p);
}

static void add_probe(struct lower_module *m, const struct sema_probe *sp, bool *failed)
{
	struct prog_point p = sp->point->prog;

	p.handler = lower_handler(m, sp, sp->point->kind, sp->point->filter, failed);
	p.at_start = p.kind == POINT_PROCESS_BEGIN || p.kind == POINT_THREAD_BEGIN;
	if (p.at_start)		/* what runs already is found, and chosen, by the session */
		p.start_handler = lower_handler(m, sp, PROG_USER, 0, failed);
	p.at = sp->written->at;
	p.str[IR_PP_NAME] = sp->alias ? sp->alias : sp->point->listing;
	arrput(m->program->points, p);
}

/* ---- modules ---- */

static void add_module(struct program *p, const char *path)
{
	for (ptrdiff_t i = 0; i < arrlen(p->modules); i++)
		if (!strcmp(p->modules[i].path, path))
			return;
	arrput(p->modules, ((struct prog_module){ .path = path }));
}

static void add_modules(struct program *p, const struct lower_options *o)
{
	for (ptrdiff_t i = 0; i < arrlen(p->points); i++)
		if (p->points[i].path)
			add_module(p, p->points[i].path);
	for (ptrdiff_t i = 0; i < arrlen(o->modules); i++)
		add_module(p, o->modules[i]);
}

/* ---- the pass ---- */

/* A module that breaks the IR's rules is our fault, never the user's: said so, with the rule. */
static bool check(struct lower_module *m, const char *after)
{
	const char *fault = ir_check_program(m->program);

	if (fault)
		diag_error(m->diag, "internal", NULL, "internal error after %s: %s", after, fault);
	return !fault;
}

/* What pp() and the like can give at most. */
static void bound_points(struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->points); i++)
		for (int k = 0; k < IR_PP_COUNT; k++) {
			size_t n = p->points[i].str[k] ? strlen(p->points[i].str[k]) + 1 : 1;

			if (n > p->ir->point_bound[k])
				p->ir->point_bound[k] = n < p->ir->maxstr ? (uint32_t)n : p->ir->maxstr;
		}
}

static bool run_passes(struct lower_module *m, const struct lower_options *o)
{
	bool names;

	if (!check(m, "lowering"))
		return false;
	if (o->optimise) {
		ir_optimise(m->ir);
		ir_pass_points(m->program);
		ir_pass_fold(m->ir);
	}
	bound_points(m->program);
	ir_pass_bounds(m->ir);
	if (o->optimise) {
		ir_pass_fuse(m->ir);
		ir_pass_dead(m->ir);
	}
	lower_choose_mechanism(m);
	names = ir_pass_names(m->program);
	program_split_syscalls(m->program);
	ir_analyse(m->program);
	lower_mark_sleepable(m->program, names);
	return check(m, "optimising");
}

static void release(struct lower_module *m)
{
	hmfree(m->global_of);
	hmfree(m->func_of);
	hmfree(m->next_of);
	hmfree(m->entry_of);
	shfree(m->call_entry_of);
	shfree(m->format_of);
	arrfree(m->pending);
}

struct program *lower_program(struct sema_session *s, const struct lower_options *o)
{
	struct program *p = program_create(s->arena);
	struct lower_module m = { .arena = s->arena, .diag = s->diag, .ir = p->ir, .program = p,
				  .maxstr = o->limits.maxstringlen, .skip_badvars = s->skip_badvars };
	bool failed = false;

	p->limits = o->limits;
	p->timing = o->timing;
	p->target = o->target;
	p->ir->maxstr = m.maxstr;

	for (ptrdiff_t i = 0; i < arrlen(s->globals); i++)
		lower_global(&m, s->globals[i]);
	for (ptrdiff_t i = 0; i < arrlen(s->probes); i++)
		add_probe(&m, s->probes[i], &failed);
	while (arrlen(m.pending))
		failed |= !lower_function_body(&m, arrpop(m.pending));
	add_modules(p, o);
	for (size_t i = 0; s->probe && i < arrlenu(s->probe->late); i++)
		arrput(p->late, s->probe->late[i]);

	failed = failed || !run_passes(&m, o);
	release(&m);
	return failed ? NULL : p;
}
