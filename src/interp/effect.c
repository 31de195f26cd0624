/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that change something: globals, output, the session. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "interp/state.h"

#define FEW_ARGS 32	/* of a print, that need no allocation */

void interp_format(struct interp *in, const struct ir_expr *e, struct out_buf *b)
{
	struct out_arg few[FEW_ARGS], *args = e->nargs > FEW_ARGS ? xcalloc(e->nargs, sizeof(*args)) : few;

	for (uint32_t i = 0; i < e->nargs; i++) {
		args[i] = (struct out_arg){ 0 };
		if (e->args[i]->type == IR_STR)
			args[i].i = interp_str(in, e->args[i]);	/* where it is, until all are made */
		else
			args[i].i = interp_int(in, e->args[i]);
	}
	for (uint32_t i = 0; i < e->nargs; i++)
		if (e->args[i]->type == IR_STR) {
			args[i].s = interp_at(in, (uint32_t)args[i].i);
			args[i].len = (uint32_t)strlen(args[i].s);
		}
	if (in->err.code == WERR_NONE)
		out_format(b, in->m->formats[e->sym], args, e->nargs, &in->env->defer);
	if (args != few)
		free(args);
}

static int64_t global_effect(struct interp *in, const struct ir_expr *e)
{
	const struct ir_store_ops *ops = in->store->ops;
	struct ir_val keys[IR_MAX_KEYS], v = { 0 };
	const struct ir_val *k = e->op == IR_ACLEAR ? NULL : interp_keys(in, e, keys);
	const struct ir_expr *last = e->nargs ? e->args[e->nargs - 1] : NULL;
	int64_t old = 0;
	int rc = 0;

	if (last && e->op != IR_ADEL) {
		if (last->type == IR_STR)
			v.s = interp_at(in, interp_str(in, last));
		else
			v.i = interp_int(in, last);
	}
	if (in->err.code != WERR_NONE)
		return 0;
	switch (e->op) {
	case IR_GSTORE:
	case IR_ASTORE:
		rc = ops->set(in->store, e->sym, k, &v);
		break;
	case IR_GADD:
	case IR_AADD:
		rc = ops->add(in->store, e->sym, k, v.i, &old);
		break;
	case IR_ADEL:
		ops->del(in->store, e->sym, k);
		break;
	case IR_ACLEAR:
		ops->clear(in->store, e->sym);
		break;
	default:
		rc = ops->stat_add(in->store, e->sym, k, v.i);
		break;
	}
	if (rc)
		interp_fail(in, rc == -ENOSPC ? WERR_OVERFLOW : WERR_GIVEN_UP, e->sym, e);
	return old;
}

static void print_hist(struct interp *in, const struct ir_expr *e)
{
	const struct ir_global *g = in->m->globals[e->sym];
	struct wire_stat *st = xmalloc(ir_stat_size(g));
	struct ir_val keys[IR_MAX_KEYS];
	const struct ir_val *k = interp_keys(in, e, keys);

	in->store->ops->stat_get(in->store, e->sym, k, st);
	if (!st->count)
		interp_fail(in, WERR_EMPTY_AGG, 0, e);
	else if (in->err.code == WERR_NONE)
		out_hist(&in->out, g, st);
	free(st);
}

static void raise_user(struct interp *in, const char *text)
{
	static const struct ir_expr nowhere;

	interp_fail(in, WERR_USER, 0, &nowhere);
	free(in->err.text);
	in->err.text = xstrdup(text);
}

static void print_syms(struct interp *in, const char *addrs, int64_t imm)
{
	struct interp_named named = { .at = in->out.len, .imm = imm };

	if (!in->env->print_syms)
		return;
	out_buf_add(&in->out, addrs, strlen(addrs) + 1);
	arrput(in->named, named);
}

static void name_addresses(struct interp *in)
{
	struct out_buf b = { 0 };
	size_t done = 0;

	for (size_t i = 0; i < arrlenu(in->named); i++) {
		const struct interp_named *n = &in->named[i];
		const char *addrs = in->out.p + n->at;

		out_buf_add(&b, in->out.p + done, n->at - done);
		in->env->print_syms(in->env->ctx, addrs, n->imm, &b);
		done = n->at + strlen(addrs) + 1;
	}
	out_buf_add(&b, in->out.p + done, in->out.len - done);
	out_buf_free(&in->out);
	in->out = b;
	arrsetlen(in->named, 0);
}

void interp_flush(struct interp *in)
{
	if (arrlenu(in->named))
		name_addresses(in);
	if (in->out.len && in->env->write)
		in->env->write(in->env->ctx, in->out.p, in->out.len);
	in->out.len = 0;
}

static void text_effect(struct interp *in, const struct ir_expr *e)
{
	const struct interp_env *env = in->env;
	const char *s = interp_at(in, interp_text(in, e->args[0]));

	if (in->err.code != WERR_NONE)
		return;
	switch (e->op) {
	case IR_LOG:
		out_buf_str(&in->out, s);
		out_buf_pad(&in->out, '\n', 1);
		break;
	case IR_WARN:
		interp_flush(in);	/* it stands before what follows */
		if (env->warn)
			env->warn(env->ctx, s);
		else
			fprintf(stderr, "WARNING: %s\n", s);
		break;
	case IR_ERROR:
		raise_user(in, s);
		break;
	case IR_SYSTEM:
		interp_flush(in);	/* it stands before what follows */
		if (env->service)
			env->service(env->ctx, e->imm, s);
		break;
	case IR_VALUE_SET:
		if (env->value_set)
			env->value_set(env->ctx, s, e->imm);
		break;
	default:	/* PRINT_SYMS */
		print_syms(in, s, e->imm);
	}
}

static void busy_wait(int64_t ns)
{
	struct timespec t;
	int64_t now, until = INT64_MIN;

	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
		if (until == INT64_MIN)
			until = now + (ns > 0 && ns < 200000000 ? ns : ns > 0 ? 200000000 : 0);
	} while (now < until);
}

int64_t interp_effect(struct interp *in, const struct ir_expr *e)
{
	const struct interp_env *env = in->env;

	switch (e->op) {
	case IR_GSTORE: case IR_GADD: case IR_ASTORE: case IR_AADD: case IR_ADEL: case IR_ACLEAR:
	case IR_STAT_ADD:
		return global_effect(in, e);
	case IR_PRINTF:
		interp_format(in, e, &in->out);
		break;
	case IR_PRINT_HIST:
		print_hist(in, e);
		break;
	case IR_WARN: case IR_LOG: case IR_ERROR: case IR_SYSTEM: case IR_PRINT_SYMS:
	case IR_VALUE_SET:
		text_effect(in, e);
		break;
	case IR_EXIT:
		if (env->exit)
			env->exit(env->ctx);
		break;
	case IR_DELAY:
		busy_wait(interp_int(in, e->args[0]));
		break;
	case IR_ABORT:
		interp_fail(in, WERR_ABORT, 0, e);
		break;
	case IR_USTORE: case IR_REGSTORE: case IR_SEND_SIGNAL:
		for (uint32_t i = 0; i < e->nargs; i++)
			interp_int(in, e->args[i]);
		interp_fail(in, e->op == IR_USTORE ? WERR_WRITE_REFUSED : WERR_NO_CONTEXT, 0, e);
		break;
	case IR_TOKENIZE:
		interp_tokenize(in, e);
		break;
	case IR_PRINT_UBT: case IR_PRINT_UBT_AT: case IR_PRINT_KBT:
		for (uint32_t i = 0; i < e->nargs; i++)
			interp_int(in, e->args[i]);
		out_buf_printf(&in->out, OUT_NO_BACKTRACE, e->op == IR_PRINT_KBT ? "kernel" : "user",
			       interp_point_name(in));
		break;
	default:
		break;
	}
	return 0;
}

uint32_t interp_effect_str(struct interp *in, const struct ir_expr *e)
{
	if (e->op == IR_TOKENIZE)
		return interp_tokenize(in, e);
	return interp_push_text(in, "", 0, 1);
}
