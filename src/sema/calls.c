/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: from a name and a number of arguments to the functions tried, in order.
 *
 * Private functions of the caller's file come first, then public ones of the script, then
 * the tapset's; the first of these groups that has the name with that number of parameters
 * is taken whole, by priority.
 */
#include <string.h>

#include "probe/family.h"
#include "sema/index.h"
#include "sema/state.h"

void sema_queue_function(struct sema_state *st, struct ast_function *f)
{
	struct arena *a = st->s->arena;
	struct sema_function *sf = f->sema;

	if (!sf)
		f->sema = sf = arena_new(a, struct sema_function);
	if (sf->queued)
		return;
	sf->queued = true;
	/* declared types have no place of inference */
	f->type_at = (struct span){0};
	for (size_t i = 0; i < f->nparams; i++) {
		f->params[i]->type_at = (struct span){0};
		f->params[i]->sema = arena_new(a, struct sema_local);
	}
	arrput(st->s->functions, f);
	arrput(st->queue, f);
}

void sema_use_file(struct sema_state *st, struct ast_file *f)
{
	if (hmgeti(st->file_of, f->src) >= 0)
		return;
	sema_register_file(st, f);
	arrput(st->s->used_files, f);
	if (f->nprobes)
		arrput(st->new_files, f);
}

/* Appends those of `list` that take n arguments. */
static void keep_arity(struct ast_function ***out, struct ast_function *const *list, size_t count, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (list[i]->nparams == n)
			arrput(*out, list[i]);
}

/* Functions of this name and number of parameters; *other: one with another number, or NULL. */
static struct ast_function **find_functions(struct sema_state *st, const struct ast_expr *e,
					    struct ast_function **other)
{
	ptrdiff_t f = hmgeti(st->file_of, e->at.src), i = hmgeti(st->functions, e->call.name);
	struct ast_function **out = NULL, **found = NULL;

	*other = NULL;
	if (f >= 0) {
		const struct ast_file *file = st->file_of[f].value;

		for (size_t k = 0; k < file->nfunctions; k++)
			if (file->functions[k]->name == e->call.name && file->functions[k]->is_private)
				arrput(found, file->functions[k]);
		keep_arity(&out, found, arrlenu(found), e->call.nargs);
	}
	if (!out && i >= 0) {
		struct ast_function **public = st->functions[i].value;

		keep_arity(&out, public, arrlenu(public), e->call.nargs);
		*other = arrlenu(public) ? public[0] : NULL;
	}
	if (arrlenu(found))
		*other = found[0];
	arrfree(found);
	if (out)
		return out;
	found = sema_index_functions(st->s->index, e->call.name);
	keep_arity(&out, found, arrlenu(found), e->call.nargs);
	if (!*other && arrlenu(found))
		*other = found[0];
	arrfree(found);
	return out;
}

static void sort_by_priority(struct ast_function **list)
{
	for (size_t i = 1; i < arrlenu(list); i++) {
		struct ast_function *f = list[i];
		size_t k = i;

		for (; k > 0 && list[k - 1]->priority > f->priority; k--)
			list[k] = list[k - 1];
		list[k] = f;
	}
}

static void report_unresolved(struct sema_state *st, const struct ast_expr *e,
			      const struct ast_function *other)
{
	struct diag_sink *sink = st->s->diag;
	const char **names, *similar;

	if (other) {
		struct diag *d = diag_new(sink, DIAG_SEMANTIC_ERROR, "call-arity", &e->at,
					  "arity mismatch found (function '%s' takes %zu args)",
					  e->call.name, other->nparams);

		diag_issue(sink, diag_at2(d, &other->at));
		return;
	}
	names = sema_index_function_names(st->s->index);
	for (ptrdiff_t i = 0; i < hmlen(st->functions); i++)
		arrput(names, st->functions[i].key);
	for (size_t i = arrlenu(names); i-- > 0;)	/* those are the library's own */
		if (!strncmp(names[i], "__", 2))
			arrdelswap(names, i);
	similar = probe_similar(st->s->arena, e->call.name, names, arrlenu(names), PROBE_SIMILAR_MAX);
	arrfree(names);
	if (*similar)
		diag_error(sink, "call-unresolved", &e->at, "unresolved function %s (similar: %s)",
			   e->call.name, similar);
	else
		diag_error(sink, "call-unresolved", &e->at, "unresolved function %s", e->call.name);
}

void sema_resolve_call(struct sema_state *st, struct ast_expr *e)
{
	struct ast_function *other, **list;

	if (e->call.targets)
		return;
	list = find_functions(st, e, &other);
	if (!arrlenu(list)) {
		report_unresolved(st, e, other);
		arrfree(list);
		return;
	}
	sort_by_priority(list);
	for (size_t i = 0; i < arrlenu(list); i++) {
		if (list[i]->file)
			sema_use_file(st, list[i]->file);
		sema_queue_function(st, list[i]);
	}
	e->call.targets = arena_take_array(st->s->arena, list, sizeof(*list), &e->call.ntargets);
}
