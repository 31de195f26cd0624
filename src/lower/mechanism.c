/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers of kernel functions that need the registers or the stack of the hit, which a trampoline does not
 * have: they become kprobes, and those at returns kretprobes.
 *
 * Only a trampoline has the function's arguments at its return.  A return handler that needs them and registers gets
 * them from a handler of the entry, through a hidden array under (thread, call), as @entry does.  Both halves of a
 * call must know it by the same number, which mechanisms make in different ways: when one handler that uses such
 * numbers becomes a kprobe, all do.
 */
#include "lower/parts.h"

#include "base/arena.h"
#include "base/ds.h"
#include "ir/traverse.h"

struct need {
	bool registers;		/* or the stack at the entry */
	bool arguments, frame;
};

static struct need need_of(const struct program *p, const struct prog_handler *h)
{
	bool op[IR_OP_COUNT] = { false };

	ir_ops_reached(p->ir, h->body->body, op);
	return (struct need){
		.registers = op[IR_REG] || op[IR_REGSTORE] ||
			     (h->kind == PROG_FENTRY && (op[IR_KSTACK_ADDR] || op[IR_KBACKTRACE] || op[IR_PRINT_KBT])),
		.arguments = op[IR_ARG],
		.frame = op[IR_FRAME],
	};
}

static bool is_trampoline(const struct prog_handler *h)
{
	return h->kind == PROG_FENTRY || h->kind == PROG_FEXIT;
}

/* ---- arguments at returns ---- */

/* The arguments that a return handler reads: number -> array that keeps it. */
struct keeping {
	struct lower_module *m;
	struct { int64_t key; uint32_t value; } *array_of;
};

static uint32_t new_array(struct lower_module *m, const struct span *at)
{
	struct ir_global g = { .name = "argument", .at = *at, .type = IR_I64, .is_array = true, .nkeys = 2,
			       .key_type = { IR_I64, IR_I64 }, .wrap = true, .read = true, .written = true,
			       .max_entries = m->program->limits.maxmapentries };

	return lower_hidden_global(m, &g);
}

/* An argument becomes what its array has for this call. */
static void load_kept(void *ctx, struct ir_expr **e)
{
	struct keeping *k = ctx;
	struct ir_module *ir = k->m->ir;
	const struct span *at = &(*e)->at;
	int64_t number = (*e)->imm;
	struct ir_expr *load;

	if ((*e)->op != IR_ARG)
		return;
	if (hmgeti(k->array_of, number) < 0)
		hmput(k->array_of, number, new_array(k->m, at));
	load = ir_expr_new(ir, IR_ALOAD, at, 2, ir_expr_new(ir, IR_TID, at, 0), ir_expr_new(ir, IR_FRAME, at, 0));
	load->sym = hmget(k->array_of, number);
	load->type = IR_I64;
	*e = load;
}

/* The entry half: array[tid, frame] = argument, for each. */
static struct ir_func *entry_half(const struct keeping *k, const struct span *at)
{
	struct ir_module *ir = k->m->ir;
	struct ir_func *f = ir_func_new(k->m->arena);
	struct ir_stmt **tail = &f->body;

	f->name = arena_printf(k->m->arena, "entry.%u", k->m->temp_count++);
	f->at = *at;
	f->ret = IR_VOID;
	for (size_t i = 0; i < hmlenu(k->array_of); i++) {
		struct ir_expr *value = ir_expr_new(ir, IR_ARG, at, 0);
		struct ir_stmt *s = ir_stmt_new(ir, IR_S_EVAL, at);

		value->imm = k->array_of[i].key;
		s->expr = ir_expr_new(ir, IR_ASTORE, at, 3, ir_expr_new(ir, IR_TID, at, 0),
				      ir_expr_new(ir, IR_FRAME, at, 0), value);
		s->expr->sym = k->array_of[i].value;
		*tail = s;
		tail = &s->next;
	}
	return f;
}

static void keep_arguments(struct lower_module *m, uint32_t handler)
{
	struct keeping k = { .m = m };
	const struct ir_walker loads = { &k, load_kept, NULL };
	struct ir_func *body = m->program->handlers[handler].body, *entry;
	size_t npoints = arrlenu(m->program->points);

	ir_walk_list(body->body, &loads);
	entry = entry_half(&k, &body->at);
	for (size_t i = 0; i < npoints; i++) {
		const struct prog_point desc = m->program->points[i];

		if (desc.handler == handler)
			lower_add_point(m, PROG_KPROBE, entry, &desc);
	}
	hmfree(k.array_of);
}

void lower_choose_mechanism(struct lower_module *m)
{
	struct program *p = m->program;
	size_t n = arrlenu(p->handlers);
	struct need *need = arena_new_array(m->arena, struct need, n);
	bool calls_by_kprobes = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_trampoline(&p->handlers[i]))
			continue;
		need[i] = need_of(p, &p->handlers[i]);
		if (p->handlers[i].kind == PROG_FEXIT && need[i].registers && need[i].arguments)
			need[i].frame = true;
		calls_by_kprobes |= need[i].frame && need[i].registers;
	}
	for (size_t i = 0; i < n; i++) {
		bool returns = p->handlers[i].kind == PROG_FEXIT;

		if (!is_trampoline(&p->handlers[i]) || !(need[i].registers || (need[i].frame && calls_by_kprobes)))
			continue;
		p->handlers[i].kind = returns ? PROG_KRETPROBE : PROG_KPROBE;
		if (returns && need[i].arguments)
			keep_arguments(m, (uint32_t)i);
	}
}
