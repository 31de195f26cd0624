/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running handlers.  Statements are walked with an explicit control stack: each
 * entry says what goes on when the current list ends, so that neither nesting nor
 * recursion of the script uses the C stack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "interp/state.h"
#include "ir/errors.h"

#define MAX_FRAMES	(1u << 30)	/* bytes of locals of all calls under way */

static const struct layout *layout_of(struct interp *in, const struct ir_func *f)
{
	ptrdiff_t i = hmgeti(in->layouts, f);
	struct layout *l;

	if (i >= 0)
		return in->layouts[i].value;
	l = xcalloc(1, sizeof(*l));
	l->offset = xcalloc(arrlenu(f->locals) + 1, sizeof(*l->offset));
	for (size_t k = 0; k < arrlenu(f->locals); k++) {
		l->offset[k] = l->size;
		l->size += f->locals[k].type == IR_STR ? RT_ROUND(f->locals[k].bound) : 8;
	}
	hmput(in->layouts, f, l);
	return l;
}

/* A zeroed frame above the current one; returns its offset. */
static uint32_t frame_new(struct interp *in, const struct layout *l)
{
	uint32_t at = in->frame_end, end = at + l->size;

	if (end > in->frames_cap) {
		while (end > in->frames_cap)
			in->frames_cap = in->frames_cap ? in->frames_cap * 2 : 4096;
		in->frames = xrealloc(in->frames, in->frames_cap);
	}
	if (l->size)
		memset(in->frames + at, 0, l->size);
	in->frame_end = end;
	return at;
}

/* Stores the value of the string stack's offset `at` in a local, cut to its bound. */
static void store_str(struct interp *in, uint32_t local, uint32_t at)
{
	const char *s = interp_at(in, at);
	size_t n = strlen(s), bound = in->func->locals[local].bound;
	char *to = interp_local(in, local);

	if (n >= bound) {
		n = bound - 1;
		in->stats.truncated++;
	}
	memcpy(to, s, n);
	to[n] = 0;
}

static void store_int(struct interp *in, uint32_t local, int64_t v)
{
	memcpy(interp_local(in, local), &v, sizeof(v));
}

static void ctl_push(struct interp *in, enum ctl_kind kind, const struct ir_stmt *s)
{
	struct ctl c = { .kind = kind, .stmt = s };

	arrput(in->ctl, c);
}

static void ctl_pop(struct interp *in)
{
	struct ctl c = arrpop(in->ctl);

	interp_walk_end(in, c.walk);
	if (c.kind == CTL_CALL) {
		in->frame_end = in->frame;
		in->frame = c.frame;
		in->func = c.func;
		in->depth = c.depth;
		in->layout = layout_of(in, c.func);
	}
}

/* Enters the function: its arguments are evaluated in the caller's frame. */
static const struct ir_stmt *begin_call(struct interp *in, const struct ir_stmt *s)
{
	const struct ir_expr *e = s->expr;
	const struct ir_func *callee = in->m->funcs[e->sym], *caller = in->func;
	const struct layout *l = layout_of(in, callee), *old = in->layout;
	uint32_t frame, outer = in->frame;
	struct ctl c = { .kind = CTL_CALL, .stmt = s, .func = caller, .frame = in->frame,
			 .depth = in->depth };

	if ((callee->recursive && in->depth >= in->p->limits.maxnesting) ||
	    l->size > MAX_FRAMES - in->frame_end) {
		interp_fail(in, WERR_MAXNESTING, 0, e);
		return NULL;
	}
	frame = frame_new(in, l);
	for (uint32_t i = 0; i < e->nargs; i++) {
		uint32_t mark = in->top, at = 0;
		int64_t v = 0;

		if (callee->locals[i].type == IR_STR)
			at = interp_str(in, e->args[i]);
		else
			v = interp_int(in, e->args[i]);
		in->frame = frame;
		in->func = callee;
		in->layout = l;
		if (callee->locals[i].type == IR_STR)
			store_str(in, i, at);
		else
			store_int(in, i, v);
		in->frame = outer;
		in->func = caller;
		in->layout = old;
		in->top = mark;
	}
	if (in->err.code != WERR_NONE) {
		in->frame_end = frame;
		return NULL;
	}
	in->frame = frame;
	in->func = callee;
	in->layout = l;
	in->depth += callee->recursive;
	arrput(in->ctl, c);
	return callee->body;
}

/* Leaves the function or handler; returns the statement to go on with. */
static const struct ir_stmt *do_return(struct interp *in, const struct ir_stmt *s)
{
	const struct ir_stmt *call;
	uint32_t at = 0;
	int64_t v = 0;
	bool is_str = in->func->ret == IR_STR;

	if (s && s->expr && is_str)
		at = interp_str(in, s->expr);
	else if (s && s->expr)
		v = interp_int(in, s->expr);
	else if (is_str)
		at = interp_push_text(in, "", 0, 1);
	if (in->err.code != WERR_NONE)
		return NULL;
	if (is_str && strlen(interp_at(in, at)) >= in->func->ret_bound) {
		interp_at(in, at)[in->func->ret_bound - 1] = 0;
		in->stats.truncated++;
	}
	while (arrlenu(in->ctl) && arrlast(in->ctl).kind != CTL_CALL)
		ctl_pop(in);
	if (!arrlenu(in->ctl))
		return NULL;
	call = arrlast(in->ctl).stmt;
	ctl_pop(in);
	if (call->kind == IR_S_SET && is_str)
		store_str(in, call->sym, at);
	else if (call->kind == IR_S_SET)
		store_int(in, call->sym, v);
	return call->next;
}

static const struct ir_stmt *do_value(struct interp *in, const struct ir_stmt *s)
{
	const struct ir_expr *e = s->expr;
	bool effect = ir_op_table[e->op].flags & IRF_EFFECT;
	uint32_t at = 0;
	int64_t v = 0;

	if (e->op == IR_CALL)
		return begin_call(in, s);
	if (e->type == IR_STR)
		at = effect ? interp_effect_str(in, e) : interp_str(in, e);
	else
		v = effect ? interp_effect(in, e) : interp_int(in, e);
	if (in->err.code != WERR_NONE)
		return NULL;
	if (s->kind == IR_S_SET && e->type == IR_STR)
		store_str(in, s->sym, at);
	else if (s->kind == IR_S_SET)
		store_int(in, s->sym, v);
	return s->next;
}

/* break and continue: drops what lies above the innermost loop. */
static const struct ir_stmt *do_jump(struct interp *in, bool leave)
{
	struct ctl *top;

	while (arrlast(in->ctl).kind != CTL_LOOP && arrlast(in->ctl).kind != CTL_FOREACH)
		ctl_pop(in);
	if (leave) {
		const struct ir_stmt *next = arrlast(in->ctl).stmt->next;

		ctl_pop(in);
		return next;
	}
	top = &arrlast(in->ctl);
	top->stepping = false;
	return NULL;
}

static const struct ir_stmt *execute(struct interp *in, const struct ir_stmt *s)
{
	struct ir_expr at;

	in->top = 0;
	switch (s->kind) {
	case IR_S_SET:
	case IR_S_EVAL:
		return do_value(in, s);
	case IR_S_IF: {
		int64_t c = interp_int(in, s->expr);

		if (in->err.code != WERR_NONE)
			return NULL;
		ctl_push(in, CTL_BLOCK, s);
		return c ? s->body : s->orelse;
	}
	case IR_S_LOOP:
		ctl_push(in, CTL_LOOP, s);
		return s->body;
	case IR_S_FOREACH:
		ctl_push(in, CTL_FOREACH, s);
		arrlast(in->ctl).walk = interp_walk_begin(in, s->foreach);
		return NULL;
	case IR_S_BREAK:
	case IR_S_CONTINUE:
		return do_jump(in, s->kind == IR_S_BREAK);
	case IR_S_RETURN:
		return do_return(in, s);
	case IR_S_TRY:
		ctl_push(in, CTL_TRY, s);
		return s->body;
	case IR_S_ACTION:
		if (in->count_actions) {
			in->actions -= s->imm;
			at.at = s->at;
			if (in->actions < 0)
				interp_fail(in, WERR_MAXACTION, 0, &at);
		}
		return s->next;
	}
	return NULL;
}

/* The current list has ended: what goes on?  NULL with an empty stack: nothing. */
static const struct ir_stmt *resume(struct interp *in)
{
	while (arrlenu(in->ctl)) {
		struct ctl *c = &arrlast(in->ctl);
		const struct ir_stmt *s = c->stmt;

		switch (c->kind) {
		case CTL_LOOP:
			c->stepping = !c->stepping;
			s = c->stepping ? s->orelse : s->body;
			if (s)
				return s;
			if (!c->stmt->body && !c->stmt->orelse)
				ctl_pop(in);	/* nothing could ever end it */
			break;
		case CTL_FOREACH:
			if (interp_walk_next(in, s->foreach, c->walk)) {
				if (s->body)
					return s->body;
				break;
			}
			ctl_pop(in);
			if (s->next)
				return s->next;
			break;
		case CTL_BLOCK:
		case CTL_TRY:
			ctl_pop(in);
			if (s->next)
				return s->next;
			break;
		case CTL_CALL:
			s = do_return(in, NULL);
			if (s || in->err.code != WERR_NONE)
				return s;
			break;
		}
	}
	return NULL;
}

/* Unwinds to the innermost try; its catch block, or NULL if there is none (*caught false). */
static const struct ir_stmt *catch_error(struct interp *in, bool *caught)
{
	char msg[1024];

	*caught = false;
	while (arrlenu(in->ctl)) {
		struct ctl c = arrlast(in->ctl);

		ctl_pop(in);
		if (c.kind != CTL_TRY || in->err.code >= WERR_GIVEN_UP)
			continue;
		*caught = true;
		ir_error_message(msg, sizeof(msg), in->m, in->err.code, in->err.arg, in->err.text);
		in->err.code = WERR_NONE;
		in->top = 0;
		if (c.stmt->has_sym)
			store_str(in, c.stmt->sym,
				  interp_push_text(in, msg, strlen(msg), in->m->maxstr));
		ctl_push(in, CTL_BLOCK, c.stmt);
		return c.stmt->orelse;
	}
	return NULL;
}

static void run_body(struct interp *in, const struct ir_func *f)
{
	const struct ir_stmt *s = f->body;

	in->func = f;
	in->layout = layout_of(in, f);
	in->frame_end = 0;
	in->frame = frame_new(in, in->layout);
	in->depth = 0;
	for (;;) {
		bool caught;

		s = s ? execute(in, s) : resume(in);
		if (in->err.code != WERR_NONE) {
			s = catch_error(in, &caught);
			if (!caught)
				return;
		}
		if (!s && !arrlenu(in->ctl))
			return;
	}
}

static void reset_run(struct interp *in)
{
	free(in->err.text);
	memset(&in->err, 0, sizeof(in->err));
	free(in->match_text);
	free(in->token_text);
	in->match_text = in->token_text = NULL;
	in->match_regex = UINT32_MAX;
	in->match_ok = false;
	in->token_pos = -1;
	in->out.len = 0;
	arrsetlen(in->named, 0);
	in->top = 0;
}

static void unlock_below(struct interp *in, const uint8_t *locks, size_t n)
{
	while (n-- > 0)
		if (locks[n] != IR_LOCK_NONE)
			in->store->ops->unlock(in->store, (uint32_t)n, locks[n]);
}

static bool lock_all(struct interp *in, const uint8_t *locks, size_t n)
{
	for (size_t g = 0; locks && g < n; g++)
		if (locks[g] != IR_LOCK_NONE &&
		    in->store->ops->lock(in->store, (uint32_t)g, locks[g])) {
			unlock_below(in, locks, g);
			return false;
		}
	return true;
}

static void finish_run(struct interp *in)
{
	const struct interp_env *env = in->env;
	char line[2048];

	interp_flush(in);
	if (in->err.code == WERR_NONE || in->err.code >= WERR_GIVEN_UP)
		return;
	ir_error_line(line, sizeof(line), in->m, in->err.code, in->err.arg, in->err.text, &in->err.at);
	if (env->error)
		env->error(env->ctx, line);
	else
		fprintf(stderr, "ERROR: %s\n", line);
}

static enum interp_status run(struct interp *in, const struct ir_func *f, uint32_t point, int64_t actions)
{
	size_t nglobals = arrlenu(in->m->globals);

	if (!lock_all(in, f->locks, nglobals))
		return INTERP_SKIPPED;
	reset_run(in);
	in->point = point;
	in->actions = actions;
	in->count_actions = !in->p->limits.suppress_time_limits;
	run_body(in, f);
	while (arrlenu(in->ctl))
		ctl_pop(in);
	if (f->locks)
		unlock_below(in, f->locks, nglobals);
	finish_run(in);
	switch (in->err.code) {
	case WERR_NONE: case WERR_ABORT:
		return INTERP_OK;
	case WERR_GIVEN_UP:
		return INTERP_GIVEN_UP;
	default:
		return INTERP_ERROR;
	}
}

enum interp_status interp_run_point(struct interp *in, uint32_t point)
{
	const struct prog_point *pt = &in->p->points[point];
	const struct prog_limits *l = &in->p->limits;
	bool alone = pt->kind == POINT_BEGIN || pt->kind == POINT_END || pt->kind == POINT_ERROR;

	return run(in, in->p->handlers[pt->handler].body, point,
		   alone ? l->maxaction_interruptible : l->maxaction);
}

enum interp_status interp_run_start(struct interp *in, uint32_t point)
{
	const struct prog_point *pt = &in->p->points[point];

	return run(in, in->p->handlers[pt->start_handler].body, point, in->p->limits.maxaction);
}

const struct interp_stats *interp_get_stats(const struct interp *in)
{
	return &in->stats;
}

struct interp *interp_create(const struct program *p, struct ir_store *store,
			     const struct interp_env *env)
{
	struct interp *in = xcalloc(1, sizeof(*in));

	in->mem = xcalloc(1, sizeof(*in->mem));
	in->p = p;
	in->m = p->ir;
	in->store = store;
	in->env = env;
	reset_run(in);
	return in;
}

void interp_destroy(struct interp *in)
{
	if (!in)
		return;
	reset_run(in);
	for (ptrdiff_t i = 0; i < hmlen(in->layouts); i++) {
		free(in->layouts[i].value->offset);
		free(in->layouts[i].value);
	}
	hmfree(in->layouts);
	arrfree(in->ctl);
	out_buf_free(&in->out);
	arrfree(in->named);
	free(in->frames);
	free(in->mem);
	free(in);
}
