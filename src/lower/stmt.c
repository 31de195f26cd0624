/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements.  Each straight run of statements starts with one IR_S_ACTION that
 * counts them against MAXACTION.
 */
#include "lower/parts.h"

/* Counts one more statement in the current straight run. */
static void count_action(struct lower *L, const struct span *at)
{
	if (!L->actions) {
		L->actions = ir_stmt_new(L->mod->ir, IR_S_ACTION, at);
		lower_emit(L, L->actions);
	}
	L->actions->imm++;
}

void lower_body(struct lower *L, const struct ast_stmt *s, struct ir_stmt **list)
{
	struct ir_stmt **saved = lower_into(L, list);

	L->actions = NULL;
	lower_stmt(L, s);
	L->actions = NULL;
	lower_into_end(L, saved);
}

static void lower_if_stmt(struct lower *L, const struct ast_stmt *s)
{
	struct ir_stmt *branch = lower_if(L, lower_expr(L, s->if_.cond), &s->at);

	lower_body(L, s->if_.yes, &branch->body);
	if (s->if_.no)
		lower_body(L, s->if_.no, &branch->orelse);
}

/* while and for: LOOP { if (!cond) break; body } step */
static void lower_loop(struct lower *L, const struct ast_stmt *s)
{
	struct ir_module *m = L->mod->ir;
	struct ir_stmt *loop, *leave, **saved;
	struct ir_expr *cond;

	if (s->kind == STMT_FOR && s->loop.init)
		lower_expr_void(L, s->loop.init);
	loop = ir_stmt_new(m, IR_S_LOOP, &s->at);
	lower_emit(L, loop);
	saved = lower_into(L, &loop->body);
	L->actions = NULL;
	count_action(L, &s->at);
	cond = lower_expr(L, s->loop.cond);
	if (cond->op != IR_CONST || cond->imm == 0) {
		leave = lower_if(L, lower_op1(L, IR_LNOT, cond, &s->at), &s->at);
		leave->body = ir_stmt_new(m, IR_S_BREAK, &s->at);
	}
	lower_into_end(L, saved);
	L->loops++;
	lower_body(L, s->loop.body, &loop->body);
	L->loops--;
	if (s->kind == STMT_FOR && s->loop.step) {
		saved = lower_into(L, &loop->orelse);
		lower_expr_void(L, s->loop.step);
		lower_into_end(L, saved);
	}
}

static void lower_return(struct lower *L, const struct ast_stmt *s)
{
	struct ir_expr *value = s->expr ? lower_expr(L, s->expr) : NULL;
	struct ir_stmt *r = ir_stmt_new(L->mod->ir, IR_S_RETURN, &s->at);

	r->expr = L->func->ret == IR_VOID ? NULL : value;
	lower_emit(L, r);
}

static void lower_delete(struct lower *L, const struct ast_stmt *s)
{
	struct lower_place p;

	if (s->expr->kind == EXPR_SYMBOL && !s->expr->symbol.referent->is_global) {
		uint32_t local = lower_var(L, s->expr->symbol.referent);
		struct ir_expr *zero = L->func->locals[local].type == IR_STR
					       ? ir_str(L->mod->ir, "", &s->at)
					       : ir_const(L->mod->ir, 0, &s->at);

		lower_set(L, local, zero, &s->at);
		return;
	}
	if (s->expr->kind == EXPR_INDEX && lower_has_wildcard(s->expr)) {
		lower_delete_slice(L, s->expr);
		return;
	}
	lower_place(L, s->expr, &p);
	lower_eval(L, lower_place_op(L, p.nkeys ? IR_ADEL : IR_ACLEAR, &p, NULL, &s->at));
}

static void lower_try_stmt(struct lower *L, const struct ast_stmt *s)
{
	struct ir_stmt *t = lower_try(L, &s->at), **saved;
	const struct ast_expr *error = s->try_.error;

	lower_body(L, s->try_.body, &t->body);
	if (error) {
		bool global = error->symbol.referent->is_global;

		t->has_sym = true;
		t->sym = global ? lower_new_local(L, "error", IR_STR, L->mod->maxstr)
				: lower_var(L, error->symbol.referent);
		if (global) {
			saved = lower_into(L, &t->orelse);
			lower_store_var(L, error, lower_local(L, t->sym, &error->at));
			lower_into_end(L, saved);
		}
	}
	if (s->try_.handler)
		lower_body(L, s->try_.handler, &t->orelse);
}

static void lower_next(struct lower *L, const struct ast_stmt *s)
{
	if (L->fn)
		lower_next_overload(L, &s->at);
	else
		lower_emit(L, ir_stmt_new(L->mod->ir, IR_S_RETURN, &s->at));
}

static void lower_leave_round(struct lower *L, const struct ast_stmt *s, enum ir_stmt_kind kind, const char *word)
{
	if (L->loops) {
		lower_emit(L, ir_stmt_new(L->mod->ir, kind, &s->at));
		return;
	}
	diag_error(L->mod->diag, "outside-loop", &s->at, "cannot '%s' outside loop", word);
	L->failed = true;
}

static void lower_control(struct lower *L, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_IF:
		lower_if_stmt(L, s);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		lower_loop(L, s);
		break;
	case STMT_FOREACH:
		lower_foreach(L, s);
		break;
	case STMT_TRY:
		lower_try_stmt(L, s);
		break;
	case STMT_NEXT:
		lower_next(L, s);
		break;
	case STMT_BREAK:
		lower_leave_round(L, s, IR_S_BREAK, "break");
		break;
	case STMT_CONTINUE:
		lower_leave_round(L, s, IR_S_CONTINUE, "continue");
		break;
	default:
		lower_return(L, s);
		break;
	}
	L->actions = NULL;
}

void lower_stmt(struct lower *L, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_BLOCK:
		for (size_t i = 0; i < s->block.nstmts; i++)
			lower_stmt(L, s->block.stmts[i]);
		break;
	case STMT_EMPTY:
		break;
	case STMT_EXPR:
		count_action(L, &s->at);
		lower_expr_void(L, s->expr);
		break;
	case STMT_DELETE:
		count_action(L, &s->at);
		lower_delete(L, s);
		break;
	case STMT_EMBEDDED:
		diag_error(L->mod->diag, "embedded-code", &s->at,
			   "embedded C code cannot be run without a kernel module");
		L->failed = true;
		break;
	default:
		count_action(L, &s->at);
		lower_control(L, s);
		break;
	}
}
