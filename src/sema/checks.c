/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that come after type inference: statistics, arrays changed while walked, regular expressions. */
#include "ir/regex.h"
#include "sema/usage.h"

/* ---- statistics: which aggregates are read, and one histogram for each ---- */

struct stat_walk {
	struct walk w;
	struct sema_state *st;
};

static struct sema_global *global_of(struct ast_expr *e)
{
	struct ast_expr *s = walk_root_symbol(e);

	return s && s->symbol.referent && s->symbol.referent->is_global ? s->symbol.referent->sema : NULL;
}

static void note_stat(struct sema_state *st, struct ast_expr *e, struct sema_global *g)
{
	g->stat_ops |= 1U << e->stat.fn;
	if (e->stat.fn != STAT_VARIANCE || !e->stat.has_param)
		return;
	if (g->variance_shift && g->variance_shift != e->stat.param)
		diag_error(st->s->diag, "variance-conflict", &e->at,
			   "conflicting bit shifts declared (previously %lld)",
			   (long long)g->variance_shift);
	g->variance_shift = e->stat.param;
}

static void note_hist(struct sema_state *st, struct ast_expr *e, struct sema_global *g)
{
	bool linear = e->hist.kind == HIST_LINEAR;

	if (linear && (e->hist.width <= 0 || e->hist.high <= e->hist.low)) {
		diag_error(st->s->diag, "histogram-bounds", &e->at,
			   "histogram needs low < high and a positive width");
		return;
	}
	if (g->has_hist && (g->hist != e->hist.kind ||
			    (linear && (g->low != e->hist.low || g->high != e->hist.high ||
					g->width != e->hist.width)))) {
		diag_error(st->s->diag, "histogram-conflict", &e->at,
			   "multiple histogram types declared on '%s'", g->var->name);
		return;
	}
	g->has_hist = true;
	g->hist = e->hist.kind;
	g->low = e->hist.low;
	g->high = e->hist.high;
	g->width = e->hist.width;
}

static void check_stat(struct walk *w, struct ast_expr *e)
{
	struct sema_state *st = ((struct stat_walk *)w)->st;
	struct sema_global *g;

	walk_expr(w, e);
	if (e->kind == EXPR_STAT) {
		g = global_of(e->stat.stat);
		if (g)
			note_stat(st, e, g);
	} else if (e->kind == EXPR_HIST) {
		g = global_of(e->hist.stat);
		if (g)
			note_hist(st, e, g);
	}
}

static void check_stat_sort(struct walk *w, struct ast_stmt *s)
{
	if (s->kind == STMT_FOREACH && s->foreach->base->kind == EXPR_SYMBOL && s->foreach->sort_dir) {
		struct sema_global *g = global_of(s->foreach->base);

		if (g && g->var->type == AST_STATS && !s->foreach->sort_column)
			g->stat_ops |= 1U << (s->foreach->sort_stat == STAT_NONE ? STAT_COUNT :
					      s->foreach->sort_stat);
	}
	walk_stmt(w, s);
}

static void for_all(struct sema_state *st, struct walk *w)
{
	for (size_t i = 0; i < arrlenu(st->bodies); i++) {
		w->stmt(w, st->bodies[i]->stmt);
		if (w->expr && st->bodies[i]->cond)
			w->expr(w, st->bodies[i]->cond);
	}
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		w->stmt(w, st->s->functions[i]->body);
}

void sema_check_statistics(struct sema_state *st)
{
	struct stat_walk c = {{check_stat, check_stat_sort}, st};
	struct usage u = {0};

	for_all(st, &c.w);
	usage_collect_all(&u, st);
	for (size_t i = 0; i < arrlenu(st->s->globals); i++) {
		struct sema_global *g = st->s->globals[i]->sema;
		unsigned use = usage_of(&u, st->s->globals[i]);

		g->read = use & USE_READ;
		g->written = use & USE_WRITTEN;
	}
	usage_fini(&u);
}

/* ---- arrays changed inside a foreach over them ---- */

struct iteration {
	const struct ast_var *array;
	const struct iteration *outer;
};

struct iter_walk {
	struct walk w;
	struct sema_state *st;
	const struct iteration *in;
};

static void check_modified(struct iter_walk *c, struct ast_expr *lvalue)
{
	const struct ast_expr *s = walk_root_symbol(lvalue);

	for (const struct iteration *i = c->in; s && i; i = i->outer)
		if (i->array == s->symbol.referent) {
			diag_error(c->st->s->diag, "foreach-modified", &s->at,
				   "variable '%s' modified during 'foreach' iteration", i->array->name);
			return;
		}
}

static void check_call(struct iter_walk *c, const struct ast_expr *e)
{
	for (size_t n = 0; n < e->call.ntargets && c->in; n++) {
		struct usage u = {0};

		usage_collect(&u, e->call.targets[n]->body, NULL);
		for (const struct iteration *i = c->in; i; i = i->outer)
			if (usage_of(&u, i->array) & USE_WRITTEN)
				diag_error(c->st->s->diag, "foreach-call-modifies", &e->at,
					   "function call modifies var '%s' during 'foreach' iteration",
					   i->array->name);
		usage_fini(&u);
	}
}

static void check_iter_expr(struct walk *w, struct ast_expr *e)
{
	struct iter_walk *c = (struct iter_walk *)w;

	if (e->kind == EXPR_ASSIGN)
		check_modified(c, e->binary.left);
	else if (e->kind == EXPR_PREFIX || e->kind == EXPR_POSTFIX)
		check_modified(c, e->unary.operand);
	else if (e->kind == EXPR_CALL)
		check_call(c, e);
	walk_expr(w, e);
}

static void check_iter_stmt(struct walk *w, struct ast_stmt *s)
{
	struct iter_walk *c = (struct iter_walk *)w;
	struct iteration here;

	if (s->kind == STMT_DELETE && s->expr->kind == EXPR_INDEX)
		check_modified(c, s->expr);
	if (s->kind != STMT_FOREACH || s->foreach->base->kind != EXPR_SYMBOL) {
		walk_stmt(w, s);
		return;
	}
	here = (struct iteration){s->foreach->base->symbol.referent, c->in};
	if (s->foreach->limit)
		check_iter_expr(w, s->foreach->limit);
	c->in = &here;
	check_iter_stmt(w, s->foreach->body);
	c->in = here.outer;
}

void sema_check_iterations(struct sema_state *st)
{
	struct iter_walk c = {{check_iter_expr, check_iter_stmt}, st, NULL};

	for_all(st, &c.w);
}

/* ---- regular expressions ---- */

static void check_regex(struct walk *w, struct ast_expr *e)
{
	struct sema_session *s = ((struct stat_walk *)w)->st->s;
	const char *fault = NULL;

	walk_expr(w, e);
	if (e->kind == EXPR_REGEX && e->binary.right->kind == EXPR_STRING)
		fault = ir_regex_fault(s->arena, e->binary.right->string);
	if (fault)
		diag_error(s->diag, "regex", &e->binary.right->at, "%s", fault);
}

void sema_check_regexes(struct sema_state *st)
{
	struct stat_walk c = {{check_regex, walk_stmt}, st};

	for_all(st, &c.w);
}

/* ---- functions of the library that need guru mode, or that cannot be ---- */

struct guru_walk {
	struct walk w;
	struct sema_state *st;
	bool found;		/* what was walked calls or is guru code */
	unsigned depth;
};

static void find_guru(struct walk *w, struct ast_expr *e);

static void find_guru_stmt(struct walk *w, struct ast_stmt *s)
{
	if (s->kind == STMT_EMBEDDED && s->embedded->tags & AST_TAG_GURU)
		((struct guru_walk *)w)->found = true;
	walk_stmt(w, s);
}

static bool is_guru(const struct ast_function *f, unsigned depth)
{
	struct guru_walk g = {{find_guru, find_guru_stmt}, .depth = depth};

	if (f->file && f->file->library && f->body)
		find_guru_stmt(&g.w, f->body);
	return g.found;
}

/* Wrappers of guru code are written in the file of that code, a few calls deep. */
static void find_guru(struct walk *w, struct ast_expr *e)
{
	struct guru_walk *g = (struct guru_walk *)w;

	if (e->kind == EXPR_CALL && g->depth < 4)
		for (size_t i = 0; i < e->call.ntargets && !g->found; i++)
			g->found = is_guru(e->call.targets[i], g->depth + 1);
	walk_expr(w, e);
}

static bool written_by_user(const struct sema_session *s, const struct span *at)
{
	for (size_t i = 0; i < arrlenu(s->files); i++)
		if (s->files[i]->src == at->src)
			return true;
	return false;
}

/* %{ ir refused "REASON" %}: what SystemTap has and an eBPF program can never do.  NULL: it is not that. */
static const char *refusal(struct sema_session *s, const struct ast_function *f)
{
	const char *text = f->file && f->file->library && f->body && f->body->kind == STMT_EMBEDDED ?
			   strstr(f->body->embedded->text, "ir refused \"") : NULL, *end;

	if (!text)
		return NULL;
	text += strlen("ir refused \"");
	end = strchr(text, '"');
	return end ? arena_strndup(s->arena, text, (size_t)(end - text)) : NULL;
}

static void check_refused(struct walk *w, struct ast_expr *e)
{
	struct sema_session *s = ((struct guru_walk *)w)->st->s;
	const char *reason = NULL;

	walk_expr(w, e);
	if (e->kind == EXPR_CALL && e->call.ntargets && written_by_user(s, &e->at))
		reason = refusal(s, e->call.targets[0]);
	if (reason)
		diag_error(s->diag, "call-refused", &e->at, "function '%s' cannot work: %s", e->call.targets[0]->name,
			   reason);
}

static void check_guru(struct walk *w, struct ast_expr *e)
{
	struct sema_session *s = ((struct guru_walk *)w)->st->s;

	walk_expr(w, e);
	if (e->kind == EXPR_CALL && e->call.ntargets && written_by_user(s, &e->at) &&
	    is_guru(e->call.targets[0], 0))
		diag_error(s->diag, "call-guru", &e->at, "function may not be used unless -g is specified");
}

void sema_check_guru(struct sema_state *st)
{
	struct guru_walk c = {{st->s->guru ? check_refused : check_guru, walk_stmt}, .st = st};

	for_all(st, &c.w);
}
