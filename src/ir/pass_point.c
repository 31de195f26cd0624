/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the probe point before it is hit: in the body of a handler that has one point only, the point's
 * constants are constants.  Functions may be called from other handlers and stay as they are.
 *
 * Requires all points of the program to be there.
 */
#include "base/ds.h"
#include "ir/pass.h"
#include "ir/program.h"
#include "ir/traverse.h"

struct subst {
	struct ir_module *m;
	const struct prog_point *point;
};

static void put_constant(void *ctx, struct ir_expr **slot)
{
	const struct subst *s = ctx;
	struct ir_expr *e = *slot;
	const struct span *at = &e->at;

	if (e->op == IR_POINT_INT && e->imm >= 0 && (uint64_t)e->imm < arrlenu(s->point->ints))
		*slot = ir_const(s->m, s->point->ints[e->imm], at);
	else if (e->op == IR_POINT_STR && e->imm >= 0 && e->imm < IR_PP_COUNT)
		*slot = ir_str(s->m, s->point->str[e->imm] ? s->point->str[e->imm] : "", at);
}

/* The handler's only point; NULL: none or several. */
static const struct prog_point *only_point(const struct program *p, uint32_t handler)
{
	const struct prog_point *found = NULL;

	for (size_t i = 0; i < arrlenu(p->points); i++) {
		const struct prog_point *pt = &p->points[i];

		if (pt->handler != handler && !(pt->at_start && pt->start_handler == handler))
			continue;
		if (found)
			return NULL;
		found = pt;
	}
	return found;
}

void ir_pass_points(struct program *p)
{
	for (uint32_t h = 0; h < arrlenu(p->handlers); h++) {
		struct subst s = { p->ir, only_point(p, h) };
		struct ir_walker w = { .ctx = &s, .expr = put_constant };

		if (s.point)
			ir_walk_list(p->handlers[h].body->body, &w);
	}
}
