/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Canonical form: expressions.  Operands of operators stand in parentheses,
 * so precedence never matters.
 */
#include <inttypes.h>

#include "lang/print.h"

/* A string as a literal, with quotes and escapes. */
static void ast_print_string(FILE *out, const char *s)
{
	static const char letters[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";

	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c >= '\a' && c <= '\r') {
			fprintf(out, "\\%c", names[c - '\a']);
			_Static_assert(sizeof(letters) == sizeof(names), "one name a letter");
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(out, "\\%03o", c);
		} else {
			fputc(c, out);
		}
	}
	fputc('"', out);
}

static void put_operand(FILE *out, const struct ast_expr *e)
{
	fputc('(', out);
	ast_print_expr(out, e);
	fputc(')', out);
}

/* A list with `*` for missing entries. */
static void put_list(FILE *out, struct ast_expr *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputs(", ", out);
		if (v[i])
			ast_print_expr(out, v[i]);
		else
			fputc('*', out);
	}
}

/* A key in front of `in`, where loose operators need parentheses. */
static void put_in_keys(FILE *out, const struct ast_expr *e)
{
	fputc('[', out);
	for (size_t i = 0; i < e->index.nkeys; i++) {
		const struct ast_expr *key = e->index.keys[i];

		if (i)
			fputs(", ", out);
		if (!key)
			fputc('*', out);
		else if (key->kind == EXPR_BINARY || key->kind == EXPR_LOGICAL ||
			 key->kind == EXPR_TERNARY || key->kind == EXPR_ASSIGN ||
			 key->kind == EXPR_IN)
			put_operand(out, key);
		else
			ast_print_expr(out, key);
	}
	fputs("] in ", out);
	ast_print_expr(out, e->index.base);
}

static void put_accesses(FILE *out, const struct ast_target *t)
{
	for (size_t i = 0; i < t->naccesses; i++) {
		const struct ast_access *a = &t->accesses[i];

		switch (a->kind) {
		case ACCESS_MEMBER:
		case ACCESS_PRETTY:
			fprintf(out, "->%s", a->member);
			break;
		case ACCESS_LITERAL:
			fprintf(out, "[%" PRIu64 "]", (uint64_t)a->number);
			break;
		case ACCESS_INDEX:
			fputc('[', out);
			ast_print_expr(out, a->index);
			fputc(']', out);
			break;
		}
	}
}

static void put_module(FILE *out, const char *module)
{
	if (module && *module) {
		fputs(", ", out);
		ast_print_string(out, module);
	}
	fputc(')', out);
}

static void put_target(FILE *out, const struct ast_expr *e)
{
	const struct ast_target *t = e->target;

	if (t->addressof)
		fputc('&', out);
	switch (e->kind) {
	case EXPR_CAST:
		fputs("@cast(", out);
		ast_print_expr(out, t->operand);
		fputs(", ", out);
		ast_print_string(out, t->type_name);
		put_module(out, t->module);
		break;
	case EXPR_ATVAR:
		fputs("@var(", out);
		ast_print_string(out, t->full);
		put_module(out, t->module);
		break;
	case EXPR_AUTOCAST:
		put_operand(out, t->operand);
		break;
	default:
		fputs(t->name, out);
		break;
	}
	put_accesses(out, t);
}

static void put_named(FILE *out, const struct ast_expr *e)
{
	const char *name = e->kind == EXPR_PERF ? "perf" : e->kind == EXPR_CONST ? "const" : "enum";

	fprintf(out, "@%s(", name);
	ast_print_string(out, e->name.text);
	put_module(out, e->name.module);
}

static void put_wrap(FILE *out, const char *name, const struct ast_expr *operand)
{
	fprintf(out, "%s(", name);
	ast_print_expr(out, operand);
	fputc(')', out);
}

static void put_raw(FILE *out, const struct ast_expr *e)
{
	fprintf(out, "@%c%s(%" PRId64, e->raw.user ? 'u' : 'k',
		e->kind == EXPR_REGISTER ? "register" : "deref", e->raw.number);
	if (e->raw.address) {
		fputs(", ", out);
		ast_print_expr(out, e->raw.address);
	}
	fputc(')', out);
}

static void put_hist(FILE *out, const struct ast_expr *e)
{
	fputs(e->hist.kind == HIST_LOG ? "@hist_log(" : "@hist_linear(", out);
	ast_print_expr(out, e->hist.stat);
	if (e->hist.kind == HIST_LINEAR)
		fprintf(out, ", %" PRId64 ", %" PRId64 ", %" PRId64, e->hist.low, e->hist.high,
			e->hist.width);
	fputc(')', out);
}

static void put_stat(FILE *out, const struct ast_expr *e)
{
	fprintf(out, "%s(", ast_stat_text(e->stat.fn));
	ast_print_expr(out, e->stat.stat);
	if (e->stat.has_param)
		fprintf(out, ", %" PRId64, e->stat.param);
	fputc(')', out);
}

static void put_print(FILE *out, const struct ast_print *p)
{
	fprintf(out, "%s(", p->name);
	if (p->with_format)
		ast_print_string(out, p->raw_format);
	if (p->with_delim)
		ast_print_string(out, p->delim);
	if (p->hist)
		put_hist(out, p->hist);
	if ((p->with_format || p->with_delim) && p->nargs)
		fputs(", ", out);
	put_list(out, p->args, p->nargs);
	fputc(')', out);
}

static void put_binary(FILE *out, const struct ast_expr *e)
{
	put_operand(out, e->binary.left);
	fprintf(out, " %s", ast_op_text(e->op));
	if (e->kind == EXPR_ASSIGN && e->op != OP_AGGREGATE)
		fputc('=', out);
	fputc(' ', out);
	if (e->kind == EXPR_REGEX)
		ast_print_expr(out, e->binary.right);
	else
		put_operand(out, e->binary.right);
}

static void put_ternary(FILE *out, const struct ast_expr *e)
{
	put_operand(out, e->ternary.cond);
	fputc('?', out);
	put_operand(out, e->ternary.yes);
	fputc(':', out);
	put_operand(out, e->ternary.no);
}

static void put_operator(FILE *out, const struct ast_expr *e)
{
	switch (e->kind) {
	case EXPR_UNARY:
	case EXPR_PREFIX:
		fputs(ast_op_text(e->op), out);
		put_operand(out, e->unary.operand);
		break;
	case EXPR_POSTFIX:
		put_operand(out, e->unary.operand);
		fputs(ast_op_text(e->op), out);
		break;
	case EXPR_IN:
		put_in_keys(out, e);
		break;
	case EXPR_TERNARY:
		put_ternary(out, e);
		break;
	default:
		put_binary(out, e);
		break;
	}
}

void ast_print_expr(FILE *out, const struct ast_expr *e)
{
	switch (e->kind) {
	case EXPR_NUMBER:
		fprintf(out, "%" PRIu64, (uint64_t)e->number);
		break;
	case EXPR_STRING:
		ast_print_string(out, e->string);
		break;
	case EXPR_EMBEDDED:
		fprintf(out, "%%{%s%%}", e->embedded->text);
		break;
	case EXPR_SYMBOL:
		fputs(e->symbol.name, out);
		break;
	case EXPR_INDEX:
		ast_print_expr(out, e->index.base);
		fputc('[', out);
		put_list(out, e->index.keys, e->index.nkeys);
		fputc(']', out);
		break;
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		put_target(out, e);
		break;
	case EXPR_DEFINED:
		put_wrap(out, "@defined", e->wrap.operand);
		break;
	case EXPR_ENTRY:
		put_wrap(out, "@entry", e->wrap.operand);
		break;
	case EXPR_PROBEWRITE:
		put_wrap(out, "@probewrite", e->wrap.operand);
		break;
	case EXPR_PERF:
	case EXPR_CONST:
	case EXPR_ENUM:
		put_named(out, e);
		break;
	case EXPR_REGISTER:
	case EXPR_DEREF:
		put_raw(out, e);
		break;
	case EXPR_STAT:
		put_stat(out, e);
		break;
	case EXPR_HIST:
		put_hist(out, e);
		break;
	case EXPR_CALL:
		fprintf(out, "%s(", e->call.name);
		put_list(out, e->call.args, e->call.nargs);
		fputc(')', out);
		break;
	case EXPR_PRINT:
		put_print(out, e->print);
		break;
	default:
		put_operator(out, e);
		break;
	}
}
