/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See pure.h.  A function is as pure as what it does and what it calls; one that reaches itself is not. */
#include "ir/pure.h"

#include <stdlib.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/traverse.h"

struct judge {
	const struct ir_module *m;
	uint8_t *pure;		/* by function; IR_PURE_NOT while it is being judged */
	bool *seen;
	enum ir_pure so_far;
};

/* May a format read memory, which can fail, or be given a bad width? */
static bool format_fails(const struct ir_module *m, uint32_t format)
{
	const struct ir_format *f = m->formats[format];

	for (size_t i = 0; i < arrlenu(f->pieces); i++)
		if (f->pieces[i].conv == IR_CONV_MEM || f->pieces[i].conv == IR_CONV_MEM_HEX)
			return true;
	return false;
}

bool ir_is_clock(enum ir_op op)
{
	return op == IR_TIME_NS || op == IR_KTIME_NS || op == IR_CYCLES || op == IR_JIFFIES || op == IR_RANDINT;
}

static bool op_fails(const struct ir_module *m, const struct ir_expr *e)
{
	if (e->op == IR_SPRINTF)
		return format_fails(m, e->sym);
	if ((e->op == IR_UBUF_QUOTED || e->op == IR_KBUF_QUOTED) && e->imm)
		return false;
	return ir_op_table[e->op].flags & IRF_FAIL;
}

bool ir_may_fail(const struct ir_module *m, const struct ir_expr *e)
{
	if (op_fails(m, e))
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (ir_may_fail(m, e->args[i]))
			return true;
	return false;
}

static void judge_func(struct judge *j, uint32_t func);

static void lower_to(struct judge *j, enum ir_pure p)
{
	if (p < j->so_far)
		j->so_far = p;
}

static void judge_expr(void *ctx, struct ir_expr **slot)
{
	struct judge *j = ctx;
	const struct ir_expr *e = *slot;

	if (e->op == IR_CALL) {
		judge_func(j, e->sym);
		lower_to(j, (enum ir_pure)j->pure[e->sym]);
	} else if (ir_op_table[e->op].flags & IRF_EFFECT || e->op == IR_MATCH || ir_is_clock(e->op)) {
		lower_to(j, IR_PURE_NOT);
	} else if (op_fails(j->m, e)) {
		lower_to(j, IR_PURE_FAILS);
	}
}

static void judge_list(struct judge *j, struct ir_stmt *list);

/* What a `try` encloses may fail. */
static void judge_try(struct judge *j, const struct ir_stmt *s)
{
	enum ir_pure before = j->so_far;

	j->so_far = IR_PURE;
	judge_list(j, s->body);
	if (j->so_far == IR_PURE_NOT)
		before = IR_PURE_NOT;
	j->so_far = before;
	judge_list(j, s->orelse);
}

static void judge_list(struct judge *j, struct ir_stmt *list)
{
	const struct ir_walker w = { .ctx = j, .expr = judge_expr };

	for (struct ir_stmt *s = list; s; s = s->next) {
		if (s->kind == IR_S_TRY) {
			judge_try(j, s);
			continue;
		}
		if (s->foreach)
			lower_to(j, IR_PURE_FAILS);
		ir_walk_own(s, &w);
		judge_list(j, s->body);
		judge_list(j, s->orelse);
	}
}

static void judge_func(struct judge *j, uint32_t func)
{
	struct judge own = *j;

	if (j->seen[func])
		return;
	j->seen[func] = true;
	own.so_far = IR_PURE;
	judge_list(&own, j->m->funcs[func]->body);
	j->pure[func] = (uint8_t)own.so_far;
}

uint8_t *ir_pure_functions(const struct ir_module *m)
{
	size_t n = arrlenu(m->funcs);
	struct judge j = { .m = m, .pure = xcalloc(n + 1, 1), .seen = xcalloc(n + 1, sizeof(bool)) };

	for (size_t i = 0; i < n; i++)
		judge_func(&j, (uint32_t)i);
	free(j.seen);
	return j.pure;
}
