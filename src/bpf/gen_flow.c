/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements and control flow; see gen.h for how loops work. */
#include "bpf/gen.h"

#include "base/ds.h"

uint32_t gen_entry_add(struct gen *g, em_label l)
{
	arrput(g->rg->entries, l);
	return (uint32_t)arrlen(g->rg->entries) - 1;
}

/* A place where the driver's step can begin. */
void gen_entry(struct gen *g, em_label l)
{
	em_bind_entry(&g->em, l);
	if (g->fn->sub)
		gen_frame(g);
}

void gen_goto_entry(struct gen *g, uint32_t entry)
{
	gen_sti(g, gen_hdr(HDR(pc)), (int32_t)entry);
	em_movi(&g->em, R0, 0);
	em_exit(&g->em);
}

struct loop gen_loop_begin(struct gen *g, const struct span *at)
{
	struct loop l = { .head = em_new_label(&g->em) };

	gen_need_slot(g);
	g->first_item = false;
	if (g->em.dead)
		return l;
	if (g->may_goto) {
		em_bind_entry(&g->em, l.head);
		em_may_goto(&g->em, gen_error_label(g, WERR_MAXACTION, at, false));
	} else {
		l.entry = gen_entry_add(g, l.head);
		gen_entry(g, l.head);
	}
	return l;
}

void gen_loop_again(struct gen *g, struct loop l)
{
	if (g->em.dead)
		return;
	if (g->may_goto)
		em_jmp(&g->em, l.head);
	else
		gen_goto_entry(g, l.entry);
}

static void gen_loop(struct gen *g, const struct ir_stmt *s)
{
	em_label brk = g->brk, cont = g->cont;
	struct loop l = gen_loop_begin(g, &s->at);

	g->brk = em_new_label(&g->em);
	g->cont = em_new_label(&g->em);
	gen_stmts(g, s->body);
	em_bind(&g->em, g->cont);
	gen_stmts(g, s->orelse);
	gen_loop_again(g, l);
	em_bind(&g->em, g->brk);
	g->brk = brk;
	g->cont = cont;
}

static void gen_if(struct gen *g, const struct ir_stmt *s)
{
	em_label other = em_new_label(&g->em), done;

	gen_jump_if(g, s->expr, false, other);
	gen_stmts(g, s->body);
	if (s->orelse) {
		done = em_new_label(&g->em);
		em_jmp(&g->em, done);
		em_bind(&g->em, other);
		gen_stmts(g, s->orelse);
		em_bind(&g->em, done);
	} else {
		em_bind(&g->em, other);
	}
}

static void gen_try(struct gen *g, const struct ir_stmt *s)
{
	em_label outer = g->catch, mine = em_new_label(&g->em), done = em_new_label(&g->em);

	gen_need_slot(g);
	g->catch = mine;
	gen_stmts(g, s->body);
	em_jmp(&g->em, done);
	g->catch = outer;
	em_bind(&g->em, mine);
	if (g->uses_abort || g->uses_insert) {
		em_ldx(&g->em, BPF_W, R0, R6, HDR(err_code));
		em_jcci(&g->em, BPF_JGE, R0, WERR_GIVEN_UP, outer);
	}
	if (s->has_sym)
		gen_catch_message(g, (struct sref){ g->fn->locals[s->sym],
						    g->fn->f->locals[s->sym].bound });
	gen_sti(g, gen_hdr(HDR(err_code)), 0);
	gen_stmts(g, s->orelse);
	em_bind(&g->em, done);
}

static bool reads_local(const struct ir_expr *e, uint32_t local)
{
	if (e->op == IR_LOCAL && e->sym == local)
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (reads_local(e->args[i], local))
			return true;
	return false;
}

static void gen_set(struct gen *g, const struct ir_stmt *s)
{
	const struct ir_local *l = &g->fn->f->locals[s->sym];
	struct sref dst = { g->fn->locals[s->sym], l->bound };
	uint32_t mark = gen_buf_mark(g);

	if (l->type == IR_I64) {
		gen_expr(g, s->expr);
		gen_st(g, dst.at, R0);
	} else if (s->expr->op != IR_LOCAL && reads_local(s->expr, s->sym)) {
		struct sref t = gen_buf(g);

		gen_str_to(g, s->expr, t);
		gen_str_copy(g, dst, t);
	} else {
		gen_str_to(g, s->expr, dst);
	}
	gen_buf_release(g, mark);
}

static void gen_action(struct gen *g, const struct ir_stmt *s)
{
	if (!g->counts_actions)
		return;
	gen_need_slot(g);
	gen_ld(g, R0, gen_hdr(HDR(act)));
	em_alui(&g->em, BPF_SUB, R0, s->imm);
	gen_st(g, gen_hdr(HDR(act)), R0);
	em_jcci(&g->em, BPF_JSLT, R0, 0, gen_error_label(g, WERR_MAXACTION, &s->at, false));
}

static void gen_some(struct gen *g, const struct ir_stmt *list, const struct ir_stmt *end)
{
	for (const struct ir_stmt *s = list; s != end && !g->em.err; s = s->next) {
		if (s->at.src)
			g->em.cur = s->at;
		switch (s->kind) {
		case IR_S_SET:
			gen_set(g, s);
			break;
		case IR_S_EVAL:
			if (s->expr->type == IR_STR && s->expr->op == IR_CALL) {
				gen_call_str(g, s->expr, (struct sref){ 0 });
			} else if (s->expr->type == IR_STR) {
				uint32_t mark = gen_buf_mark(g);

				gen_str(g, s->expr);
				gen_buf_release(g, mark);
			} else {
				gen_expr(g, s->expr);
			}
			break;
		case IR_S_IF:
			gen_if(g, s);
			break;
		case IR_S_LOOP:
			gen_loop(g, s);
			break;
		case IR_S_FOREACH:
			gen_foreach(g, s);
			break;
		case IR_S_BREAK:
			em_jmp(&g->em, g->brk);
			break;
		case IR_S_CONTINUE:
			em_jmp(&g->em, g->cont);
			break;
		case IR_S_RETURN:
			gen_return(g, s->expr);
			break;
		case IR_S_TRY:
			gen_try(g, s);
			break;
		case IR_S_ACTION:
			gen_action(g, s);
			break;
		}
	}
}

/* What a chunk of statements returns. */
enum { CHUNK_ON, CHUNK_ERROR, CHUNK_RETURN, CHUNK_BREAK, CHUNK_CONTINUE };

#define CHUNK_WEIGHT	1500	/* statements, each with its share of expressions, verified in one go */

static uint32_t weight_expr(const struct ir_expr *e)
{
	uint32_t n = 1;

	for (uint32_t i = 0; e && i < e->nargs; i++)
		n += weight_expr(e->args[i]);
	return n;
}

static uint32_t weight(const struct ir_stmt *s)
{
	uint32_t n = 1 + weight_expr(s->expr);

	for (const struct ir_stmt *b = s->body; b; b = b->next)
		n += weight(b);
	for (const struct ir_stmt *b = s->orelse; b; b = b->next)
		n += weight(b);
	return n;
}

/* Code that leaves the subprogram in its middle cannot be taken out of it. */
static bool splittable(const struct gen *g)
{
	return g->slot && !g->rg->looped && !g->fn->sub;
}

static void leave_chunk(struct gen *g, em_label l, int code)
{
	if (!em_used(&g->em, l))
		return;
	em_bind(&g->em, l);
	em_movi(&g->em, R0, code);
	em_exit(&g->em);
}

/* Statements of a long list as a function of their own, which the kernel verifies once and alone. */
void gen_chunk_fn(struct gen *g, const struct pending *pd)
{
	struct emit *em = &g->em;
	struct region rg = { 0 };
	em_label given = em_new_label(em);

	g->rg = &rg;
	g->fn = pd->fn;
	em_subprog(em, pd->label, gen_fn_kind(g));
	g->alone = true;
	em_jcci(em, BPF_JNE, R1, 0, given);
	em_movi(em, R0, CHUNK_ERROR);
	em_exit(em);
	em_bind(em, given);
	em_mov(em, R6, R1);
	g->catch = em_new_label(em);
	g->end = em_new_label(em);
	g->brk = em_new_label(em);
	g->cont = em_new_label(em);
	gen_some(g, pd->from, pd->to);
	em_movi(em, R0, CHUNK_ON);
	em_exit(em);
	gen_stubs(g);
	leave_chunk(g, g->catch, CHUNK_ERROR);
	leave_chunk(g, g->end, CHUNK_RETURN);
	leave_chunk(g, g->brk, CHUNK_BREAK);
	leave_chunk(g, g->cont, CHUNK_CONTINUE);
}

static void call_chunk(struct gen *g, const struct ir_stmt *from, const struct ir_stmt *to)
{
	struct pending pd = { .kind = PEND_CHUNK, .label = em_new_label(&g->em), .fn = g->fn,
			      .from = from, .to = to, .alone = true };
	em_label on = em_new_label(&g->em);

	g->first_item = false;
	arrput(g->pending, pd);
	em_mov(&g->em, R1, R6);
	em_call(&g->em, pd.label);
	em_jcci(&g->em, BPF_JEQ, R0, CHUNK_ON, on);
	if (g->brk) {
		em_jcci(&g->em, BPF_JEQ, R0, CHUNK_BREAK, g->brk);
		em_jcci(&g->em, BPF_JEQ, R0, CHUNK_CONTINUE, g->cont);
	}
	em_jcci(&g->em, BPF_JEQ, R0, CHUNK_RETURN, g->end);
	em_jmp(&g->em, g->catch);
	em_bind(&g->em, on);
}

void gen_stmts(struct gen *g, const struct ir_stmt *list)
{
	const struct ir_stmt *from = list;
	uint32_t sum = 0, total = 0;

	for (const struct ir_stmt *s = list; s && splittable(g); s = s->next)
		total += weight(s);
	if (total <= CHUNK_WEIGHT) {
		gen_some(g, list, NULL);
		return;
	}
	for (const struct ir_stmt *s = list; s; s = s->next) {
		sum += weight(s);
		if (sum < CHUNK_WEIGHT && s->next)
			continue;
		/* a single heavy statement splits itself further in */
		if (from == s)
			gen_some(g, from, s->next);
		else
			call_chunk(g, from, s->next);
		from = s->next;
		sum = 0;
	}
}
