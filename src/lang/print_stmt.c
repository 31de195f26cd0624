/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Canonical form: statements and declarations.
 *
 * As SystemTap's, but for what would not parse to the same tree: no `;` behind
 * blocks, one behind every simple statement, types and priorities shown.
 */
#include <inttypes.h>

#include "lang/print.h"

/* Ends behind the closing brace. */
static void put_braces(FILE *out, const struct ast_stmt *s)
{
	fputs("{\n", out);
	for (size_t i = 0; i < s->block.nstmts; i++)
		ast_print_stmt(out, s->block.stmts[i]);
	fputc('}', out);
}

static void put_block(FILE *out, const struct ast_stmt *s)
{
	put_braces(out, s);
	fputc('\n', out);
}

static void put_if(FILE *out, const struct ast_stmt *s)
{
	fputs("if (", out);
	ast_print_expr(out, s->if_.cond);
	fputs(") ", out);
	ast_print_stmt(out, s->if_.yes);
	if (s->if_.no) {
		fputs("else ", out);
		ast_print_stmt(out, s->if_.no);
	}
}

static void put_loop(FILE *out, const struct ast_stmt *s)
{
	fputs("for (", out);
	if (s->loop.init)
		ast_print_expr(out, s->loop.init);
	fputs("; ", out);
	ast_print_expr(out, s->loop.cond);
	fputs("; ", out);
	if (s->loop.step)
		ast_print_expr(out, s->loop.step);
	fputs(") ", out);
	ast_print_stmt(out, s->loop.body);
}

static void put_sort(FILE *out, const struct ast_foreach *f, unsigned column)
{
	if (f->sort_dir && f->sort_column == column)
		fputc(f->sort_dir > 0 ? '+' : '-', out);
}

static void put_foreach(FILE *out, const struct ast_foreach *f)
{
	fputs("foreach (", out);
	if (f->value) {
		ast_print_expr(out, f->value);
		fputs(" = ", out);
	}
	fputc('[', out);
	for (size_t i = 0; i < f->nkeys; i++) {
		if (i)
			fputs(", ", out);
		ast_print_expr(out, f->keys[i]);
		put_sort(out, f, (unsigned)i + 1);
	}
	fputs("] in ", out);
	ast_print_expr(out, f->base);
	for (size_t i = 0; i < f->nslice; i++) {
		fputs(i ? ", " : "[", out);
		if (f->slice[i])
			ast_print_expr(out, f->slice[i]);
		else
			fputc('*', out);
	}
	if (f->nslice)
		fputc(']', out);
	if (f->sort_stat != STAT_NONE)
		fprintf(out, " %s", ast_stat_text(f->sort_stat));
	put_sort(out, f, 0);
	if (f->limit) {
		fputs(" limit ", out);
		ast_print_expr(out, f->limit);
	}
	fputs(") ", out);
	ast_print_stmt(out, f->body);
}

static void put_try(FILE *out, const struct ast_stmt *s)
{
	fputs("try ", out);
	put_braces(out, s->try_.body);
	fputs(" catch ", out);
	if (s->try_.error) {
		fputc('(', out);
		ast_print_expr(out, s->try_.error);
		fputs(") ", out);
	}
	put_block(out, s->try_.handler);
}

static void put_simple(FILE *out, const char *word, const struct ast_expr *e)
{
	fputs(word, out);
	if (*word && e)
		fputc(' ', out);
	if (e)
		ast_print_expr(out, e);
	fputs(";\n", out);
}

void ast_print_stmt(FILE *out, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_BLOCK:
		put_block(out, s);
		break;
	case STMT_EMPTY:
		put_simple(out, "", NULL);
		break;
	case STMT_EXPR:
		put_simple(out, "", s->expr);
		break;
	case STMT_IF:
		put_if(out, s);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		put_loop(out, s);
		break;
	case STMT_FOREACH:
		put_foreach(out, s->foreach);
		break;
	case STMT_RETURN:
		put_simple(out, "return", s->expr);
		break;
	case STMT_DELETE:
		put_simple(out, "delete", s->expr);
		break;
	case STMT_NEXT:
		put_simple(out, "next", NULL);
		break;
	case STMT_BREAK:
		put_simple(out, "break", NULL);
		break;
	case STMT_CONTINUE:
		put_simple(out, "continue", NULL);
		break;
	case STMT_TRY:
		put_try(out, s);
		break;
	case STMT_EMBEDDED:
		fprintf(out, "%%{%s%%}\n", s->embedded->text);
		break;
	}
}

/* A literal where a sign is part of it. */
static void put_literal(FILE *out, const struct ast_expr *e)
{
	if (e->kind == EXPR_NUMBER)
		fprintf(out, "%" PRId64, e->number);
	else
		ast_print_expr(out, e);
}

void ast_print_point(FILE *out, const struct ast_point *p)
{
	for (size_t i = 0; i < p->ncomponents; i++) {
		const struct ast_component *c = &p->components[i];

		fprintf(out, "%s%s", i ? "." : "", c->name);
		if (c->arg) {
			fputc('(', out);
			put_literal(out, c->arg);
			fputc(')', out);
		}
	}
	if (p->sufficient)
		fputc('!', out);
	else if (p->optional)
		fputc('?', out);
	if (p->cond) {
		fputs(" if (", out);
		ast_print_expr(out, p->cond);
		fputc(')', out);
	}
}

void ast_print_probe(FILE *out, const struct ast_probe *p)
{
	fputs("probe ", out);
	for (size_t i = 0; i < p->nnames; i++) {
		ast_print_point(out, p->names[i]);
		fputs(p->epilogue ? " += " : " = ", out);
	}
	for (size_t i = 0; i < p->npoints; i++) {
		if (i)
			fputs(p->nnames ? ", " : ",", out);
		ast_print_point(out, p->points[i]);
	}
	put_braces(out, p->body);
	if (p->body2) {
		fputs(", ", out);
		put_braces(out, p->body2);
	}
	fputc('\n', out);
}

void ast_print_function(FILE *out, const struct ast_function *f)
{
	fprintf(out, "%sfunction %s", f->is_private ? "private " : "", f->name);
	if (f->type != AST_UNKNOWN)
		fprintf(out, ":%s", ast_type_text(f->type));
	fputs(" (", out);
	for (size_t i = 0; i < f->nparams; i++) {
		fprintf(out, "%s%s", i ? ", " : "", f->params[i]->name);
		if (f->params[i]->type != AST_UNKNOWN)
			fprintf(out, ":%s", ast_type_text(f->params[i]->type));
	}
	fputc(')', out);
	if (f->has_priority)
		fprintf(out, ":%" PRId64, f->priority);
	fputc('\n', out);
	ast_print_stmt(out, f->body);
}

void ast_print_global(FILE *out, const struct ast_var *v)
{
	fprintf(out, "%sglobal %s%s", v->is_private ? "private " : "", v->name, v->wrap ? "%" : "");
	if (v->maxsize)
		fprintf(out, "[%" PRId64 "]", v->maxsize);
	if (v->init) {
		fputs(" = ", out);
		put_literal(out, v->init);
	}
	fputc('\n', out);
}

void ast_print_file(FILE *out, const struct ast_file *f)
{
	fprintf(out, "# file %s\n", f->name);
	for (size_t i = 0; i < f->nembeds; i++)
		fprintf(out, "%%{%s%%}\n", f->embeds[i]->text);
	for (size_t i = 0; i < f->nglobals; i++)
		ast_print_global(out, f->globals[i]);
	for (size_t i = 0; i < f->naliases; i++)
		ast_print_probe(out, f->aliases[i]);
	for (size_t i = 0; i < f->nprobes; i++)
		ast_print_probe(out, f->probes[i]);
	for (size_t i = 0; i < f->nfunctions; i++)
		ast_print_function(out, f->functions[i]);
}
