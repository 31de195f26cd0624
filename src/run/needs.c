/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program asks of the run half, found in its IR. */
#include "base/ds.h"
#include "ir/traverse.h"
#include "run/priv.h"

bool run_needs_kernel(const struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->handlers); i++)
		if (p->handlers[i].kind != PROG_USER)
			return true;
	return false;
}

static void scan_expr(void *ctx, struct ir_expr **e)
{
	bool *found = ctx;

	switch ((*e)->op) {
	case IR_UBACKTRACE:
	case IR_USTACK_ADDR:
	case IR_USYM:
	case IR_PRINT_UBT:
	case IR_PRINT_UBT_AT:
	case IR_PRINT_SYMS:
	case IR_MODULE_BIAS:
		*found = true;
		break;
	default:
		break;
	}
}

static void scan_unwind(void *ctx, struct ir_expr **e)
{
	bool *found = ctx;

	*found |= (*e)->op == IR_UBACKTRACE || (*e)->op == IR_USTACK_ADDR || (*e)->op == IR_PRINT_UBT;
}

static void scan_names(void *ctx, struct ir_expr **e)
{
	bool *found = ctx;

	*found |= ((*e)->op == IR_USYM || (*e)->op == IR_UBACKTRACE) && ((*e)->imm & IR_SYM_NOW);
}

static bool scan(const struct program *p, void (*expr)(void *ctx, struct ir_expr **e))
{
	bool found = false;
	struct ir_walker w = { .ctx = &found, .expr = expr };

	for (size_t i = 0; i < arrlenu(p->handlers) && !found; i++)
		if (p->handlers[i].kind != PROG_USER)
			ir_walk_list(p->handlers[i].body->body, &w);
	for (size_t i = 0; i < arrlenu(p->ir->funcs) && !found; i++)
		ir_walk_list(p->ir->funcs[i]->body, &w);
	return found;
}

bool run_wants_unwind(const struct program *p)
{
	return scan(p, scan_unwind);
}

bool run_wants_names(const struct program *p)
{
	return scan(p, scan_names);
}

bool run_is_timely(enum point_kind kind)
{
	return kind != POINT_BEGIN && kind != POINT_END && kind != POINT_ERROR && kind != POINT_NEVER;
}

bool run_names_kernel_while_hit(const struct program *p)
{
	bool reached[IR_OP_COUNT] = { false };

	for (size_t i = 0; i < arrlenu(p->points); i++) {
		const struct prog_handler *h = &p->handlers[p->points[i].handler];

		if (h->kind == PROG_USER && run_is_timely(p->points[i].kind))
			ir_ops_reached(p->ir, h->body->body, reached);
	}
	return reached[IR_KSYM] || reached[IR_PRINT_SYMS];
}

bool run_wants_symbols(const struct program *p)
{
	return scan(p, scan_expr);
}
