// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as they were at a function's entry: parameters in return probes, @entry(), and DWARF's entry
 * values of registers.
 *
 * A handler of the compiler's own, at the entry, stores the value in a hidden array under (thread,
 * canonical frame address); the frame's address is the same there, inside the function, and
 * in rsp right after its return, so recursion and functions left by longjmp need no counting.  The
 * array drops its oldest elements.  A frame entered before the probes were armed reads as 0 or "".
 */
#include "lower/target_priv.h"

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/unwind.h"

#define RSP_AT_CALL	8	/* the frame address is this far above rsp at the first instruction */

/* The canonical frame address at a pc of the access's module; right after a return: rsp. */
static struct ir_expr *frame_address(struct lower *L, const struct target_access *a, struct dbg_module *m,
				     uint64_t pc)
{
	struct dbg_unwind_row row;
	struct dbg_error e;
	struct ir_expr *r;

	if (dbg_unwind_row(m, pc, &row, &e))
		return target_fail(L, a, "no frame information at 0x%llx: %s", (unsigned long long)pc, e.msg);
	if (row.cfa.kind == DBG_RULE_EXPR_VAL)
		return target_ops(L, a, row.cfa.ops, row.cfa.nops);
	r = target_register(L, a, row.cfa.reg);
	if (!row.cfa.offset)
		return r;
	return lower_op2(L, IR_ADD, r, ir_const(L->mod->ir, row.cfa.offset, &a->at), &a->at);
}

static uint32_t hidden_array(struct lower *L, enum ir_type type, const struct target_access *a)
{
	struct ir_global g = { .name = "entry", .at = a->at, .type = type, .is_array = true, .nkeys = 2,
			       .bound = type == IR_STR ? L->mod->maxstr : 0,
			       .key_type = { IR_I64, IR_I64 }, .wrap = true, .hidden = true, .read = true,
			       .written = true };

	g.max_entries = L->mod->program->limits.maxmapentries;
	return lower_hidden_global(L->mod, &g);
}

static struct ir_expr *tid(struct lower *L, const struct target_access *a)
{
	return ir_expr_new(L->mod->ir, IR_TID, &a->at, 0);
}

/* The entry half: array[tid, frame] = value. */
static void entry_begin(struct lower *L, struct lower *E, struct ir_func *f, const struct probe_point *pt,
			const struct target_access *a)
{
	*E = (struct lower){ .mod = L->mod, .func = f, .point = pt, .tail = &f->body };
	f->name = arena_printf(L->mod->arena, "entry.%u", L->mod->temp_count++);
	f->at = a->at;
	f->ret = IR_VOID;
	lower_target_filter(E);
}

static void entry_end(struct lower *L, struct lower *E, uint32_t array, struct ir_expr *frame,
		      struct ir_expr *value, const struct target_access *a)
{
	struct ir_expr *args[] = { tid(E, a), frame, value }, *store;

	store = lower_opn(E, IR_ASTORE, args, 3, &a->at);
	store->sym = array;
	lower_eval(E, store);
	hmfree(E->local_of);
	L->failed |= E->failed;
	if (!E->failed)
		lower_add_point(L->mod, PROG_UPROBE, E->func, &E->point->prog);
}

static struct ir_expr *kept(struct lower *L, uint32_t array, struct ir_expr *frame, enum ir_type type,
			    const struct target_access *a)
{
	struct ir_expr *args[] = { tid(L, a), frame }, *load;

	load = lower_opn(L, IR_ALOAD, args, 2, &a->at);
	load->sym = array;
	load->type = type;
	load->bound = type == IR_STR ? L->mod->maxstr : 0;
	return lower_save(L, load);
}

struct ir_expr *target_kept_value(struct lower *L, const struct target_access *a)
{
	const struct probe_point *entry = a->entry;
	struct target_access *plain = arena_memdup(L->mod->arena, a, sizeof(*a));
	struct ir_func *f = arena_new(L->mod->arena, struct ir_func);
	enum ir_type type = target_type(a) == AST_STRING ? IR_STR : IR_I64;
	struct ir_expr *value, *frame;
	struct lower E;
	uint32_t array;

	plain->entry = NULL;
	entry_begin(L, &E, f, entry, a);
	frame = lower_save(&E, frame_address(&E, a, entry->module, entry->pc));
	value = target_value(&E, plain);
	array = hidden_array(L, type, a);
	entry_end(L, &E, array, frame, value, a);
	return kept(L, array, target_register(L, a, DBG_RSP), type, a);
}

struct ir_expr *target_entry_register(struct lower *L, const struct target_access *a, int reg)
{
	const struct dbg_func *f = a->func;
	struct probe_point *pt;
	struct ir_func *body;
	struct ir_expr *frame;
	struct lower E;
	uint32_t array;
	uint64_t offset;

	while (f && f->is_inline)
		f = dbg_func_parent(f);
	if (!f || !L->point || !dbg_addr_to_offset(f->module, f->entry, &offset))
		return target_fail(L, a, "value at the function's entry is not available here");
	if (a->pc == f->entry)
		return target_register(L, a, reg);
	pt = arena_memdup(L->mod->arena, L->point, sizeof(*pt));
	pt->kind = PROG_UPROBE;
	pt->prog.kind = POINT_UPROBE;
	pt->prog.ref_ctr = 0;
	pt->prog.offset = offset;
	pt->prog.address = pt->pc = f->entry;
	body = arena_new(L->mod->arena, struct ir_func);
	entry_begin(L, &E, body, pt, a);
	frame = lower_op2(&E, IR_ADD, target_register(&E, a, DBG_RSP),
			  ir_const(L->mod->ir, RSP_AT_CALL, &a->at), &a->at);
	array = hidden_array(L, IR_I64, a);
	entry_end(L, &E, array, frame, target_register(&E, a, reg), a);
	return kept(L, array, frame_address(L, a, f->module, a->pc), IR_I64, a);
}
