// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which handlers want to be sleepable programs: those at user code that read user memory, themselves or
 * in a function they call.  Only there may a page that is not resident be fetched.
 */
#include "lower/parts.h"

#include <stdlib.h>

#include "base/ds.h"
#include "ir/traverse.h"

struct search {
	const struct ir_module *m;
	bool *seen;		/* functions looked at */
	bool reads;
};

static void look_at(void *ctx, struct ir_expr **slot)
{
	struct search *s = ctx;
	const struct ir_expr *e = *slot;

	switch (e->op) {
	case IR_ULOAD:
	case IR_ULOAD_OK:
	case IR_USTR:
	case IR_USTR_QUOTED:
	case IR_USTR_UTF16:
	case IR_USTR_UTF32:
	case IR_UBUF:
		s->reads = true;
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

void lower_mark_sleepable(struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->handlers); i++) {
		struct prog_handler *h = &p->handlers[i];
		struct search s = { .m = p->ir };
		struct ir_walker w = { .ctx = &s, .expr = look_at };

		if (h->kind != PROG_UPROBE && h->kind != PROG_URETPROBE)
			continue;
		s.seen = calloc(arrlenu(p->ir->funcs) + 1, sizeof(*s.seen));
		if (!s.seen)
			abort();
		ir_walk_list(h->body->body, &w);
		free(s.seen);
		h->sleepable = s.reads;
	}
}
