/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about a whole program: recursion, use of globals, locks.
 *
 * For each handler a weight is found for every function it reaches: how often a
 * run may execute it, 1 or "more".  With it each op on a global counts once or more;
 * a global whose users (but those that run alone) all have one op in all needs no lock.
 */
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/pass.h"
#include "ir/program.h"

#define MANY 2

struct use {
	uint8_t count;		/* ops executed: 0, 1, MANY */
	bool write;
	bool compound;		/* an op that is not atomic by itself */
};

struct summary {
	struct use *use;	/* per global */
	uint8_t *calls;		/* per function: 0, 1, MANY */
};

struct analysis {
	struct program *p;
	struct ir_module *m;
	size_t nglobals, nfuncs;
	struct summary *funcs, *handlers;
};

static uint8_t sum_sat(unsigned a, unsigned b)
{
	return (uint8_t)(a + b > MANY ? MANY : a + b);
}

static bool op_writes(enum ir_op op)
{
	switch (op) {
	case IR_GSTORE: case IR_GADD: case IR_ASTORE: case IR_AADD: case IR_ADEL: case IR_ACLEAR:
	case IR_STAT_ADD:
		return true;
	default:
		return false;
	}
}

/* Is one execution of it not atomic by itself? */
static bool op_compound(const struct ir_global *g, enum ir_op op)
{
	if (g->type == IR_STR && op != IR_AHAS && op != IR_ASIZE && op != IR_ADEL)
		return true;
	if (g->wrap && op_writes(op))
		return true;
	return op == IR_ACLEAR && (g->is_array || g->type == IR_STAT);
}

static void note_access(struct analysis *an, struct summary *s, uint32_t global, enum ir_op op,
			unsigned times)
{
	struct use *u = &s->use[global];
	struct ir_global *g = an->m->globals[global];

	u->count = sum_sat(u->count, times);
	if (op_writes(op)) {
		u->write = true;
		g->written = true;
	} else {
		g->read = true;
	}
	u->compound |= op_compound(g, op);
}

static void scan_expr(struct analysis *an, struct summary *s, const struct ir_expr *e, unsigned times)
{
	unsigned flags;

	if (!e)
		return;
	flags = ir_op_table[e->op].flags;
	for (uint32_t i = 0; i < e->nargs; i++)
		scan_expr(an, s, e->args[i], times);
	if (flags & IRF_SYM_GLOBAL) {
		note_access(an, s, e->sym, e->op, times);
		if (e->op == IR_GADD || e->op == IR_AADD)
			an->m->globals[e->sym]->read = true;
		if (e->op == IR_STAT_GET)
			an->m->globals[e->sym]->stat_ops |= 1u << e->imm;
	}
	if (flags & IRF_SYM_FUNC)
		s->calls[e->sym] = sum_sat(s->calls[e->sym], times);
}

static void scan_list(struct analysis *an, struct summary *s, const struct ir_stmt *st, unsigned times)
{
	for (; st; st = st->next) {
		bool loop = st->kind == IR_S_LOOP || st->kind == IR_S_FOREACH;
		const struct ir_foreach *l = st->foreach;

		scan_expr(an, s, st->expr, times);
		if (l) {
			note_access(an, s, l->global, IR_ALOAD, MANY);
			if (l->sort == IR_SORT_STAT)
				an->m->globals[l->global]->stat_ops |= 1u << l->sort_stat;
			for (uint32_t i = 0; i < l->nkeys; i++)
				scan_expr(an, s, l->slice[i], times);
			for (uint32_t i = 0; l->hist_keys && i < IR_MAX_KEYS; i++)
				scan_expr(an, s, l->hist_keys[i], times);
			scan_expr(an, s, l->limit, times);
		}
		scan_list(an, s, st->body, loop ? MANY : times);
		scan_list(an, s, st->orelse, loop ? MANY : times);
	}
}

static struct summary *summary_array(struct analysis *an, size_t n)
{
	struct summary *s = xcalloc(n + 1, sizeof(*s));

	for (size_t i = 0; i < n; i++) {
		s[i].use = xcalloc(an->nglobals + 1, sizeof(*s[i].use));
		s[i].calls = xcalloc(an->nfuncs + 1, 1);
	}
	return s;
}

static void summary_free(struct summary *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(s[i].use);
		free(s[i].calls);
	}
	free(s);
}

/* Adds to a handler's summary what the functions it reaches do. */
static void add_callees(struct analysis *an, struct summary *h)
{
	uint8_t *weight = xmalloc(an->nfuncs + 1);
	bool changed = true;

	memcpy(weight, h->calls, an->nfuncs);
	while (changed) {
		changed = false;
		for (size_t f = 0; f < an->nfuncs; f++) {
			unsigned w = h->calls[f];

			for (size_t c = 0; c < an->nfuncs; c++)
				w += weight[c] * (unsigned)an->funcs[c].calls[f];
			w = w > MANY ? MANY : w;
			if (w > weight[f]) {
				weight[f] = (uint8_t)w;
				changed = true;
			}
		}
	}
	for (size_t f = 0; f < an->nfuncs; f++)
		for (size_t g = 0; weight[f] && g < an->nglobals; g++) {
			const struct use *u = &an->funcs[f].use[g];

			h->use[g].count = sum_sat(h->use[g].count, (unsigned)weight[f] * u->count);
			h->use[g].write |= u->write;
			h->use[g].compound |= u->compound;
		}
	free(weight);
}

/* Do all points of the handler run while nothing else does? */
static bool runs_alone(const struct program *p, uint32_t handler)
{
	bool used = false;

	if (p->handlers[handler].kind != PROG_USER)
		return false;
	for (size_t i = 0; i < arrlenu(p->points); i++) {
		const struct prog_point *pt = &p->points[i];

		if (pt->at_start && pt->start_handler == handler)
			return false;
		if (pt->handler != handler)
			continue;
		used = true;
		if (pt->kind != POINT_BEGIN && pt->kind != POINT_END && pt->kind != POINT_ERROR)
			return false;
	}
	return used;
}

/* Number of ops on globals that could need a lock. */
static unsigned total_accesses(const struct analysis *an, const struct summary *h)
{
	unsigned n = 0;

	for (size_t g = 0; g < an->nglobals; g++)
		if (!an->m->globals[g]->hidden)
			n += h->use[g].count;
	return n;
}

static void find_locks(struct analysis *an)
{
	struct program *p = an->p;
	size_t nh = arrlenu(p->handlers);
	bool *alone = xcalloc(nh + 1, sizeof(bool)), *single = xcalloc(nh + 1, sizeof(bool));
	bool *shared_write = xcalloc(an->nglobals + 1, sizeof(bool));

	for (size_t h = 0; h < nh; h++) {
		alone[h] = runs_alone(p, (uint32_t)h);
		single[h] = total_accesses(an, &an->handlers[h]) == 1;
		for (size_t g = 0; !alone[h] && g < an->nglobals; g++)
			shared_write[g] |= an->handlers[h].use[g].write;
	}
	for (size_t g = 0; g < an->nglobals; g++) {
		bool free_of_locks = true;

		for (size_t h = 0; h < nh; h++) {
			const struct use *u = &an->handlers[h].use[g];

			if (u->count && !alone[h] && (!single[h] || u->compound))
				free_of_locks = false;
			/* the user engine changes an element of a map in several steps */
			if (u->write && !alone[h] && p->handlers[h].kind == PROG_USER &&
			    an->m->globals[g]->is_array)
				free_of_locks = false;
		}
		an->m->globals[g]->lock_free = free_of_locks || an->m->globals[g]->hidden;
	}
	for (size_t h = 0; h < nh; h++) {
		uint8_t *locks = arena_alloc(an->m->arena, an->nglobals + 1);

		for (size_t g = 0; g < an->nglobals; g++) {
			const struct use *u = &an->handlers[h].use[g];

			if (!u->count || alone[h] || an->m->globals[g]->lock_free || !shared_write[g])
				continue;
			locks[g] = u->write ? IR_LOCK_WRITE : IR_LOCK_READ;
		}
		p->handlers[h].body->locks = locks;
	}
	free(alone);
	free(single);
	free(shared_write);
}

void ir_analyse(struct program *p)
{
	struct analysis an = { .p = p, .m = p->ir };
	size_t nh = arrlenu(p->handlers);
	bool *reach;

	an.nglobals = arrlenu(an.m->globals);
	an.nfuncs = arrlenu(an.m->funcs);
	an.funcs = summary_array(&an, an.nfuncs);
	an.handlers = summary_array(&an, nh);
	reach = xmalloc(an.nfuncs + 1);
	for (size_t i = 0; i < an.nglobals; i++) {
		an.m->globals[i]->read = an.m->globals[i]->written = false;
		an.m->globals[i]->stat_ops = 0;
	}
	for (size_t i = 0; i < an.nfuncs; i++) {
		memset(reach, 0, an.nfuncs);
		ir_reach_from(an.m, an.m->funcs[i], reach);
		an.m->funcs[i]->recursive = reach[i];
	}
	ir_reachable(an.m, reach);
	for (size_t i = 0; i < an.nfuncs; i++)
		if (reach[i])
			scan_list(&an, &an.funcs[i], an.m->funcs[i]->body, 1);
	for (size_t i = 0; i < nh; i++) {
		scan_list(&an, &an.handlers[i], p->handlers[i].body->body, 1);
		add_callees(&an, &an.handlers[i]);
	}
	find_locks(&an);
	free(reach);
	summary_free(an.funcs, an.nfuncs);
	summary_free(an.handlers, nh);
}

struct reacher {
	const struct ir_module *m;
	bool *reach;
	uint32_t *todo;		/* stb_ds */
};

static void reach_list(struct reacher *r, const struct ir_stmt *s)
{
	for (; s; s = s->next) {
		const struct ir_expr *e = s->expr;

		if (e && e->op == IR_CALL && !r->reach[e->sym]) {
			r->reach[e->sym] = true;
			arrput(r->todo, e->sym);
		}
		reach_list(r, s->body);
		reach_list(r, s->orelse);
	}
}

void ir_reach_from(const struct ir_module *m, const struct ir_func *f, bool *reach)
{
	struct reacher r = { .m = m, .reach = reach };

	reach_list(&r, f->body);
	while (arrlenu(r.todo)) {
		uint32_t next = arrpop(r.todo);

		reach_list(&r, m->funcs[next]->body);
	}
	arrfree(r.todo);
}

void ir_reachable(const struct ir_module *m, bool *reach)
{
	memset(reach, 0, arrlenu(m->funcs) * sizeof(bool));
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		ir_reach_from(m, m->handlers[i], reach);
}
