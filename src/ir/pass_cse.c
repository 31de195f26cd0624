/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Common reads: within a straight run of statements an expensive read that
 * is certain to happen is done once and kept in a local, until something that it
 * depends on may have changed.
 *
 * Occurrences behind a LAZY operand do not start an entry (they may not happen),
 * but use one.
 */

#include "base/ds.h"
#include "ir/pass.h"
#include "ir/traverse.h"

struct entry {
	struct ir_expr **slot;		/* the first occurrence */
	struct ir_stmt **link;		/* before which statement it stands */
	struct ir_expr *expr;
	int64_t local;			/* -1: met only once so far */
};

struct cse {
	struct ir_module *m;
	struct ir_func *f;
	struct entry *entries;		/* stb_ds array */
	struct ir_stmt **link;		/* of the statement at hand */
};

static bool worthwhile(const struct ir_expr *e)
{
	switch (e->op) {
	case IR_ALOAD: case IR_AHAS: case IR_STAT_GET: case IR_HIST_COUNT:
	case IR_ULOAD: case IR_KLOAD: case IR_USTR: case IR_KSTR: case IR_USTR_QUOTED:
	case IR_KSTR_QUOTED: case IR_UREG: case IR_MODULE_BIAS:
		return true;
	default:
		return false;
	}
}

static bool reads_global(const struct ir_expr *e, uint32_t global)
{
	if ((ir_op_table[e->op].flags & IRF_SYM_GLOBAL) && e->sym == global)
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (reads_global(e->args[i], global))
			return true;
	return false;
}

static bool reads_memory(const struct ir_expr *e)
{
	if (e->op == IR_ULOAD || e->op == IR_KLOAD || e->op == IR_USTR || e->op == IR_KSTR ||
	    e->op == IR_USTR_QUOTED || e->op == IR_KSTR_QUOTED)
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (reads_memory(e->args[i]))
			return true;
	return false;
}

/* Puts the entry's value in a new local, set before the statement that has it first. */
static void materialise(struct cse *c, struct entry *en)
{
	struct ir_expr *e = *en->slot;
	struct ir_stmt *set = ir_stmt_new(c->m, IR_S_SET, &e->at), **old = en->link;

	en->local = ir_local_add(c->m, c->f, "common", e->type, e->bound);
	set->sym = (uint32_t)en->local;
	set->expr = e;
	*en->slot = ir_local_ref(c->m, c->f, set->sym, &e->at);
	set->next = *old;
	*old = set;
	if (c->link == old)
		c->link = &set->next;
	for (size_t i = 0; i < arrlenu(c->entries); i++)
		if (c->entries[i].link == old)
			c->entries[i].link = &set->next;
}

static void visit(struct cse *c, struct ir_expr **slot, bool certain)
{
	struct ir_expr *e = *slot;
	bool lazy = ir_op_table[e->op].flags & IRF_LAZY;

	for (uint32_t i = 0; i < e->nargs; i++)
		visit(c, &e->args[i], certain && !(lazy && i > 0));
	if (!worthwhile(e))
		return;
	for (size_t i = 0; i < arrlenu(c->entries); i++) {
		if (!ir_expr_equal(c->entries[i].expr, e))
			continue;
		if (c->entries[i].local < 0)
			materialise(c, &c->entries[i]);
		*slot = ir_local_ref(c->m, c->f, (uint32_t)c->entries[i].local, &e->at);
		return;
	}
	if (certain) {
		struct entry en = { slot, c->link, e, -1 };

		arrput(c->entries, en);
	}
}

enum kill { KILL_LOCAL, KILL_GLOBAL, KILL_MEMORY };

static void forget(struct cse *c, enum kill what, uint32_t sym)
{
	size_t kept = 0;

	for (size_t i = 0; i < arrlenu(c->entries); i++) {
		const struct ir_expr *e = c->entries[i].expr;
		bool dead = what == KILL_LOCAL ? ir_reads_local(e, sym) :
			    what == KILL_GLOBAL ? reads_global(e, sym) : reads_memory(e);

		if (!dead)
			c->entries[kept++] = c->entries[i];
	}
	arrsetlen(c->entries, kept);
}

static void after(struct cse *c, const struct ir_stmt *s)
{
	const struct ir_expr *e = s->expr;

	if (e && (ir_op_table[e->op].flags & IRF_EFFECT)) {
		if (e->op == IR_CALL)
			arrsetlen(c->entries, 0);
		else if (ir_op_table[e->op].flags & IRF_SYM_GLOBAL)
			forget(c, KILL_GLOBAL, e->sym);
		else if (e->op == IR_USTORE || e->op == IR_REGSTORE)
			forget(c, KILL_MEMORY, 0);
	}
	if (s->kind == IR_S_SET)
		forget(c, KILL_LOCAL, s->sym);
}

static void do_list(struct ir_module *m, struct ir_func *f, struct ir_stmt **list)
{
	struct cse c = { .m = m, .f = f, .link = list };

	while (*c.link) {
		struct ir_stmt *s = *c.link;
		bool straight = s->kind == IR_S_SET || s->kind == IR_S_EVAL || s->kind == IR_S_ACTION;

		if (s->expr) {
			visit(&c, &s->expr, true);
			after(&c, s);
		}
		if (!straight) {
			do_list(m, f, &s->body);
			do_list(m, f, &s->orelse);
			arrsetlen(c.entries, 0);
		}
		c.link = &s->next;
	}
	arrfree(c.entries);
}

void ir_pass_cse(struct ir_module *m)
{
	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		do_list(m, m->funcs[i], &m->funcs[i]->body);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		do_list(m, m->handlers[i], &m->handlers[i]->body);
}
