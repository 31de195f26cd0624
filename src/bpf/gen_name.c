/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of addresses and of times: deferred text (ir/wire.h) where it only leaves the program, and text made by
 * kern/names.c where the handler looks at it (ir_pass_names()).
 */
#include "bpf/gen.h"

#include "base/ds.h"
#include "bpf/name_state.h"

/* \001 letter fields \002, the fields in hex: the process if it is about one, and the value */
static void gen_deferred(struct gen *g, const struct ir_expr *e, struct mem value, struct sref dst)
{
	bool tgid = e->op == IR_USYM;

	gen_ld(g, R0, value);
	gen_st(g, gen_arg(1), R0);
	if (tgid)
		em_helper(&g->em, BPF_FUNC_get_current_pid_tgid);
	else
		em_movi(&g->em, R0, -1);
	em_alui(&g->em, tgid ? BPF_RSH : BPF_ARSH, R0, 32);
	gen_st(g, gen_arg(0), R0);
	gen_result(g, dst);
	em_movi(&g->em, R4, ir_sym_letter(e));
	gen_routine(g, ROUTINE_bk_defer);
	gen_cut(g);
}

/* Memory for the routines; false: this kernel cannot tell. */
static bool prepare(struct gen *g, bool user)
{
	gen_need_slot(g);
	if (user && !gen_unwind_state(g))
		return false;
	if (!g->names.off)
		g->names = gen_alloc(g, sizeof(struct name_state));
	g->u->wants_names |= user;
	return true;
}

static void gen_now(struct gen *g, const struct ir_expr *e, struct mem addr, struct sref dst)
{
	bool user = e->op == IR_USYM;
	em_label made = em_new_label(&g->em), done = em_new_label(&g->em);

	gen_ld(g, R0, addr);
	gen_st(g, gen_arg(0), R0);
	gen_result(g, dst);
	em_movi(&g->em, R4, IR_SYM_FORM(e->imm));
	gen_routine(g, user ? ROUTINE_bk_name : ROUTINE_bk_kernel_name);
	if (user) {
		em_jcci(&g->em, BPF_JSGE, R0, 0, made);
		gen_deferred(g, e, addr, dst);
		em_jmp(&g->em, done);
		em_bind(&g->em, made);
	}
	gen_cut(g);
	em_bind(&g->em, done);
}

bool gen_name_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct mem value;
	bool now;

	if (e->op != IR_USYM && e->op != IR_KSYM)
		return false;
	value = gen_keep(g, e->args[0]);
	now = (e->imm & IR_SYM_NOW) && IR_SYM_FORM(e->imm) <= IR_SYM_MODULE;
	if (now && prepare(g, e->op == IR_USYM))
		gen_now(g, e, value, dst);
	else
		gen_deferred(g, e, value, dst);
	gen_word_free(g, value);
	return true;
}

#define WAIT_NS		20000000	/* keeping the processor busy */
#define YIELD_NS	200000000	/* letting others run */

static bool can_yield(const struct gen *g)
{
	return g->sleepable && gen_has(g, ENGINE_YIELD);
}

bool gen_name_stack(struct gen *g, struct sref src, bool brief, struct sref dst)
{
	if (!prepare(g, true))
		return false;
	gen_result(g, dst);
	gen_soff(g, R4, src);
	em_movi(&g->em, R5, brief ? NAME_BRIEF : NAME_SIMPLE);
	gen_routine(g, ROUTINE_bk_name_stack);
	return true;
}

/*
 * How long the handler may wait for the process to learn of a file: not where interrupts may be off, not
 * while others wait for its locks, and not in the process's way.
 */
static uint64_t may_wait(const struct gen *g)
{
	const struct ir_func *f = g->root.f;
	bool locks = false;

	for (ptrdiff_t i = 0; f->locks && i < arrlen(g->m->globals); i++)
		locks |= f->locks[i] != IR_LOCK_NONE;
	if (locks || (g->kind != PROG_UPROBE && g->kind != PROG_URETPROBE))
		return 0;
	return can_yield(g) ? YIELD_NS : g->u->parallel ? WAIT_NS : 0;
}

struct routine_value *gen_name_values(struct gen *g, struct routine_value *v)
{
	const struct routine_value values[] = {
		{ "bk_name_at", ROUTINE_NUMBER, (uint64_t)g->names.off },
		{ "bk_name_wait", ROUTINE_NUMBER, may_wait(g) },
		{ "bk_name_yield", ROUTINE_NUMBER, can_yield(g) },
		/* what a program that cannot sleep must not mention stands for something harmless there */
		{ "bk_copy_from_user_task", ROUTINE_HELPER,
		  can_yield(g) ? BPF_FUNC_copy_from_user_task : BPF_FUNC_ktime_get_ns },
		{ "bk_current_task", ROUTINE_HELPER,
		  can_yield(g) ? BPF_FUNC_get_current_task_btf : BPF_FUNC_ktime_get_ns },
		{ "bk_patience_at", ROUTINE_NUMBER, VARS_PATIENCE },
		{ "bk_vars", ROUTINE_MAP_DATA, MAP_VARS },
		{ "bk_names", ROUTINE_MAP, MAP_NAMES },
		{ "bk_name_files", ROUTINE_MAP, MAP_NAME_FILES },
		{ "bk_name_questions", ROUTINE_MAP, MAP_NAME_QUESTIONS },
		{ "bk_name_format", ROUTINE_MAP_DATA, MAP_NAME_FORMAT },
	};
	_Static_assert(sizeof(values) / sizeof(values[0]) <= NAME_VALUES, "too few values");

	for (size_t i = 0; g->names.off && i < sizeof(values) / sizeof(values[0]); i++)
		*v++ = values[i];
	v->name = NULL;
	return v;
}
