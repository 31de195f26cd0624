/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs: limits and handlers; equal handlers become one. */
#include "ir/program.h"

#include <string.h>

#include "base/ds.h"
#include "ir/fmt.h"
#include "ir/traverse.h"

void program_limits_default(struct prog_limits *l)
{
	*l = (struct prog_limits){
		.maxstringlen = 512,
		.maxmapentries = 2048,
		.maxaction = 1000,
		.maxaction_interruptible = 10000,
		.maxnesting = 10,
		.maxtrylock = 1000,
		.maxerrors = 0,
		.maxskipped = 100,
		.buffer_bytes = 1 << 20,
	};
}

struct program *program_create(struct arena *a)
{
	struct program *p = arena_new(a, struct program);

	p->ir = ir_module_create(a);
	arena_own_array(a, &p->handlers);
	arena_own_array(a, &p->points);
	arena_own_array(a, &p->modules);
	arena_own_array(a, &p->places);
	arena_own_array(a, &p->late);
	program_limits_default(&p->limits);
	p->ir->maxstr = p->limits.maxstringlen;
	return p;
}

/* Equal formats get one index, so that code that prints the same is the same. */
static void share_format(void *ctx, struct ir_expr **slot)
{
	struct ir_module *m = ctx;

	if (ir_op_table[(*slot)->op].flags & IRF_SYM_FORMAT)
		(*slot)->sym = ir_format_shared(m, (*slot)->sym);
}

uint32_t program_handler_add(struct program *p, enum prog_kind kind, struct ir_func *body)
{
	const struct ir_walker sharer = { p->ir, share_format, NULL };
	struct prog_handler h = { .kind = kind, .body = body };
	uint64_t hash;

	ir_walk_list(body->body, &sharer);
	h.hash = hash = ir_func_hash(body) ^ (uint64_t)kind;
	for (uint32_t i = 0; i < arrlenu(p->handlers); i++)
		if (p->handlers[i].hash == hash && p->handlers[i].kind == kind &&
		    ir_func_equal(p->handlers[i].body, body))
			return i;
	arrput(p->handlers, h);
	arrput(p->ir->handlers, body);
	return (uint32_t)arrlenu(p->handlers) - 1;
}

uint32_t program_place_add(struct program *p, const char *base, uint64_t offset)
{
	struct prog_place place = { .base = base, .offset = offset };
	uint32_t i;

	for (i = 0; i < arrlenu(p->places); i++)
		if (!strcmp(p->places[i].base, base) && p->places[i].offset == offset)
			return i;
	arrput(p->places, place);
	return i;
}

/* Has a point before this one the same call and the handler? */
static bool is_taken(const struct program *p, size_t point, uint32_t handler)
{
	const struct prog_point *pt = &p->points[point];

	for (size_t k = 0; k < point; k++) {
		const struct prog_point *o = &p->points[k];

		if (o->kind == POINT_SYSCALL && o->handler == handler && o->syscall_nr == pt->syscall_nr &&
		    o->syscall_ia32 == pt->syscall_ia32)
			return true;
	}
	return false;
}

void program_split_syscalls(struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->points); i++) {
		struct prog_point *pt = &p->points[i];
		struct prog_handler twin = p->handlers[pt->handler];

		if (pt->kind != POINT_SYSCALL)
			continue;
		while (pt->handler < arrlenu(p->handlers) && is_taken(p, i, pt->handler)) {
			do
				pt->handler++;
			while (pt->handler < arrlenu(p->handlers) && p->handlers[pt->handler].body != twin.body);
		}
		if (pt->handler == arrlenu(p->handlers)) {
			arrput(p->handlers, twin);
			arrput(p->ir->handlers, twin.body);
		}
	}
}
