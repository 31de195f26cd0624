// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers at the entry of kernel functions that need the registers or the stack there, which a trampoline
 * does not have: they become kprobes.  So do those at returns that need registers but not the function's
 * arguments, which only a trampoline has there.
 */
#include "lower/parts.h"

#include <stdlib.h>

#include "base/ds.h"
#include "ir/traverse.h"

struct search {
	const struct ir_module *m;
	bool *seen;		/* functions looked at */
	bool registers, stack, arguments, frame;
};

static void look_at(void *ctx, struct ir_expr **slot)
{
	struct search *s = ctx;
	const struct ir_expr *e = *slot;

	switch (e->op) {
	case IR_REG:
	case IR_REGSTORE:
		s->registers = true;
		break;
	case IR_KSTACK_ADDR:
	case IR_KBACKTRACE:
	case IR_PRINT_KBT:
		s->stack = true;
		break;
	case IR_ARG:
		s->arguments = true;
		break;
	case IR_FRAME:
		s->frame = true;
		break;
	case IR_CALL:
		if (!s->seen[e->sym]) {
			struct ir_walker w = { .ctx = s, .expr = look_at };

			s->seen[e->sym] = true;
			ir_walk_list(s->m->funcs[e->sym]->body, &w);
		}
		break;
	default:
		break;
	}
}

void lower_choose_mechanism(struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->handlers); i++) {
		struct prog_handler *h = &p->handlers[i];
		struct search s = { .m = p->ir };
		struct ir_walker w = { .ctx = &s, .expr = look_at };

		if (h->kind != PROG_FENTRY && h->kind != PROG_FEXIT)
			continue;
		s.seen = calloc(arrlenu(p->ir->funcs) + 1, sizeof(*s.seen));
		if (!s.seen)
			abort();
		ir_walk_list(h->body->body, &w);
		free(s.seen);
		if (s.frame)	/* both halves of a call must know it by the same number */
			continue;
		if (h->kind == PROG_FENTRY && (s.registers || s.stack))
			h->kind = PROG_KPROBE;
		else if (h->kind == PROG_FEXIT && s.registers && !s.arguments)
			h->kind = PROG_KRETPROBE;
	}
}
