/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which handlers want to be sleepable programs: those at user code that read user memory or look at names of its
 * addresses, themselves or in a function they call.  Only there may a page that is not resident be fetched, and
 * may the handler let others run while it waits for symbols.
 */
#include "lower/parts.h"

#include "base/ds.h"
#include "ir/traverse.h"

void lower_mark_sleepable(struct program *p, bool names)
{
	for (size_t i = 0; i < arrlenu(p->handlers); i++) {
		struct prog_handler *h = &p->handlers[i];
		bool op[IR_OP_COUNT] = { false };

		if (h->kind != PROG_UPROBE && h->kind != PROG_URETPROBE)
			continue;
		ir_ops_reached(p->ir, h->body->body, op);
		if (op[IR_PERF])	/* no sleepable program may have the map of the counters */
			continue;
		h->sleepable = op[IR_ULOAD] || op[IR_ULOAD_OK] || op[IR_USTR] || op[IR_USTR_QUOTED] ||
			       op[IR_USTR_UTF16] || op[IR_USTR_UTF32] || op[IR_UBUF] || op[IR_UBUF_QUOTED] ||
			       (names && (op[IR_USYM] || op[IR_UBACKTRACE]));
	}
}
