/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One handler's program: what surrounds the body (slot, locks, output, counters). */
#include "bpf/gen.h"

#include <linux/netfilter.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/engine.h"
#include "bpf/kernel.h"
#include "ir/traverse.h"

static void count_print(void *ctx, struct ir_expr **e)
{
	struct gen *g = ctx;

	switch ((*e)->op) {
	case IR_PRINTF: case IR_WARN: case IR_LOG: case IR_EXIT: case IR_SYSTEM:
	case IR_PRINT_HIST: case IR_PRINT_UBT: case IR_PRINT_UBT_AT: case IR_PRINT_KBT:
	case IR_PRINT_SYMS:
		g->nprints++;
		break;
	case IR_POINT_STR: case IR_POINT_INT:
		g->uses_cookie = true;
		break;
	case IR_ERROR:
		g->uses_error = true;
		break;
	case IR_ABORT:
		g->uses_abort = true;
		break;
	case IR_ASTORE: case IR_AADD: case IR_STAT_ADD:
		g->uses_insert |= g->m->globals[(*e)->sym]->is_array;
		break;
	case IR_KSTACK_ADDR:
		g->uses_frames = true;
		break;
	case IR_KBACKTRACE:
		g->uses_frames |= !((*e)->imm & ~(int64_t)IR_SYM_NOW);
		break;
	case IR_TOKENIZE:
		g->uses_tokens = true;
		break;
	case IR_NGROUPS: case IR_MATCHED:
		g->uses_groups |= (*e)->op == IR_MATCHED;
		g->uses_matched = true;
		break;
	default:
		break;
	}
}

struct actions {
	int64_t sum;
	bool loops;
};

static void count_action(void *ctx, struct ir_stmt *s)
{
	struct actions *a = ctx;

	if (s->kind == IR_S_ACTION)
		a->sum += s->imm;
	if (s->kind == IR_S_LOOP || s->kind == IR_S_FOREACH)
		a->loops = true;
}

/* What the code as a whole does: prints, cookie, and whether MAXACTION can be exceeded at all. */
static void survey(struct gen *g)
{
	struct actions a = { 0 };
	struct ir_walker w = { .ctx = g, .expr = count_print }, wa = { .ctx = &a, .stmt = count_action };
	bool subs = false;
	uint32_t own;

	ir_walk_list(g->root.f->body, &w);
	ir_walk_list(g->root.f->body, &wa);
	own = g->nprints;
	for (ptrdiff_t i = 0; i < arrlen(g->m->funcs); i++) {
		if (!g->fns[i].wanted)
			continue;
		subs = true;
		ir_walk_list(g->fns[i].f->body, &w);
		ir_walk_list(g->fns[i].f->body, &wa);
	}
	g->first_item = g->slot && own == g->nprints;
	g->uses_cookie |= g->slot;
	g->counts_actions = !g->p->limits.suppress_time_limits &&
			    (a.loops || subs || a.sum > g->p->limits.maxaction);
}

bool gen_own_programs(const struct gen *g)
{
	switch (g->kind) {
	case PROG_TP_BTF: case PROG_FENTRY: case PROG_FEXIT: case PROG_NETFILTER:
		return true;
	case PROG_RAW_TP:
		return !gen_has(g, ENGINE_RAW_TP_COOKIE);
	default:
		return false;
	}
}

bool gen_is_syscall(const struct gen *g)
{
	return g->kind == PROG_SYSCALL || g->kind == PROG_SYSRET;
}

bool gen_saves_call(const struct gen *g)
{
	return !gen_slot_shared(g) || g->guard.counts || gen_has_early(g);
}

/* Where it is in hdr (uses_cookie), anywhere; else only in main. */
void gen_cookie(struct gen *g)
{
	if (g->slot && g->uses_cookie) {
		gen_ld(g, R0, gen_hdr(HDR(cookie)));
		return;
	}
	if (gen_own_programs(g)) {
		if (!g->em.dead)
			arrput(g->cookies, (uint32_t)arrlen(g->em.insns));
		em_movi(&g->em, R0, 0);
		return;
	}
	if (gen_is_syscall(g)) {
		em_ldx(&g->em, BPF_DW, R0, R10, STACK_COOKIE);
		return;
	}
	if (g->by_address) {
		gen_point_at_address(g);
		return;
	}
	em_ldx(&g->em, BPF_DW, R1, R10, STACK_CTX);
	em_helper(&g->em, BPF_FUNC_get_attach_cookie);
}

/* r1 = address of counter `which` of the point in r0; out of range: label */
static void counter_addr(struct gen *g, uint32_t which, em_label out)
{
	em_jcci(&g->em, BPF_JGE, R0, arrlen(g->p->points), out);
	em_alui(&g->em, BPF_MUL, R0, WCNT_COUNT * 8);
	gen_vars(g, R1, g->u->lo.counters + which * 8);
	em_alu(&g->em, BPF_ADD, R1, R0);
}

void gen_count_r0(struct gen *g, uint32_t which)
{
	em_label out = em_new_label(&g->em);

	counter_addr(g, which, out);
	em_movi(&g->em, R2, 1);
	em_atomic(&g->em, BPF_DW, BPF_ADD, R1, 0, R2);
	em_bind(&g->em, out);
}

void gen_count(struct gen *g, uint32_t which)
{
	if (!arrlen(g->p->points))
		return;
	gen_cookie(g);
	gen_count_r0(g, which);
}

/* -t: cycles of this hit, which began at the time `start`, and its extremes */
static void gen_timing(struct gen *g, struct mem start)
{
	static const struct { uint32_t which; int op; } ext[] = {
		{ WCNT_CYCLES_MIN, BPF_JLE }, { WCNT_CYCLES_MAX, BPF_JGE } };
	struct emit *em = &g->em;
	em_label out = em_new_label(em);

	em_helper(em, BPF_FUNC_ktime_get_ns);
	gen_ld(g, R1, start);
	em_alu(em, BPF_SUB, R0, R1);
	em_alui(em, BPF_MUL, R0, kernel_tsc_mhz());
	em_alui(em, BPF_DIV, R0, 1000);
	em_alui(em, BPF_ADD, R0, 1);	/* 0 means: never hit */
	em_mov(em, R8, R0);
	gen_cookie(g);
	counter_addr(g, 0, out);
	em_movi(em, R2, 1);
	em_atomic(em, BPF_DW, BPF_ADD, R1, WCNT_HIT * 8, R2);
	em_mov(em, R2, R8);
	em_atomic(em, BPF_DW, BPF_ADD, R1, WCNT_CYCLES_SUM * 8, R2);
	em_alu(em, BPF_MUL, R2, R8);
	em_atomic(em, BPF_DW, BPF_ADD, R1, WCNT_CYCLES_SQUARES * 8, R2);
	for (int i = 0; i < 2; i++) {
		em_label keep = em_new_label(em), change = em_new_label(em);

		em_ldx(em, BPF_DW, R0, R1, (int)ext[i].which * 8);
		em_jcci(em, BPF_JEQ, R0, 0, change);
		em_jcc(em, ext[i].op, R0, R8, keep);
		em_bind(em, change);
		em_mov(em, R2, R8);
		em_atomic(em, BPF_DW, BPF_CMPXCHG, R1, (int)ext[i].which * 8, R2);
		em_bind(em, keep);
	}
	em_bind(em, out);
}

/* Counts where no slot was taken. */
static void count_without_slot(struct gen *g, uint32_t which)
{
	bool uses_cookie = g->uses_cookie;

	if (g->slot)
		g->uses_cookie = false;
	gen_count(g, which);
	g->uses_cookie = uses_cookie;
}

/* What ends a hit without an error: abort(), and an element that could not be had. */
static void gen_unreported(struct gen *g, em_label done)
{
	struct emit *em = &g->em;
	em_label reported = em_new_label(em);

	if (!g->uses_abort && !g->uses_insert)
		return;
	if (g->slot)
		em_ldx(em, BPF_W, R0, R6, HDR(err_code));
	else
		em_ldx(em, BPF_W, R0, R10, g->stack_err.off);
	if (g->uses_abort)
		em_jcci(em, BPF_JEQ, R0, WERR_ABORT, done);
	if (g->uses_insert) {
		em_jcci(em, BPF_JNE, R0, WERR_GIVEN_UP, reported);
		gen_count(g, WCNT_SKIP_MEMORY);
		em_jmp(em, done);
	}
	em_bind(em, reported);
}

/* Where a program goes on that cannot, or need not, run its handler to the end. */
struct exits {
	em_label out;		/* nothing was taken */
	em_label nested;	/* within another */
	em_label counted;	/* the same, and the depth was taken */
	em_label leave;		/* the depth is to be given back */
	em_label none;		/* no slot is free */
	em_label nolock;	/* the globals cannot be had */
	em_label release;	/* the slot is to be given back */
	em_label err;		/* a soft error */
	em_label done;		/* it was reported */
};

/* Takes what the handler needs, or goes where that cannot be had. */
static void enter_program(struct gen *g, const struct exits *x)
{
	struct emit *em = &g->em;

	em_subprog(em, em_new_label(em), FN_KIND_STATIC);
	em_mov(em, R7, R1);
	if (!gen_is_syscall(g)) {
		em_stx(em, BPF_DW, R10, STACK_CTX, R1);
		gen_guard_active(g, x->out, x->nested);
	} else if (gen_saves_call(g)) {
		em_stx(em, BPF_DW, R10, STACK_COOKIE, R2);
		em_stx(em, BPF_DW, R10, STACK_IA32, R3);
	}
	gen_guard_enter(g, x->nested, x->counted);
	gen_early(g, x->leave);
	if (g->slot)
		gen_slot_take(g, x->none, x->leave);
}

/* Gives back what was taken, and ends the program. */
static void leave_program(struct gen *g, const struct exits *x)
{
	struct emit *em = &g->em;

	em_bind(em, x->release);
	if (g->kind == PROG_NETFILTER)
		gen_ld(g, R8, g->verdict);
	if (g->slot)
		gen_sti(g, gen_hdr(HDR(lock)), 0);
	if (g->kind == PROG_NETFILTER) {
		gen_guard_leave(g);
		em_mov(em, R0, R8);
		em_alui(em, BPF_AND, R0, NF_ACCEPT);	/* what the kernel takes, for its verifier */
		em_exit(em);
	}
	em_bind(em, x->leave);
	gen_guard_leave(g);
	em_bind(em, x->out);
	em_movi(em, R0, g->kind == PROG_NETFILTER ? NF_ACCEPT : 0);
	em_exit(em);
}

/* A hit within another, skipped. */
static void gen_nested(struct gen *g, em_label here, em_label next)
{
	if (!em_used(&g->em, here))
		return;
	em_bind(&g->em, here);
	count_without_slot(g, WCNT_SKIP_NESTED);
	em_jmp(&g->em, next);
}

/* Behind the program: errors are reported, hits that were skipped are counted. */
static void program_failures(struct gen *g, const struct exits *x)
{
	struct emit *em = &g->em;

	em_bind(em, x->err);
	gen_unreported(g, x->done);
	gen_count(g, WCNT_ERROR);
	gen_out_error(g);
	em_jmp(em, x->done);
	em_bind(em, x->nolock);
	gen_count(g, WCNT_SKIP_LOCK);
	em_jmp(em, x->release);
	if (em_used(em, x->none)) {
		em_bind(em, x->none);
		count_without_slot(g, WCNT_SKIP_CONTEXT);
		em_jmp(em, x->leave);
	}
	gen_nested(g, x->nested, x->out);
	gen_nested(g, x->counted, x->leave);
}

static void gen_main(struct gen *g)
{
	struct emit *em = &g->em;
	const struct exits x = {
		.out = em_new_label(em), .nested = em_new_label(em), .counted = em_new_label(em),
		.leave = em_new_label(em), .none = em_new_label(em), .nolock = em_new_label(em),
		.release = em_new_label(em), .err = em_new_label(em), .done = em_new_label(em),
	};
	struct mem start = { 0 };

	enter_program(g, &x);
	if (g->p->timing) {
		start = gen_alloc(g, 8);
		em_helper(em, BPF_FUNC_ktime_get_ns);
		gen_st(g, start, R0);
	}
	if (g->kind == PROG_NETFILTER) {
		g->verdict = gen_alloc(g, 8);
		gen_sti(g, g->verdict, NF_ACCEPT);
	}
	gen_ctx_prologue(g, g->root.f);
	gen_locks_take(g, x.nolock, x.release);
	gen_out_prologue(g);
	gen_region(g, &g->root, x.err);
	g->first_item = false;
	if (em_used(em, x.err))	/* from below */
		em_bind_entry(em, x.done);
	else
		em_bind(em, x.done);
	if (g->slot)
		gen_slot_finish(g);
	gen_locks_release(g);
	if (g->p->timing)
		gen_timing(g, start);
	leave_program(g, &x);
	gen_stubs(g);
	program_failures(g, &x);
}

static void reset(struct gen *g)
{
	struct unit *u = g->u;
	uint32_t handler = g->handler;

	gen_fini(g);
	*g = (struct gen){ .u = u, .p = u->p, .m = u->p->ir, .handler = handler };
	g->kind = g->p->handlers[handler].kind;
	g->sleepable = g->p->handlers[handler].sleepable && gen_has(g, ENGINE_COPY_FROM_USER) &&
		       (g->kind == PROG_UPROBE || g->kind == PROG_URETPROBE);
	g->guard = gen_guard(g);
	g->by_address = u->by_address && u->by_address[handler];
	g->may_goto = gen_has(g, ENGINE_MAY_GOTO);
	g->fns = xcalloc((size_t)arrlen(g->m->funcs) + 1, sizeof(*g->fns));
	g->routine = xcalloc(ROUTINE_COUNT, sizeof(*g->routine));
}

static void link_routines(struct gen *g)
{
	struct routine_value values[UNWIND_VALUES + NAME_VALUES + 3] = {
		{ "bk_cap_mask", ROUTINE_NUMBER, g->u->coll_cap - 1 },
		{ "bk_glue_table", ROUTINE_MAP_DATA, MAP_GLUE },
	};

	gen_name_values(g, gen_unwind_values(g, values + 2));
	routine_link(&g->em, g->u->variant, g->routine, FN_KIND_ROUTINE, values);
}

/* What may be found to be needed only when a handler has been generated without. */
enum need {
	NEED_SLOT = 1,		/* a slot of the processor: memory beyond the stack */
	NEED_FAR = 2,		/* jumps that span more than 16 bits say */
	NEED_TOGETHER = 4,	/* functions that are verified where they are called */
};

static void generate(struct gen *g, unsigned needs)
{
	bool slot = needs & NEED_SLOT;

	reset(g);
	g->together = needs & NEED_TOGETHER;
	em_init(&g->em, needs & NEED_FAR);
	g->em.cur = g->p->handlers[g->handler].body->at;
	g->slot = slot;
	g->top = slot ? SLOT_B + (int)sizeof(struct slot_hdr) : gen_is_syscall(g) ? STACK_IA32 : STACK_COOKIE;
	if (!slot) {
		g->stack_err = gen_alloc(g, 8);
		g->stack_arg = gen_alloc(g, 8);
	} else {
		gen_out_reserve(g);
		g->sysargs = gen_alloc(g, 64);
	}
	gen_fns_scan(g);
	survey(g);
	if (!slot && g->nprints > 1)
		gen_need_slot(g);
	gen_main(g);
	gen_pending(g);
	gen_insert_fns(g);
	gen_stat_fns(g);
	gen_slot_fns(g);
	gen_out_fns(g);
	gen_lock_fns(g);
	if (!g->em.err)
		link_routines(g);
	em_finish(&g->em);
}

static void find_text(void *ctx, struct ir_expr **e)
{
	bool *found = ctx;

	for (uint32_t i = 0; (*e)->op == IR_PRINTF && i < (*e)->nargs; i++)
		*found |= (*e)->args[i]->type == IR_STR;
}

/* Does it print a text?  Then it needs a slot: no use in trying without. */
static bool prints_text(const struct unit *u, uint32_t handler)
{
	bool found = false;
	struct ir_walker w = { .ctx = &found, .expr = find_text };

	ir_walk_list(u->p->handlers[handler].body->body, &w);
	return found;
}

const char *gen_handler(struct gen *g, struct unit *u, uint32_t handler)
{
	*g = (struct gen){ .u = u, .handler = handler, .want_slot = prints_text(u, handler) };
	if (!g->want_slot)
		generate(g, 0);
	if (g->want_slot)
		generate(g, NEED_SLOT);
	if (g->keys_alone && !gen_has(g, ENGINE_MEM_KEY))
		generate(g, NEED_SLOT | NEED_TOGETHER);
	if (g->slot && g->em.need_far)
		generate(g, NEED_SLOT | NEED_FAR | (g->together ? NEED_TOGETHER : 0));
	if (g->slot && (uint32_t)g->top > u->mem_size + SLOT_B)
		u->mem_size = (uint32_t)g->top - SLOT_B;
	if (g->colls > u->coll_size)
		u->coll_size = g->colls;
	return g->em.err;
}

void gen_fini(struct gen *g)
{
	em_fini(&g->em);
	arrfree(g->cookies);
	for (ptrdiff_t i = 0; g->fns && i < arrlen(g->m->funcs); i++)
		arrfree(g->fns[i].locals);
	arrfree(g->root.locals);
	free(g->fns);
	free(g->routine);
	arrfree(g->temps.words);
	arrfree(g->temps.bufs);
	arrfree(g->fn_temps.words);
	arrfree(g->fn_temps.bufs);
	arrfree(g->stubs);
	arrfree(g->make_fn);
	arrfree(g->key_bufs);
	arrfree(g->stat_fn);
	arrfree(g->stat_bufs);
	arrfree(g->pending);
}
