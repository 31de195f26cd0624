/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session of pass 2 and the order of its steps; see sema.h. */
#include "sema/sema.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dbg/module.h"
#include "ir/program.h"
#include "lang/parse.h"
#include "probe/point.h"
#include "sema/alias.h"
#include "sema/index.h"
#include "sema/state.h"

void sema_session_init(struct sema_session *s, struct arena *a, struct diag_sink *diag)
{
	struct prog_limits l;

	program_limits_default(&l);
	*s = (struct sema_session){.arena = a, .diag = diag, .limits = { l.maxstringlen, l.maxmapentries }};
}

static void state_destroy(struct sema_state *st)
{
	if (!st)
		return;
	for (ptrdiff_t i = 0; i < hmlen(st->functions); i++)
		arrfree(st->functions[i].value);
	hmfree(st->functions);
	hmfree(st->globals);
	hmfree(st->file_of);
	hmfree(st->unbound);
	arrfree(st->queue);
	arrfree(st->new_files);
	arrfree(st->bodies);
	alias_tree_destroy(st->aliases);
	for (size_t i = 0; i < hmlenu(st->alias_names); i++)
		arrfree(st->alias_names[i].value);
	hmfree(st->alias_names);
	free(st);
}

void sema_session_fini(struct sema_session *s)
{
	state_destroy(s->state);
	sema_index_destroy(s->index);
	arrfree(s->globals);
	arrfree(s->functions);
	arrfree(s->probes);
	arrfree(s->used_files);
	s->state = NULL;
	s->index = NULL;
}

void sema_open_tapset(struct sema_session *s)
{
	if (!s->index)
		s->index = sema_index_create(s);
}

size_t sema_tapset_size(const struct sema_session *s)
{
	return sema_index_nfiles(s->index);
}

/* ---- -G ---- */

/* A global of the script, or one of the tapset that came into use. */
static struct ast_var *global_in_use(struct sema_state *st, const char *name)
{
	ptrdiff_t k = hmgeti(st->globals, name);

	for (size_t i = 0; k < 0 && i < arrlenu(st->s->globals); i++)
		if (st->s->globals[i]->name == name && !st->s->globals[i]->is_private)
			return st->s->globals[i];
	return k < 0 ? NULL : st->globals[k].value;
}

static void override_globals(struct sema_state *st)
{
	struct sema_session *s = st->s;

	for (size_t i = 0; i < arrlenu(s->overrides); i++) {
		const struct sema_override *o = &s->overrides[i];
		struct ast_var *v = global_in_use(st, intern(o->name));
		struct ast_expr *init;
		char *end;
		int64_t n;

		if (!v && sema_index_global(s->index, intern(o->name)))
			continue;	/* of the tapset, and not in use */
		if (!v || v->arity > 0 || v->type == AST_STATS) {
			diag_issue(s->diag, diag_new(s->diag, DIAG_ERROR, "override", NULL,
						     "-G %s=%s: no scalar global of this name", o->name,
						     o->value));
			continue;
		}
		init = arena_new(s->arena, struct ast_expr);
		init->at = v->at;
		n = (int64_t)strtoull(o->value, &end, 0);
		if (v->type != AST_STRING && *o->value && !*end)
			walk_set_number(init, n);
		else
			walk_set_string(init, intern(o->value));
		if (v->init && v->init->type != init->type) {
			diag_issue(s->diag, diag_new(s->diag, DIAG_ERROR, "override-type", NULL,
						     "-G %s=%s: the global is a %s", o->name, o->value,
						     ast_type_text(v->init->type)));
			continue;
		}
		v->init = init;
		v->type = init->type;
	}
}

/* ---- steps ---- */

/* Probes of the script and of the tapset files that come into use, and all that they call. */
static void resolve_symbols(struct sema_state *st)
{
	struct sema_session *s = st->s;

	for (size_t i = 0; i < arrlenu(s->files); i++)
		sema_register_file(st, s->files[i]);
	st->aliases = alias_tree_create(st);
	for (size_t i = 0; i < arrlenu(s->files); i++)
		for (size_t k = 0; k < s->files[i]->nprobes; k++)
			sema_derive_probe(st, s->files[i]->probes[k]);
	for (size_t i = 0; i < arrlenu(s->files); i++)
		for (size_t k = 0; k < s->files[i]->nfunctions; k++)
			sema_queue_function(st, s->files[i]->functions[k]);
	while (arrlenu(st->queue) || arrlenu(st->new_files)) {
		while (arrlenu(st->queue))
			sema_resolve_function(st, arrpop(st->queue));
		if (arrlenu(st->new_files)) {
			struct ast_file *f = arrpop(st->new_files);

			for (size_t k = 0; k < f->nprobes; k++)
				sema_derive_probe(st, f->probes[k]);
		}
	}
	override_globals(st);
}

struct next_search {
	struct walk w;
	bool found;
};

static void search_next(struct walk *w, struct ast_stmt *s)
{
	struct next_search *n = (struct next_search *)w;

	if (s->kind == STMT_NEXT)
		n->found = true;
	else
		walk_stmt(w, s);
}

static bool function_says_next(const struct ast_function *f)
{
	struct next_search n = {{NULL, search_next}, false};

	search_next(&n.w, f->body);
	return n.found;
}

/* Behind an overload that never says `next` none is tried. */
static void prune_call(struct walk *w, struct ast_expr *e)
{
	walk_expr(w, e);
	if (e->kind != EXPR_CALL)
		return;
	for (size_t i = 0; i < e->call.ntargets; i++)
		if (!function_says_next(e->call.targets[i]))
			e->call.ntargets = i + 1;
}

static void prune_overloads(struct sema_state *st)
{
	struct walk w = {prune_call, walk_stmt};

	for (size_t i = 0; i < arrlenu(st->bodies); i++)
		walk_stmt(&w, st->bodies[i]->stmt);
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		walk_stmt(&w, st->s->functions[i]->body);
}

static void number_globals(struct sema_session *s)
{
	for (size_t i = 0; i < arrlenu(s->globals); i++) {
		struct sema_global *g = s->globals[i]->sema;

		g->index = (uint32_t)i;
		if (s->globals[i]->arity < 0)
			s->globals[i]->arity = 0;
	}
}

static bool failed(const struct sema_session *s)
{
	return s->diag->semantic_errors || s->diag->parse_errors || s->diag->errors;
}

/*
 * Where target variables exist, what @defined and the like decide is settled before anything
 * else: the branch not taken may be of other types.
 */
static void fold_bound_bodies(struct sema_state *st)
{
	for (size_t i = 0; i < arrlenu(st->bodies); i++) {
		const struct sema_body *b = st->bodies[i];

		if (b->point && b->point->scope != PROBE_SCOPE_NONE)
			sema_fold_stmt(st, b->stmt);
	}
}

static void run_steps(struct sema_state *st)
{
	struct sema_session *s = st->s;

	resolve_symbols(st);
	if (failed(s))
		return;
	fold_bound_bodies(st);
	sema_elide(st);
	sema_spare_unreached(st);
	if (sema_bind_autocasts(st)) {
		fold_bound_bodies(st);
		sema_spare_unreached(st);
	}
	sema_skip_badvars(st);
	if (sema_infer_types(st) || failed(s))
		return;
	sema_optimise(st);
	prune_overloads(st);
	if (!s->listing && !s->no_display)
		sema_add_displays(st);
	sema_drop_unused(st);
	sema_check_iterations(st);
	sema_check_statistics(st);
	sema_check_regexes(st);
	sema_check_guru(st);
	number_globals(s);
}

/* Whatever the steps met: with damaged debug information less is found than there is. */
static void warn_damaged(struct sema_session *s)
{
	struct dbg_module *m;

	for (size_t i = 0; (m = dbg_modules_at(i)) != NULL; i++) {
		const char *what = dbg_module_damage(m);

		if (!what)
			continue;
		diag_issue(s->diag, diag_hint(s->diag, diag_new(s->diag, DIAG_WARNING, "damaged-debuginfo", NULL,
			   "debug information of \"%s\" is damaged: %s", dbg_module_info(m)->path, what),
			   "what is readable of it, and symbols, are used; install the file or its debug "
			   "information again, or rebuild it"));
	}
}

/* -l and -L: whatever is found counts; what is wrong with the rest is told to the curious only. */
static int list_points(struct sema_state *st)
{
	struct sema_session *s = st->s;

	diag_hold(s->diag);
	run_steps(st);
	diag_release(s->diag, s->verbose > 0);
	warn_damaged(s);
	return arrlenu(s->probes) ? 0 : -1;
}

int sema_run(struct sema_session *s)
{
	struct sema_state *st = xcalloc(1, sizeof(*st));

	st->s = s;
	s->state = st;
	sema_open_tapset(s);
	if (s->listing)
		return list_points(st);
	run_steps(st);
	warn_damaged(s);
	if (!failed(s) && !arrlenu(s->probes))
		diag_error(s->diag, "no-probes", NULL, "no probes found");
	return failed(s) || diag_failed(s->diag) ? -1 : 0;
}
