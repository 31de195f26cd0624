/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as they were at a function's entry: parameters in return probes, @entry(), and DWARF's entry
 * values of registers.
 *
 * A handler of the compiler's own, at the entry, stores the value in a hidden array under (thread,
 * canonical frame address); the frame's address is the same there, inside the function, and
 * in rsp right after its return, so recursion and functions left by longjmp need no counting.  The
 * array drops its oldest elements.  A frame entered before the probes were armed reads as 0 or "".  Calls of
 * kernel functions are known by IR_FRAME, those of system calls need nothing but the thread.
 */
#include "lower/target_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/unwind.h"
#include "lang/print.h"

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

static void entry_store(struct lower *E, uint32_t array, struct ir_expr *frame, struct ir_expr *value,
			const struct target_access *a)
{
	struct ir_expr *args[] = { tid(E, a), frame, value }, *store;

	store = lower_opn(E, IR_ASTORE, args, 3, &a->at);
	store->sym = array;
	lower_eval(E, store);
}

static void entry_forget(struct lower *E, uint32_t array, struct ir_expr *frame, const struct target_access *a)
{
	struct ir_expr *args[] = { tid(E, a), frame }, *drop = lower_opn(E, IR_ADEL, args, 2, &a->at);

	drop->sym = array;
	lower_eval(E, drop);
}

static void entry_end(struct lower *L, struct lower *E)
{
	hmfree(E->local_of);
	L->failed |= E->failed;
	if (!E->failed)
		lower_add_point(L->mod, E->point->kind, E->func, &E->point->prog);
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

static struct ir_expr *is_kept(struct lower *L, uint32_t array, struct ir_expr *frame,
			       const struct target_access *a)
{
	struct ir_expr *args[] = { tid(L, a), frame }, *has = lower_opn(L, IR_AHAS, args, 2, &a->at);

	has->sym = array;
	return has;
}

/* Which call of the thread's it is; a thread is in one system call at a time. */
static struct ir_expr *kernel_frame(struct lower *L, const struct target_access *a)
{
	if (L->point->kind == PROG_SYSCALL || L->point->kind == PROG_SYSRET)
		return ir_const(L->mod->ir, 0, &a->at);
	return ir_expr_new(L->mod->ir, IR_FRAME, &a->at, 0);
}

/*
 * The array of an @entry() in system calls: one for all calls, as a thread is in one at a time, so that what is
 * said of many calls stays one handler.
 */
static uint32_t call_array(struct lower *L, enum ir_type type, const struct target_access *a)
{
	char *text = NULL;
	size_t len;
	FILE *out = xmemstream(&text, &len);
	ptrdiff_t i;

	ast_print_expr(out, a->operands[0]);
	fclose(out);
	i = shgeti(L->mod->call_entry_of, text);
	if (i < 0) {
		char *key = arena_strdup(L->mod->arena, text);

		shput(L->mod->call_entry_of, key, hidden_array(L, type, a));
		i = shgeti(L->mod->call_entry_of, text);
	}
	free(text);
	return L->mod->call_entry_of[i].value;
}

/* A system call that was under way when the probes were armed is left alone, from the handler's first statement. */
static void leave_unless_kept(struct lower *L, uint32_t array, const struct target_access *a)
{
	struct ir_stmt *body = L->func->body, **tail = L->tail, *leave, **end;

	L->func->body = NULL;
	L->tail = &L->func->body;
	leave = lower_if(L, lower_op1(L, IR_LNOT, is_kept(L, array, kernel_frame(L, a), a), &a->at), &a->at);
	leave->body = ir_stmt_new(L->mod->ir, IR_S_RETURN, &a->at);
	end = L->tail;
	*end = body;
	L->tail = tail == &L->func->body ? end : tail;
}

struct ir_expr *target_kept_value(struct lower *L, const struct target_access *a)
{
	const struct probe_point *entry = a->entry;
	struct target_access *plain = arena_memdup(L->mod->arena, a, sizeof(*a));
	struct ir_func *f = ir_func_new(L->mod->arena);
	enum ir_type type = target_type(a) == AST_STRING ? IR_STR : IR_I64;
	struct ir_expr *value, *frame;
	struct lower E;
	uint32_t array;
	bool kernel;

	plain->entry = NULL;
	entry_begin(L, &E, f, entry, a);
	kernel = entry->kind != PROG_UPROBE;
	frame = lower_save(&E, kernel ? kernel_frame(&E, a) : frame_address(&E, a, entry->module, entry->pc));
	value = target_value(&E, plain);
	array = L->point->kind == PROG_SYSRET ? call_array(L, type, a) : hidden_array(L, type, a);
	entry_store(&E, array, frame, value, a);
	entry_end(L, &E);
	if (L->point->kind == PROG_SYSRET)
		leave_unless_kept(L, array, a);
	return kept(L, array, kernel ? kernel_frame(L, a) : target_register(L, a, DBG_RSP), type, a);
}

/* The registers of the caller at a call, seen from the first instruction of the callee. */
static struct ir_expr *caller_register(struct lower *L, const struct target_access *a, int reg)
{
	struct ir_expr *r = target_register(L, a, reg);

	if (reg != DBG_RSP)
		return r;
	return lower_op2(L, IR_ADD, r, ir_const(L->mod->ir, RSP_AT_CALL, &a->at), &a->at);
}

/* The same program with rsp as it was before the call pushed the return address. */
static struct ir_expr *caller_value(struct lower *L, const struct target_access *a,
				    const struct dbg_entry_value *v)
{
	struct dbg_op *ops = arena_new_array(L->mod->arena, struct dbg_op, 3 * v->nops);
	size_t n = 0;

	for (size_t i = 0; i < v->nops; i++) {
		ops[n++] = v->ops[i];
		if (v->ops[i].op == DBG_OP_REG && v->ops[i].a == DBG_RSP) {
			ops[n++] = (struct dbg_op){ DBG_OP_CONST, RSP_AT_CALL };
			ops[n++] = (struct dbg_op){ DBG_OP_ADD, 0 };
		}
	}
	return target_ops(L, a, ops, n);
}

/* A parameter that the compiler removed, at the first instruction of f: chosen by the return address.  *known, if
 * asked for: whether it is one of those that tell; NULL in it if all do. */
static struct ir_expr *removed_param(struct lower *L, const struct target_access *a, const struct dbg_func *f,
				     int64_t param, struct ir_expr **known)
{
	size_t n;
	bool all;
	const struct dbg_entry_value *v = dbg_entry_params(f, param, &n, &all);
	bool kernel = dbg_module_info(f->module)->kernel;
	struct ir_expr *ra, *bias = target_bias(L, f->module, &a->at), *value;

	*known = NULL;
	ra = lower_op1(L, a->kernel ? IR_KLOAD : IR_ULOAD, target_register(L, a, DBG_RSP), &a->at);
	ra->imm = 8;
	ra = lower_save(L, bias ? lower_op2(L, IR_SUB, ra, bias, &a->at) : ra);
	value = ir_const(L->mod->ir, 0, &a->at);
	for (size_t i = 0; i < n && i < ACCESS_MAX_CALLERS; i++) {
		struct ir_expr *args[3], *here;

		here = kernel ? target_kernel_address(L, a, f->module, v[i].ret_pc) :
				ir_const(L->mod->ir, (int64_t)v[i].ret_pc, &a->at);
		here = lower_share(L, lower_op2(L, IR_EQ, ra, here, &a->at));
		args[0] = here;
		args[1] = caller_value(L, a, &v[i]);
		args[2] = value;
		value = lower_opn(L, IR_SELECT, args, 3, &a->at);
		value->type = IR_I64;
		if (!all)
			*known = *known ? lower_op2(L, IR_OR, *known, here, &a->at) : here;
	}
	return value;
}

/* A soft error unless `known`. */
static void require_known(struct lower *L, const struct target_access *a, struct ir_expr *known)
{
	struct ir_stmt **saved, *s;

	if (!known)
		return;
	s = lower_if(L, lower_op1(L, IR_LNOT, known, &a->at), &a->at);
	saved = lower_into(L, &s->body);
	lower_eval(L, lower_op1(L, IR_ERROR, ir_str(L->mod->ir, "the caller does not tell a parameter that the "
								"compiler removed", &a->at), &a->at));
	lower_into_end(L, saved);
}

/* Do some callers not tell a parameter that the compiler removed? */
static bool is_partial(const struct dbg_func *f, int reg, int64_t param)
{
	size_t n;
	bool all = true;

	if (reg < 0)
		dbg_entry_params(f, param, &n, &all);
	return !all;
}

/* A handler at the function's first instruction that keeps the value in `array`.  An earlier frame at the same address
 * must not answer for one whose caller does not tell it. */
static void keep_entry_value(struct lower *L, const struct target_access *a, const struct dbg_func *f, int reg,
			     int64_t param, uint32_t array)
{
	bool kernel = dbg_module_info(f->module)->kernel;
	struct probe_point *pt = arena_memdup(L->mod->arena, L->point, sizeof(*pt));
	struct ir_expr *frame, *known = NULL, *value;
	struct ir_stmt **saved, *fork;
	struct lower E;

	pt->kind = kernel ? PROG_KINSN : PROG_UPROBE;
	pt->prog.kind = kernel ? POINT_KFUNC : POINT_UPROBE;
	pt->prog.ref_ctr = 0;
	pt->prog.offset += f->entry - pt->pc;	/* of kernel code: from its base */
	if (!kernel)
		dbg_addr_to_offset(f->module, f->entry, &pt->prog.offset);
	pt->pc = f->entry;
	pt->prog.address = pt->pc + dbg_module_info(f->module)->kernel_bias;
	if (dbg_module_info(f->module)->kernel_elsewhere)
		pt->prog.address = 0;	/* found when the program runs */
	entry_begin(L, &E, ir_func_new(L->mod->arena), pt, a);
	frame = caller_register(&E, a, DBG_RSP);
	value = reg >= 0 ? target_register(&E, a, reg) : removed_param(&E, a, f, param, &known);
	if (known) {
		fork = lower_if(&E, known, &a->at);
		saved = lower_into(&E, &fork->body);
		entry_store(&E, array, frame, value, a);
		lower_into_end(&E, saved);
		saved = lower_into(&E, &fork->orelse);
		entry_forget(&E, array, caller_register(&E, a, DBG_RSP), a);
		lower_into_end(&E, saved);
	} else {
		entry_store(&E, array, frame, value, a);
	}
	entry_end(L, &E);
}

/* The array that keeps the value: one for all accesses, but for points whose handlers choose their hits. */
static uint32_t entry_array(struct lower *L, const struct target_access *a, const struct dbg_func *f, int reg,
			    int64_t param)
{
	struct lower_entry_key key = { .func = f, .owner = L->point->filter ? L->func : NULL, .reg = reg,
				       .param = param };
	ptrdiff_t i = hmgeti(L->mod->entry_of, key);
	uint32_t array;

	if (i >= 0)
		return L->mod->entry_of[i].value;
	array = hidden_array(L, IR_I64, a);
	hmput(L->mod->entry_of, key, array);
	keep_entry_value(L, a, f, reg, param, array);
	return array;
}

/* A value of the function's first instruction: taken there, and kept if the access is further on. */
static struct ir_expr *entry_value(struct lower *L, const struct target_access *a, int reg, int64_t param)
{
	const struct dbg_func *f = access_function(a);
	struct ir_expr *frame, *value, *known = NULL;
	uint32_t array;
	uint64_t offset;

	if (!f || !L->point || !(dbg_module_info(f->module)->kernel ||
				 dbg_addr_to_offset(f->module, f->entry, &offset)))
		return target_fail(L, a, "value at the function's entry is not available here");
	if (a->pc == f->entry) {
		value = reg >= 0 ? target_register(L, a, reg) : removed_param(L, a, f, param, &known);
		require_known(L, a, known);
		return value;
	}
	array = entry_array(L, a, f, reg, param);
	frame = frame_address(L, a, f->module, a->pc);
	if (is_partial(f, reg, param)) {
		frame = lower_save(L, frame);
		require_known(L, a, is_kept(L, array, frame, a));
	}
	return kept(L, array, frame, IR_I64, a);
}

struct ir_expr *target_entry_register(struct lower *L, const struct target_access *a, int reg)
{
	return entry_value(L, a, reg, 0);
}

struct ir_expr *target_entry_param(struct lower *L, const struct target_access *a, int64_t param)
{
	return entry_value(L, a, -1, param);
}
