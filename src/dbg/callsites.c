/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call sites, and what they tell of the values that parameters had at entry.
 *
 * A call site tells what the caller put into registers; so the value a parameter had at the
 * callee's entry can be computed from the caller's frame after the register was reused.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

static bool is_call_site(unsigned tag)
{
	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static bool is_tail_call(const struct dw_die *site)
{
	return dw_die_flag(site, DW_AT_call_tail_call) || dw_die_flag(site, DW_AT_GNU_tail_call);
}

/* The return address of a call site; false for tail calls, which have none. */
static bool return_pc(const struct dw_die *d, uint64_t *pc)
{
	struct dw_val v;

	return (dw_attr(d, DW_AT_call_return_pc, &v) || dw_attr(d, DW_AT_low_pc, &v)) &&
	       dw_val_addr(d->u, &v, pc);
}

static bool callee_die(const struct dw_die *d, struct dw_die *out)
{
	struct dw_die next;

	if (!dw_die_ref(d, DW_AT_call_origin, out) && !dw_die_ref(d, DW_AT_abstract_origin, out))
		return false;
	for (int i = 0; i < 16 && dw_die_ref(out, DW_AT_abstract_origin, &next); i++)
		*out = next;
	return true;
}

/* Calls fn for every call site below a function DIE, its inlined copies' included. */
static void each_call_site(const struct dw_die *f,
			   bool (*fn)(void *data, const struct dw_die *site), void *data)
{
	struct dw_walk w;
	struct dw_die d;

	dw_walk_start(&w, f);
	while (dw_walk_next(&w, &d, NULL)) {
		unsigned tag = d.ab->tag;

		if (tag != DW_TAG_lexical_block && tag != DW_TAG_inlined_subroutine)
			dw_walk_skip(&w);
		if (is_call_site(tag) && !fn(data, &d))
			return;
	}
}

static bool add_site(void *data, const struct dw_die *site)
{
	struct dbg_callsite **list = data, s = { 0 };
	struct dw_die callee;

	s.tail = is_tail_call(site);
	if (!return_pc(site, &s.ret_pc) && !s.tail)
		return true;
	if (callee_die(site, &callee))
		s.callee = dw_die_name(&callee);
	arrput(*list, s);
	return true;
}

const struct dbg_callsite *dbg_func_callsites(const struct dbg_func *f, size_t *n)
{
	struct dbg_callsite *list = NULL;
	struct dw_die d;

	if (dw_die_by_handle(f->module->dw, f->die, &d))
		each_call_site(&d, add_site, &list);
	return arena_take_array(f->module->arena, list, sizeof(*list), n);
}

/* ---- entry values ---- */

struct wanted {
	int reg;
	uint64_t param;			/* DIE of a removed parameter; 0: `reg` counts */
};

/* The register a call-site parameter is about; -1: not a plain register. */
static int param_reg(const struct dw_die *p)
{
	struct dbg_cur c;
	struct dw_val v;
	unsigned op;

	if (!dw_attr(p, DW_AT_location, &v) || !dw_val_is_block(&v))
		return -1;
	c = cur_at(v.b, 0);
	op = cur_u8(&c);
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31 && !cur_left(&c))
		return (int)(op - DW_OP_reg0);
	if (op == DW_OP_regx)
		return (int)cur_uleb(&c);
	return -1;
}

/* Whether a call-site parameter is the one looked for: about a register, or a removed parameter. */
static bool param_is(const struct dw_die *p, const struct wanted *w)
{
	struct dw_die d, next;

	if (!w->param)
		return param_reg(p) == w->reg;
	if (!dw_die_ref(p, DW_AT_call_parameter, &d) && !dw_die_ref(p, DW_AT_abstract_origin, &d))
		return false;
	for (int i = 0; i < 16 && dw_handle(&d) != w->param &&
			dw_die_ref(&d, DW_AT_abstract_origin, &next); i++)
		d = next;
	return dw_handle(&d) == w->param;
}

/* The value of a parameter at a call site, computed in the caller. */
static bool site_value(struct dbg_module *m, const struct dw_die *site, const struct wanted *want,
		       struct dbg_entry_value *out)
{
	struct dw_die p;
	struct dw_walk w;
	struct dw_val v;

	dw_walk_start(&w, site);
	while (dw_walk_next(&w, &p, NULL)) {
		struct dwexpr_ctx x = { .m = m, .u = site->u, .pc = out->ret_pc - 1 };

		dw_walk_skip(&w);
		if ((p.ab->tag != DW_TAG_call_site_parameter &&
		     p.ab->tag != DW_TAG_GNU_call_site_parameter) || !param_is(&p, want))
			continue;
		if (!dw_attr(&p, DW_AT_call_value, &v) && !dw_attr(&p, DW_AT_GNU_call_site_value, &v))
			return false;
		x.func = dbg_func_at(m, x.pc);
		return dw_val_is_block(&v) && dwexpr_value(&x, v.b, &out->ops, &out->nops);
	}
	return false;
}

struct entry_search {
	struct dbg_module *m;
	uint64_t origin, ret_pc;
	struct wanted want;
	bool by_pc;
	bool entry_only;		/* only what known_at_entry() */
	bool incomplete;		/* a caller does not say so */
	struct dbg_entry_value *list;	/* stb_ds */
};

/* Does the program only use what the callee still has of its caller at its first instruction? */
static bool known_at_entry(const struct dbg_entry_value *v)
{
	for (size_t i = 0; i < v->nops; i++) {
		const struct dbg_op *op = &v->ops[i];

		if ((op->op == DBG_OP_REG && op->a >= DBG_RIP) || op->op == DBG_OP_ENTRY_REG ||
		    op->op == DBG_OP_ENTRY_PARAM || op->op == DBG_OP_TLS)
			return false;
	}
	return v->nops > 0;
}

static bool try_site(void *data, const struct dw_die *site)
{
	struct entry_search *s = data;
	struct dbg_entry_value v = { 0 };
	struct dw_die callee;

	if (!return_pc(site, &v.ret_pc))
		return true;
	if (s->by_pc ? v.ret_pc != s->ret_pc
		     : !callee_die(site, &callee) || dw_handle(&callee) != s->origin)
		return true;
	if (site_value(s->m, site, &s->want, &v) && (!s->entry_only || known_at_entry(&v)))
		arrput(s->list, v);
	else
		s->incomplete = true;
	s->incomplete |= is_tail_call(site);
	return !s->by_pc;
}

static struct call_values find_call_values(const struct dbg_func *f, uint64_t param)
{
	struct dbg_module *m = f->module;
	struct entry_search s = { .m = m, .origin = f->origin, .want.param = param, .entry_only = true };
	struct call_values r = { 0 };

	for (ptrdiff_t i = 0; i < arrlen(m->dw->units[DW_IN_INFO]); i++) {
		const struct dbg_func **list = dwfunc_walk(&m->dw->units[DW_IN_INFO][i]);
		struct dw_die d;

		for (ptrdiff_t k = 0; k < arrlen(list); k++)
			if (!list[k]->is_inline && dw_die_by_handle(m->dw, list[k]->die, &d))
				each_call_site(&d, try_site, &s);
	}
	r.n = (size_t)arrlen(s.list);
	r.all = !s.incomplete;
	if (r.n)
		r.list = arena_memdup(m->arena, s.list, r.n * sizeof(*s.list));
	arrfree(s.list);
	return r;
}

const struct dbg_entry_value *dbg_entry_params(const struct dbg_func *f, int64_t param, size_t *n, bool *all)
{
	struct dbg_module *m = f->module;
	typeof(m->call_values->key) key = { f->origin, (uint64_t)param };
	ptrdiff_t i = hmgeti(m->call_values, key);
	struct call_values v = i >= 0 ? m->call_values[i].value : find_call_values(f, (uint64_t)param);

	if (i < 0)
		hmput(m->call_values, key, v);
	*n = v.n;
	*all = v.all;
	return v.list;
}

static int search_at(struct dbg_module *caller, uint64_t ret_pc, struct wanted want,
		     struct dbg_entry_value *out)
{
	const struct dbg_func *f = dbg_func_outer_at(caller, ret_pc - 1);
	struct entry_search s = { .m = caller, .ret_pc = ret_pc, .want = want, .by_pc = true };
	struct dw_die d;

	if (!f || !dw_die_by_handle(caller->dw, f->die, &d))
		return -(int)DBG_ENOENT;
	each_call_site(&d, try_site, &s);
	if (!arrlen(s.list))
		return -(int)DBG_ENOENT;
	*out = s.list[0];
	arrfree(s.list);
	return 0;
}

int dbg_entry_value_at(struct dbg_module *caller, uint64_t ret_pc, int reg,
		       struct dbg_entry_value *out)
{
	return search_at(caller, ret_pc, (struct wanted){ .reg = reg }, out);
}

int dbg_entry_param_at(struct dbg_module *caller, uint64_t ret_pc, int64_t param,
		       struct dbg_entry_value *out)
{
	return search_at(caller, ret_pc, (struct wanted){ .param = (uint64_t)param }, out);
}
