/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing the text form of the IR (ir/text.h). */
#include <inttypes.h>

#include "base/ds.h"
#include "ir/names.h"
#include "ir/fmt.h"
#include "ir/text.h"
#include "ir/text_names.h"

const char *const ir_type_names[] = { "void", "i64", "str", "stat" };
const char *const ir_stat_names[] = { "count", "sum", "min", "max", "avg", "variance" };

static void put_quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < 32 || c >= 127)
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static const char *local_name(const struct ir_func *f, int64_t i)
{
	return f && i >= 0 && (uint64_t)i < arrlenu(f->locals) ? f->locals[i].name : "_";
}

static void put_symbol(FILE *out, const struct ir_module *m, const struct ir_func *f,
		       const struct ir_expr *e)
{
	unsigned flags = ir_op_table[e->op].flags;

	if (flags & IRF_SYM_LOCAL)
		fprintf(out, " %s", local_name(f, e->sym));
	if (flags & IRF_SYM_GLOBAL)
		fprintf(out, " %s", e->sym < arrlenu(m->globals) ? m->globals[e->sym]->name : "?");
	if (flags & IRF_SYM_FUNC)
		fprintf(out, " %s", e->sym < arrlenu(m->funcs) ? m->funcs[e->sym]->name : "?");
	if (flags & IRF_SYM_FORMAT && e->sym < arrlenu(m->formats)) {
		fputc(' ', out);
		put_quoted(out, ir_format_str(m->arena, m->formats[e->sym]));
	}
	if (flags & IRF_SYM_REGEX && e->sym < arrlenu(m->regexes)) {
		fputc(' ', out);
		put_quoted(out, m->regexes[e->sym]->text);
	}
	if (flags & IRF_SYM_NAMES && e->sym < arrlenu(m->names)) {
		fputc(' ', out);
		put_quoted(out, m->names[e->sym]->text);
	}
}

static void put_expr(FILE *out, const struct ir_module *m, const struct ir_func *f, const struct ir_expr *e)
{
	if (e->op == IR_CONST) {
		fprintf(out, "%" PRId64, e->imm);
		return;
	}
	if (e->op == IR_STRLIT) {
		put_quoted(out, e->str);
		return;
	}
	if (e->op == IR_LOCAL) {
		fputs(local_name(f, e->sym), out);
		return;
	}
	fprintf(out, "(%s", ir_op_table[e->op].name);
	if (e->type == IR_STR && e->bound != m->maxstr)
		fprintf(out, ":%u", e->bound);
	if (e->imm)
		fprintf(out, "#%" PRId64, e->imm);
	put_symbol(out, m, f, e);
	for (uint32_t i = 0; i < e->nargs; i++) {
		fputc(' ', out);
		put_expr(out, m, f, e->args[i]);
	}
	fputc(')', out);
}

static void put_list(FILE *out, const struct ir_module *m, const struct ir_func *f,
		     const struct ir_stmt *s, int depth);

static void put_indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		fputc('\t', out);
}

static void put_block(FILE *out, const struct ir_module *m, const struct ir_func *f,
		      const struct ir_stmt *s, int depth)
{
	fputs("{\n", out);
	put_list(out, m, f, s, depth + 1);
	put_indent(out, depth);
	fputc('}', out);
}

static void put_foreach(FILE *out, const struct ir_module *m, const struct ir_func *f,
			const struct ir_foreach *l)
{
	bool sliced = false;

	fprintf(out, "foreach %s%s", l->hist ? "hist " : "",
		l->global < arrlenu(m->globals) ? m->globals[l->global]->name : "?");
	if (l->hist && l->hist_keys) {
		fputs(" (", out);
		for (uint32_t i = 0; i < IR_MAX_KEYS && l->hist_keys[i]; i++) {
			fputs(i ? " " : "", out);
			put_expr(out, m, f, l->hist_keys[i]);
		}
		fputc(')', out);
	}
	fputs(" [", out);
	for (uint32_t i = 0; i < l->nkeys; i++) {
		fprintf(out, "%s%s", i ? ", " : "", local_name(f, l->key_local[i]));
		sliced |= l->slice[i] != NULL;
	}
	fputc(']', out);
	if (l->value_local >= 0)
		fprintf(out, " = %s", local_name(f, l->value_local));
	if (sliced) {
		fputs(" slice [", out);
		for (uint32_t i = 0; i < l->nkeys; i++) {
			fputs(i ? ", " : "", out);
			if (l->slice[i])
				put_expr(out, m, f, l->slice[i]);
			else
				fputc('_', out);
		}
		fputc(']', out);
	}
	if (l->sort == IR_SORT_KEY)
		fprintf(out, " sort key %u", l->sort_key);
	else if (l->sort == IR_SORT_VALUE)
		fputs(" sort value", out);
	else if (l->sort == IR_SORT_STAT)
		fprintf(out, " sort %s", ir_stat_names[l->sort_stat]);
	if (l->descending)
		fputs(" desc", out);
	if (l->limit) {
		fputs(" limit ", out);
		put_expr(out, m, f, l->limit);
	}
	fputc(' ', out);
}

static void put_stmt(FILE *out, const struct ir_module *m, const struct ir_func *f,
		     const struct ir_stmt *s, int depth)
{
	switch (s->kind) {
	case IR_S_SET:
		fprintf(out, "set %s = ", local_name(f, s->sym));
		put_expr(out, m, f, s->expr);
		break;
	case IR_S_EVAL:
		fputs("eval ", out);
		put_expr(out, m, f, s->expr);
		break;
	case IR_S_IF:
		fputs("if ", out);
		put_expr(out, m, f, s->expr);
		fputc(' ', out);
		put_block(out, m, f, s->body, depth);
		if (s->orelse) {
			fputs(" else ", out);
			put_block(out, m, f, s->orelse, depth);
		}
		break;
	case IR_S_LOOP:
		fputs("loop ", out);
		put_block(out, m, f, s->body, depth);
		if (s->orelse) {
			fputs(" step ", out);
			put_block(out, m, f, s->orelse, depth);
		}
		break;
	case IR_S_FOREACH:
		put_foreach(out, m, f, s->foreach);
		put_block(out, m, f, s->body, depth);
		break;
	case IR_S_BREAK:
		fputs("break", out);
		break;
	case IR_S_CONTINUE:
		fputs("continue", out);
		break;
	case IR_S_RETURN:
		fputs("return", out);
		if (s->expr) {
			fputc(' ', out);
			put_expr(out, m, f, s->expr);
		}
		break;
	case IR_S_TRY:
		fputs("try ", out);
		put_block(out, m, f, s->body, depth);
		fprintf(out, " catch %s%s", s->has_sym ? local_name(f, s->sym) : "",
			s->has_sym ? " " : "");
		put_block(out, m, f, s->orelse, depth);
		break;
	case IR_S_ACTION:
		fprintf(out, "action %" PRId64, s->imm);
		break;
	}
}

static void put_list(FILE *out, const struct ir_module *m, const struct ir_func *f,
		     const struct ir_stmt *s, int depth)
{
	for (; s; s = s->next) {
		put_indent(out, depth);
		put_stmt(out, m, f, s, depth);
		fputc('\n', out);
	}
}

static void put_type(FILE *out, enum ir_type type, uint32_t bound)
{
	fputs(ir_type_names[type], out);
	if (type == IR_STR)
		fprintf(out, " %u", bound);
}

static void put_global(FILE *out, const struct ir_global *g)
{
	fprintf(out, "global %s", g->name);
	if (g->is_array) {
		fputc('[', out);
		for (uint32_t i = 0; i < g->nkeys; i++) {
			fputs(i ? ", " : "", out);
			put_type(out, g->key_type[i], g->key_bound[i]);
		}
		fputc(']', out);
	}
	fputs(": ", out);
	put_type(out, g->type, g->bound);
	if (g->is_array)
		fprintf(out, " %s %u", g->sized ? "size" : "max", g->max_entries);
	if (g->wrap)
		fputs(" wrap", out);
	if (g->hidden)
		fputs(" hidden", out);
	if (g->hist == IR_HIST_LOG)
		fputs(" hist log", out);
	if (g->hist == IR_HIST_LINEAR)
		fprintf(out, " hist linear %" PRId64 " %" PRId64 " %" PRId64, g->hist_lo, g->hist_hi,
			g->hist_step);
	if (g->init.set && g->init.is_str) {
		fputs(" = ", out);
		put_quoted(out, g->init.s);
	} else if (g->init.set)
		fprintf(out, " = %" PRId64, g->init.i);
	fputc('\n', out);
}

static void put_func(FILE *out, const struct ir_module *m, const struct ir_func *f, const char *keyword)
{
	fprintf(out, "%s %s", keyword, f->name ? f->name : "_");
	if (strcmp(keyword, "func") == 0) {
		fputc('(', out);
		for (uint32_t i = 0; i < f->nparams; i++) {
			fprintf(out, "%s%s: ", i ? ", " : "", f->locals[i].name);
			put_type(out, f->locals[i].type, f->locals[i].bound);
		}
		fputc(')', out);
		if (f->ret != IR_VOID) {
			fputs(": ", out);
			put_type(out, f->ret, f->ret_bound);
		}
	}
	fputs(" {\n", out);
	for (size_t i = f->nparams; i < arrlenu(f->locals); i++) {
		fprintf(out, "\tlocal %s: ", f->locals[i].name);
		put_type(out, f->locals[i].type, f->locals[i].bound);
		fputc('\n', out);
	}
	put_list(out, m, f, f->body, 1);
	fputs("}\n", out);
}

void ir_print(FILE *out, const struct ir_module *m)
{
	fprintf(out, "maxstr %u\n", m->maxstr);
	for (size_t i = 0; i < arrlenu(m->globals); i++)
		put_global(out, m->globals[i]);
	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		put_func(out, m, m->funcs[i], "func");
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		put_func(out, m, m->handlers[i], "handler");
}
