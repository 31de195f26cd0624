/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs from IR text: see ir_support.h. */
#include "ir_support.h"

#include "base/arena.h"
#include "base/ds.h"

void ir_program_fill(struct program *p, struct ir_module *m, enum prog_kind kind, const struct prog_point *pt)
{
	struct ir_func **handlers = m->handlers;

	m->handlers = NULL;
	p->ir = m;
	for (size_t i = 0; i < arrlenu(handlers); i++) {
		struct prog_point own = *pt;

		own.handler = program_handler_add(p, kind, handlers[i]);
		own.at = handlers[i]->at;
		arrput(p->points, own);
	}
	arrfree(handlers);
}

int64_t *ir_point_ints(struct arena *a, size_t n, const int64_t *values)
{
	int64_t **ints = arena_new(a, int64_t *);

	arena_own_array(a, ints);
	for (size_t i = 0; i < n; i++)
		arrput(*ints, values[i]);
	return *ints;
}
