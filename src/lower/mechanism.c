// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers at the entry of kernel functions that need the registers or the stack there, which a trampoline
 * does not have: they become kprobes.  So do those at returns that need registers but not the function's
 * arguments, which only a trampoline has there.
 */
#include "lower/parts.h"

#include "base/ds.h"
#include "ir/traverse.h"

void lower_choose_mechanism(struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->handlers); i++) {
		struct prog_handler *h = &p->handlers[i];
		bool op[IR_OP_COUNT] = { false }, registers, stack;

		if (h->kind != PROG_FENTRY && h->kind != PROG_FEXIT)
			continue;
		ir_ops_reached(p->ir, h->body->body, op);
		registers = op[IR_REG] || op[IR_REGSTORE];
		stack = op[IR_KSTACK_ADDR] || op[IR_KBACKTRACE] || op[IR_PRINT_KBT];
		if (op[IR_FRAME])	/* both halves of a call must know it by the same number */
			continue;
		if (h->kind == PROG_FENTRY && (registers || stack))
			h->kind = PROG_KPROBE;
		else if (h->kind == PROG_FEXIT && registers && !op[IR_ARG])
			h->kind = PROG_KRETPROBE;
	}
}
