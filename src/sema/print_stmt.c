// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements as `stap -v -p2` prints them: that is not canonical source, but what users compare. */
#include "lang/print.h"
#include "sema/state.h"

static void put(FILE *out, const struct ast_stmt *s)
{
	sema_print_stmt(out, s);
}

static void put_expr(FILE *out, const struct ast_expr *e)
{
	if (e)
		ast_print_expr(out, e);
}

static void put_word(FILE *out, const char *word, const struct ast_expr *e)
{
	fputs(word, out);
	if (e)
		fputc(' ', out);
	put_expr(out, e);
}

static void put_if(FILE *out, const struct ast_stmt *s)
{
	fputs("if (", out);
	put_expr(out, s->if_.cond);
	fputs(") ", out);
	put(out, s->if_.yes);
	fputc('\n', out);
	if (s->if_.no) {
		fputs("else ", out);
		put(out, s->if_.no);
		fputc('\n', out);
	}
}

static void put_loop(FILE *out, const struct ast_stmt *s)
{
	fputs("for (", out);
	put_expr(out, s->loop.init);
	fputs("; ", out);
	put_expr(out, s->loop.cond);
	fputs("; ", out);
	put_expr(out, s->loop.step);
	fputs(") ", out);
	put(out, s->loop.body);
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
		put_expr(out, f->value);
		fputs(" = ", out);
	}
	for (size_t i = 0; i < f->nkeys; i++) {
		fputs(i ? ", " : "[", out);
		put_expr(out, f->keys[i]);
		put_sort(out, f, (unsigned)i + 1);
	}
	fputs("] in ", out);
	put_expr(out, f->base);
	for (size_t i = 0; i < f->nslice; i++) {
		fputs(i ? ", " : "[", out);
		if (f->slice[i])
			put_expr(out, f->slice[i]);
		else
			fputc('*', out);
	}
	if (f->nslice)
		fputc(']', out);
	if (f->sort_dir && f->sort_stat != STAT_NONE)
		fprintf(out, " %s", ast_stat_text(f->sort_stat));
	put_sort(out, f, 0);
	if (f->limit)
		put_word(out, " limit", f->limit);
	fputs(") ", out);
	put(out, f->body);
}

static void put_try(FILE *out, const struct ast_stmt *s)
{
	fputs("try {\n", out);
	put(out, s->try_.body);
	fputs("\n} catch ", out);
	if (s->try_.error) {
		fputc('(', out);
		put_expr(out, s->try_.error);
		fputs(") ", out);
	}
	fputs("{\n", out);
	if (s->try_.handler)
		put(out, s->try_.handler);
	fputs("\n}\n", out);
}

void sema_print_stmt(FILE *out, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_BLOCK:
		fputs("{\n", out);
		for (size_t i = 0; i < s->block.nstmts; i++) {
			put(out, s->block.stmts[i]);
			fputs(";\n", out);
		}
		fputc('}', out);
		break;
	case STMT_EMPTY:
		fputc(';', out);
		break;
	case STMT_EXPR:
		put_expr(out, s->expr);
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
		put_word(out, "return", s->expr);
		break;
	case STMT_DELETE:
		put_word(out, "delete", s->expr);
		break;
	case STMT_NEXT:
		fputs("next", out);
		break;
	case STMT_BREAK:
		fputs("break", out);
		break;
	case STMT_CONTINUE:
		fputs("continue", out);
		break;
	case STMT_TRY:
		put_try(out, s);
		break;
	case STMT_EMBEDDED:
		fprintf(out, "%%{%s%%}", s->embedded->text);
		break;
	}
}
