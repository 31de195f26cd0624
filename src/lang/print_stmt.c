/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Canonical form: statements and declarations.
 *
 * As SystemTap's, but for what would not parse to the same tree: no `;` behind
 * blocks, one behind every simple statement, types and priorities shown.
 */
#include <inttypes.h>

#include "lang/print.h"

/* How statements end and blocks look: as source, or as SystemTap's -v -p2 shows them, which nobody parses. */
struct printer {
	FILE *out;
	bool shown;
};

static void put_stmt(const struct printer *p, const struct ast_stmt *s);

static void put_word(const struct printer *p, const char *word, const struct ast_expr *e)
{
	fputs(word, p->out);
	if (*word && e)
		fputc(' ', p->out);
	if (e)
		ast_print_expr(p->out, e);
}

static void put_simple(const struct printer *p, const char *word, const struct ast_expr *e)
{
	put_word(p, word, e);
	if (!p->shown)
		fputs(";\n", p->out);
}

/* Ends behind the closing brace. */
static void put_braces(const struct printer *p, const struct ast_stmt *s)
{
	fputs("{\n", p->out);
	for (size_t i = 0; i < s->block.nstmts; i++) {
		put_stmt(p, s->block.stmts[i]);
		if (p->shown)
			fputs(";\n", p->out);
	}
	fputc('}', p->out);
}

static void put_branch(const struct printer *p, const struct ast_stmt *s)
{
	put_stmt(p, s);
	if (p->shown)
		fputc('\n', p->out);
}

static void put_if(const struct printer *p, const struct ast_stmt *s)
{
	fputs("if (", p->out);
	ast_print_expr(p->out, s->if_.cond);
	fputs(") ", p->out);
	put_branch(p, s->if_.yes);
	if (s->if_.no) {
		fputs("else ", p->out);
		put_branch(p, s->if_.no);
	}
}

static void put_loop(const struct printer *p, const struct ast_stmt *s)
{
	put_word(p, "for (", NULL);
	put_word(p, "", s->loop.init);
	put_word(p, "; ", NULL);
	put_word(p, "", s->loop.cond);
	put_word(p, "; ", NULL);
	put_word(p, "", s->loop.step);
	put_word(p, ") ", NULL);
	put_stmt(p, s->loop.body);
}

static void put_sort(FILE *out, const struct ast_foreach *f, unsigned column)
{
	if (f->sort_dir && f->sort_column == column)
		fputc(f->sort_dir > 0 ? '+' : '-', out);
}

static void put_foreach(const struct printer *p, const struct ast_foreach *f)
{
	FILE *out = p->out;

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
	if (f->limit)
		put_word(p, " limit", f->limit);
	fputs(") ", out);
	put_stmt(p, f->body);
}

/* A body of try: shown in braces of its own, which only there also a lone statement has. */
static void put_guarded(const struct printer *p, const struct ast_stmt *s)
{
	if (!p->shown) {
		put_braces(p, s);
		return;
	}
	fputs("{\n", p->out);
	if (s)
		put_stmt(p, s);
	fputs("\n}", p->out);
}

static void put_try(const struct printer *p, const struct ast_stmt *s)
{
	fputs("try ", p->out);
	put_guarded(p, s->try_.body);
	fputs(" catch ", p->out);
	if (s->try_.error) {
		fputc('(', p->out);
		ast_print_expr(p->out, s->try_.error);
		fputs(") ", p->out);
	}
	put_guarded(p, s->try_.handler);
	fputc('\n', p->out);
}

static void put_stmt(const struct printer *p, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_BLOCK:
		put_braces(p, s);
		if (!p->shown)
			fputc('\n', p->out);
		break;
	case STMT_EMPTY:
		fputs(p->shown ? ";" : ";\n", p->out);
		break;
	case STMT_EXPR:
		put_simple(p, "", s->expr);
		break;
	case STMT_IF:
		put_if(p, s);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		put_loop(p, s);
		break;
	case STMT_FOREACH:
		put_foreach(p, s->foreach);
		break;
	case STMT_RETURN:
		put_simple(p, "return", s->expr);
		break;
	case STMT_DELETE:
		put_simple(p, "delete", s->expr);
		break;
	case STMT_NEXT:
		put_simple(p, "next", NULL);
		break;
	case STMT_BREAK:
		put_simple(p, "break", NULL);
		break;
	case STMT_CONTINUE:
		put_simple(p, "continue", NULL);
		break;
	case STMT_TRY:
		put_try(p, s);
		break;
	case STMT_EMBEDDED:
		fprintf(p->out, "%%{%s%%}%s", s->embedded->text, p->shown ? "" : "\n");
		break;
	}
}

void ast_print_stmt(FILE *out, const struct ast_stmt *s)
{
	put_stmt(&(struct printer){ out, false }, s);
}

void ast_show_stmt(FILE *out, const struct ast_stmt *s)
{
	put_stmt(&(struct printer){ out, true }, s);
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

static void ast_print_probe(FILE *out, const struct ast_probe *p)
{
	const struct printer source = { out, false };

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
	put_braces(&source, p->body);
	if (p->body2) {
		fputs(", ", out);
		put_braces(&source, p->body2);
	}
	fputc('\n', out);
}

static void ast_print_function(FILE *out, const struct ast_function *f)
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

static void ast_print_global(FILE *out, const struct ast_var *v)
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
