/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables: parameters and locals of the scopes around a pc, globals of files, and why one has
 * no value.
 *
 * As in C and in debuggers, a name is looked up from the innermost block outwards to the
 * function or inlined copy, never into the function that it was inlined in, then among the
 * unit's globals.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

#define MAX_BLOCKS 256
#define MAX_VARS   20000

static bool is_var(const struct dw_die *d)
{
	return d->ab->tag == DW_TAG_variable || d->ab->tag == DW_TAG_formal_parameter ||
	       d->ab->tag == DW_TAG_constant;
}

static void fill_var(struct dbg_module *m, const struct dbg_func *f, const struct dw_die *d,
		     uint64_t pc, struct dbg_var *v)
{
	struct dwexpr_ctx x = { .m = m, .u = d->u, .func = f, .pc = pc };
	struct dw_die where;
	struct dw_val a;

	memset(v, 0, sizeof(*v));
	v->name = dw_die_name(d);
	v->type = dwtype_of_attr(m, d);
	v->is_param = d->ab->tag == DW_TAG_formal_parameter;
	v->is_global = !f;
	if (dw_attr_deep(d, DW_AT_decl_line, &a, NULL))
		v->line = (uint32_t)a.u;
	if (dw_attr_deep(d, DW_AT_decl_file, &a, &where))
		v->file = dwline_file(where.u, a.u);
	v->module = m;
	v->die = dw_handle(d);
	v->cu = (struct dbg_cu *)d->u;
	v->func = f;
	dwloc_attr(&x, d, DW_AT_location, &v->loc);
}

/* ---- scopes ---- */

struct pc_test {
	uint64_t pc;
	bool any, in;
};

static void test_range(void *data, uint64_t lo, uint64_t hi)
{
	struct pc_test *t = data;

	t->any = true;
	t->in |= t->pc >= lo && t->pc < hi;
}

/* A block counts if it holds the pc, or has no addresses at all (then it is no scope). */
static bool block_holds(const struct dw_die *d, uint64_t pc)
{
	struct pc_test t = { .pc = pc };

	if (!dw_ranges(d, test_range, &t) && !t.any)
		return !dw_attr(d, DW_AT_low_pc, &(struct dw_val){ 0 }) &&
		       !dw_attr(d, DW_AT_ranges, &(struct dw_val){ 0 });
	return t.in;
}

struct gather {
	struct dbg_module *m;
	const struct dbg_func *f;
	uint64_t pc;
	struct dbg_var *vars;		/* stb_ds */
};

/* Handles of the abstract DIEs that the concrete ones of this scope stand for. */
static void note_origin(const struct dw_die *d, uint64_t **origins)
{
	struct dw_die o;

	if (dw_die_ref(d, DW_AT_abstract_origin, &o))
		arrput(*origins, dw_handle(&o));
}

/* Variables only the abstract instance has: without code of their own, perhaps with a constant. */
static void inherit(struct gather *g, const struct dw_die *scope, const uint64_t *origins,
		    int depth)
{
	struct dw_die abs, c;
	struct dw_walk w;

	if (!dw_die_ref(scope, DW_AT_abstract_origin, &abs))
		return;
	dw_walk_start(&w, &abs);
	while (arrlen(g->vars) < MAX_VARS && dw_walk_next(&w, &c, NULL)) {
		bool have = false;
		struct dbg_var v;

		dw_walk_skip(&w);
		if (!is_var(&c))
			continue;
		for (ptrdiff_t i = 0; i < arrlen(origins) && !have; i++)
			have = origins[i] == dw_handle(&c);
		if (have)
			continue;
		fill_var(g->m, g->f, &c, g->pc, &v);
		v.depth = (uint16_t)(depth + 1);
		if (v.name)
			arrput(g->vars, v);
	}
}

/* Variables of one scope, inner blocks first. */
static void gather_scope(struct gather *g, const struct dw_die *scope, int depth)
{
	struct dbg_var *own = NULL;
	uint64_t *origins = NULL;
	struct dw_die c;
	struct dw_walk w;

	if (depth > MAX_BLOCKS)
		return;
	dw_walk_start(&w, scope);
	while (arrlen(own) < MAX_VARS && dw_walk_next(&w, &c, NULL)) {
		struct dbg_var v;

		dw_walk_skip(&w);
		if (is_var(&c)) {
			note_origin(&c, &origins);
			fill_var(g->m, g->f, &c, g->pc, &v);
			v.depth = (uint16_t)depth;
			if (v.name && !(v.loc.kind == DBG_LOC_NONE &&
					dw_die_flag(&c, DW_AT_declaration)))
				arrput(own, v);
		} else if ((c.ab->tag == DW_TAG_lexical_block || c.ab->tag == DW_TAG_try_block ||
			    c.ab->tag == DW_TAG_catch_block) &&
			   block_holds(&c, g->pc)) {
			gather_scope(g, &c, depth + 1);
		}
	}
	for (ptrdiff_t i = 0; i < arrlen(own); i++)
		arrput(g->vars, own[i]);
	inherit(g, scope, origins, depth);
	arrfree(own);
	arrfree(origins);
}

const struct dbg_var *dbg_vars_at(const struct dbg_func *f, uint64_t pc, size_t *n)
{
	struct gather g = { .m = f->module, .f = f, .pc = pc };
	const struct dbg_var *r = NULL;
	struct dw_die d;

	*n = 0;
	if (!dw_die_by_handle(f->module->dw, f->die, &d))
		return NULL;
	gather_scope(&g, &d, 0);
	*n = (size_t)arrlen(g.vars);
	if (*n)
		r = arena_memdup(f->module->arena, g.vars, *n * sizeof(*g.vars));
	arrfree(g.vars);
	return r;
}

/* ---- unavailable ---- */

struct nearest {
	uint64_t pc, best_pc, best_dist;
	const struct dbg_func *f;
	bool any;
};

static bool near_range(void *data, uint64_t lo, uint64_t hi, struct dbg_bytes expr)
{
	struct nearest *n = data;
	uint64_t dist = n->pc < lo ? lo - n->pc : n->pc >= hi ? n->pc - hi + 1 : 0;

	if (!expr.len || !dist || lo == hi || (n->f && !dwfunc_contains(n->f, lo)))
		return true;
	if (!n->any || dist < n->best_dist) {
		n->any = true;
		n->best_dist = dist;
		n->best_pc = lo;
	}
	return true;
}

/* Says why v has no value at pc. */
static int explain(const struct dbg_var *v, uint64_t pc, struct dbg_error *e)
{
	struct nearest n = { .pc = pc, .f = v->func };
	struct dbg_line row;
	struct dw_die d;

	if (v->loc.why == DBG_UNKNOWN_EXPR)
		return dbg_fail(e, DBG_EUNAVAIL, "'%s' has a location that is not understood at 0x%llx",
				v->name, (unsigned long long)pc);
	if (v->loc.why == DBG_NOT_HERE && dw_die_by_handle(v->module->dw, v->die, &d) &&
	    dwloc_each(&d, DW_AT_location, near_range, &n) && n.any &&
	    dbg_line_at(v->module, n.best_pc, &row))
		return dbg_fail(e, DBG_EUNAVAIL,
				"'%s' has no value at 0x%llx; the nearest line where it has one is %s:%u",
				v->name, (unsigned long long)pc, row.file ? row.file : "?", row.line);
	return dbg_fail(e, DBG_EUNAVAIL, "'%s' was optimized out", v->name);
}

static int deliver(const struct dbg_var *v, uint64_t pc, struct dbg_var *out, struct dbg_error *e)
{
	*out = *v;
	return v->loc.kind == DBG_LOC_NONE ? explain(v, pc, e) : 0;
}

int dbg_var_find(const struct dbg_func *f, uint64_t pc, const char *name, struct dbg_var *out,
		 struct dbg_error *e)
{
	size_t n;
	const struct dbg_var *v = dbg_vars_at(f, pc, &n);
	const struct dw_unit *u = (const struct dw_unit *)f->cu;

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return deliver(&v[i], pc, out, e);
	if (dbg_global_find(f->module, f, name, u->name, out, NULL) == 0)
		return 0;
	return dbg_fail(e, DBG_ENOENT, "unable to find local '%s'", name);
}

/* ---- globals ---- */

/* `want_defs`: DIEs with a location; the others describe what some other unit defines. */
static bool try_global(struct dbg_module *m, const struct index_entry *ie, const char *cu_glob,
		       struct dbg_var *out)
{
	struct dw_die d;

	if (!dw_die_by_handle(m->dw, ie->die, &d))
		return false;
	fill_var(m, NULL, &d, d.u->low_pc, out);
	if (cu_glob && !(d.u->name && dbg_file_matches(d.u->name, cu_glob)) &&
	    !(out->file && dbg_file_matches(out->file, cu_glob)))
		return false;
	return true;
}

/* A static variable inside a function of the unit. */
static bool static_local(struct dbg_module *m, struct dw_unit *u, const char *name,
			 struct dbg_var *out)
{
	struct dw_die root, d;
	struct dw_walk w;

	if (!dw_unit_root(u, &root))
		return false;
	dw_walk_start(&w, &root);
	while (dw_walk_next(&w, &d, NULL)) {
		const char *n;

		switch (d.ab->tag) {
		case DW_TAG_subprogram: case DW_TAG_lexical_block: case DW_TAG_inlined_subroutine:
		case DW_TAG_namespace:
			continue;
		case DW_TAG_variable:
			break;
		default:
			dw_walk_skip(&w);
			continue;
		}
		n = dw_die_name(&d);
		if (!n || strcmp(n, name))
			continue;
		fill_var(m, NULL, &d, u->low_pc, out);
		if (out->loc.kind == DBG_LOC_MEMORY && out->loc.nops &&
		    out->loc.ops[0].op == DBG_OP_ADDR)
			return true;
	}
	return false;
}

int dbg_global_find(struct dbg_module *m, const struct dbg_func *near, const char *name,
		    const char *cu_glob, struct dbg_var *out, struct dbg_error *e)
{
	struct index_iter it;
	struct index_entry ie;
	struct dbg_var v;
	int best = 0;

	if (dbg_module_debug(m, e))
		return -(int)DBG_ENODEBUG;
	for (it = index_start(m, name); index_next(&it, &ie);) {
		int rank;

		if (ie.kind != INDEX_VAR || !try_global(m, &ie, cu_glob, &v))
			continue;
		rank = 1 + 2 * (v.loc.kind != DBG_LOC_NONE) + (near && v.cu == near->cu);
		if (rank > best) {
			best = rank;
			*out = v;
		}
	}
	for (ptrdiff_t i = 0; !best && cu_glob && i < arrlen(m->dw->units[DW_IN_INFO]); i++) {
		struct dw_unit *u = &m->dw->units[DW_IN_INFO][i];

		if (dw_unit_ready(u) && u->name && dbg_file_matches(u->name, cu_glob) &&
		    static_local(m, u, name, out))
			best = 3;
	}
	if (!best)
		return dbg_fail(e, DBG_ENOENT, "unable to find global '%s'%s%s", name,
				cu_glob ? " in " : "", cu_glob ? cu_glob : "");
	return out->loc.kind == DBG_LOC_NONE ? explain(out, 0, e) : 0;
}

bool dbg_global_declared(struct dbg_module *m, const char *name, const char *cu_glob, struct dbg_var *out)
{
	struct dw_die root, d;
	struct dw_walk w;

	if (dbg_module_debug(m, NULL))
		return false;
	for (ptrdiff_t i = 0; i < arrlen(m->dw->units[DW_IN_INFO]); i++) {
		struct dw_unit *u = &m->dw->units[DW_IN_INFO][i];

		if (!dw_unit_root(u, &root) || (cu_glob && !(u->name && dbg_file_matches(u->name, cu_glob))))
			continue;
		for (dw_walk_start(&w, &root); dw_walk_next(&w, &d, NULL); dw_walk_skip(&w)) {
			const char *n = d.ab->tag == DW_TAG_variable ? dw_die_name(&d) : NULL;

			if (!n || strcmp(n, name) || !dw_die_flag(&d, DW_AT_external))
				continue;
			fill_var(m, NULL, &d, u->low_pc, out);
			return true;
		}
	}
	return false;
}

const char **dbg_var_names(const struct dbg_func *f, uint64_t pc)
{
	struct index_iter it = index_start(f->module, NULL);
	struct index_entry e;
	const char **out = NULL;
	size_t n;
	const struct dbg_var *v = dbg_vars_at(f, pc, &n);

	for (size_t i = 0; i < n; i++)
		arrput(out, v[i].name);
	while (index_next(&it, &e))
		if (e.kind == INDEX_VAR && &f->module->dw->units[DW_HANDLE_SECT(e.die)][e.unit] ==
						   (struct dw_unit *)f->cu)
			arrput(out, e.name);
	return out;
}
