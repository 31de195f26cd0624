/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listing of pass 2 as `stap -p2` prints it. */
#include <stdlib.h>

#include "lang/print.h"
#include "probe/point.h"
#include "sema/state.h"

static void print_global(FILE *out, const struct ast_var *v, bool verbose)
{
	fprintf(out, "%s%s", v->name, v->wrap ? "%" : "");
	if (v->maxsize > 0)
		fprintf(out, "[%lld]", (long long)v->maxsize);
	fprintf(out, ":%s", ast_type_text(v->type));
	for (int i = 0; i < v->arity; i++)
		fprintf(out, "%s%s", i ? ", " : " [", ast_type_text(v->key_types[i]));
	if (v->arity > 0)
		fputc(']', out);
	if (verbose && v->init) {
		fputs(" = ", out);
		ast_print_expr(out, v->init);
	}
	fputc('\n', out);
}

static void print_locals(FILE *out, struct ast_var *const *locals, size_t n)
{
	if (n)
		fputs("  # locals\n", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %s:%s\n", locals[i]->name, ast_type_text(locals[i]->type));
}

static void print_body(FILE *out, const struct ast_stmt *s)
{
	fputs("{ ", out);
	ast_show_stmt(out, s);
	fputs(" }\n", out);
}

static int by_name(const void *a, const void *b)
{
	const struct ast_function *x = *(struct ast_function *const *)a;
	const struct ast_function *y = *(struct ast_function *const *)b;
	size_t i = 0;

	while (x->name[i] && x->name[i] == y->name[i])
		i++;
	/* SystemTap sorts names with a suffix that begins with '_' */
	if (x->name[i] != y->name[i])
		return (x->name[i] ? x->name[i] : '_') < (y->name[i] ? y->name[i] : '_') ? -1 : 1;
	return x->at.line != y->at.line ? (x->at.line < y->at.line ? -1 : 1) :
					  (x->at.col > y->at.col) - (x->at.col < y->at.col);
}

static void print_function(FILE *out, const struct ast_function *f, bool verbose)
{
	fprintf(out, "%s:%s (", f->name, ast_type_text(f->type));
	for (size_t i = 0; i < f->nparams; i++)
		fprintf(out, "%s%s:%s", i ? ", " : "", f->params[i]->name,
			ast_type_text(f->params[i]->type));
	fputs(")\n", out);
	print_locals(out, f->locals, f->nlocals);
	if (verbose)
		print_body(out, f->body);
}

static void print_functions(FILE *out, const struct sema_session *s)
{
	struct ast_function **list = NULL;

	for (size_t i = 0; i < arrlenu(s->functions); i++)
		arrput(list, s->functions[i]);
	if (!list)
		return;
	fputs("# functions\n", out);
	qsort(list, arrlenu(list), sizeof(*list), by_name);
	for (size_t i = 0; i < arrlenu(list); i++)
		print_function(out, list[i], s->verbose > 0);
	arrfree(list);
}

/* Does the derived point, rather than the script's list, stand behind "<-"? */
static bool shows_derived(const struct probe_point *pt)
{
	switch (pt->scope) {
	case PROBE_SCOPE_CODE:
	case PROBE_SCOPE_RETURN:
	case PROBE_SCOPE_MARK:
	case PROBE_SCOPE_PLT:
		return true;
	default:
		return pt->prog.kind == POINT_PERF || pt->prog.kind == POINT_WATCH;
	}
}

static void print_point_end(FILE *out, const struct sema_probe *p)
{
	if (p->derived->sufficient)
		fputc('!', out);
	else if (p->derived->optional)
		fputc('?', out);
	if (p->body->cond) {
		fputs(" if (", out);
		ast_print_expr(out, p->body->cond);
		fputc(')', out);
	}
}

static void print_probe(FILE *out, const struct sema_probe *p, bool verbose)
{
	const struct probe_point *pt = p->point;

	fputs(pt->canonical, out);
	print_point_end(out, p);
	if (pt->pc_text)
		fprintf(out, " /* %s */", pt->pc_text);
	fputs(" /* <- ", out);
	if (shows_derived(pt)) {
		fputs(pt->derived, out);
		print_point_end(out, p);
	} else {
		fputs(p->origin, out);
	}
	fputs(" */\n", out);
	print_locals(out, p->body->locals, p->body->nlocals);
	if (verbose)
		print_body(out, p->body->stmt);
}

void sema_print(FILE *out, const struct sema_session *s)
{
	if (arrlenu(s->globals))
		fputs("# globals\n", out);
	for (size_t i = 0; i < arrlenu(s->globals); i++)
		print_global(out, s->globals[i], s->verbose > 0);
	print_functions(out, s);
	if (arrlenu(s->probes))
		fputs("# probes\n", out);
	for (size_t i = 0; i < arrlenu(s->probes); i++)
		print_probe(out, s->probes[i], s->verbose > 0);
}
