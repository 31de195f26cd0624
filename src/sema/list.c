/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listings: -l, -L, --dump-functions, --dump-probe-aliases. */
#include <stdlib.h>
#include <string.h>

#include "probe/family.h"
#include "sema/index.h"
#include "sema/state.h"

/* ---- points ---- */

/* The handler's own variables, which come from aliases, before those of the point. */
static struct probe_var *point_vars(const struct sema_session *s, const struct sema_probe *p)
{
	struct probe_var *vars = NULL;
	const struct probe_var *target;
	size_t n;

	for (size_t i = 0; i < p->body->nlocals; i++) {
		const struct ast_var *v = p->body->locals[i];
		struct probe_var out = {v->name, ast_type_text(v->type), true};

		if (!v->synthetic && strncmp(v->name, "__", 2))
			arrput(vars, out);
	}
	target = probe_point_vars(s->probe, p->point, &n);
	for (size_t i = 0; i < n; i++)
		arrput(vars, target[i]);
	return vars;
}

size_t sema_list(FILE *out, const struct sema_session *s, bool with_vars)
{
	struct probe_listing *l = probe_listing_create();
	size_t n;

	for (size_t i = 0; i < arrlenu(s->probes); i++) {
		const struct sema_probe *p = s->probes[i];
		bool own = p->probe->at.src && p->probe->at.src->tapset;	/* a file's that is in use */
		struct probe_var *vars = with_vars && !own ? point_vars(s, p) : NULL;

		if (own)
			continue;
		probe_listing_add(l, p->alias ? p->alias : p->point->listing, vars, arrlenu(vars));
		arrfree(vars);
	}
	n = probe_listing_print(l, out, with_vars);
	probe_listing_destroy(l);
	return n;
}

/* ---- the library ---- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_lines(FILE *out, const char **lines)
{
	if (lines)
		qsort(lines, arrlenu(lines), sizeof(*lines), compare_lines);
	for (size_t i = 0; i < arrlenu(lines); i++)
		if (!i || strcmp(lines[i], lines[i - 1]))
			fprintf(out, "%s\n", lines[i]);
	arrfree(lines);
}

/* "name:type (param:type, ...)"; a function without a value is of type `unknown`. */
static const char *function_line(struct arena *a, const struct ast_function *f)
{
	const char *line = arena_printf(a, "%s:%s (", f->name, ast_type_text(f->type));

	for (size_t i = 0; i < f->nparams; i++)
		line = arena_printf(a, "%s%s%s%s%s", line, i ? ", " : "", f->params[i]->name,
				    f->params[i]->type ? ":" : "",
				    f->params[i]->type ? ast_type_text(f->params[i]->type) : "");
	return arena_printf(a, "%s)", line);
}

int sema_dump_functions(FILE *out, struct sema_session *s)
{
	const char **lines = NULL;

	sema_open_tapset(s);
	for (size_t i = 0; i < sema_index_nfiles(s->index); i++) {
		const struct ast_file *f = sema_index_file(s->index, (uint32_t)i);

		for (size_t k = 0; f && k < f->nfunctions; k++)
			if (!f->functions[k]->is_private && strncmp(f->functions[k]->name, "_", 1))
				arrput(lines, function_line(s->arena, f->functions[k]));
	}
	print_lines(out, lines);
	return diag_failed(s->diag) ? -1 : 0;
}

int sema_dump_aliases(FILE *out, struct sema_session *s)
{
	const char **lines = NULL;

	sema_open_tapset(s);
	for (size_t i = 0; i < sema_index_nfiles(s->index); i++) {
		const struct ast_file *f = sema_index_file(s->index, (uint32_t)i);

		for (size_t k = 0; f && k < f->naliases; k++)
			if (!f->aliases[k]->is_private)
				arrput(lines, sema_text_alias(s->arena, f->aliases[k]));
	}
	print_lines(out, lines);
	return diag_failed(s->diag) ? -1 : 0;
}
