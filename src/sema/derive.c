/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Derivation: from the points that a probe lists to resolved points with bodies.
 *
 * A point that names an alias becomes the alias's points, each with what was written behind
 * the alias's name, and the alias's body before or behind the probe's.  Others are resolved
 * by the probe families.  `?` holds for all that a point expands to; `!` ends the list once
 * something was found.
 */
#include <fnmatch.h>

#include "base/glob.h"
#include "probe/family.h"
#include "sema/alias.h"

#define MAX_ALIAS_DEPTH 64
#define MAX_EXPANSIONS 20000	/* of aliases in one script: ends what would grow exponentially */

/* One alias on the way from the probe to a point. */
struct alias_step {
	const struct ast_probe *alias;
	const struct ast_point *via;	/* the point that named it */
	const struct ast_point *named;	/* the same without wild cards */
	const struct alias_step *up;	/* towards the probe */
};

struct deriver {
	struct sema_state *st;
	const struct ast_probe *probe;
	const struct ast_point *written;	/* in the probe's own list */
	struct sema_body *plain;		/* body shared by all points without aliases or conditions */
	const struct alias_step *step;		/* whose texts these are: an alias may have many points */
	const char *origin, *alias;
	bool missed;				/* a family knows such a point, and found none */
};

static size_t derive_list(struct deriver *d, struct ast_point *const *list, size_t n, bool optional,
			  const struct alias_step *step);

static struct ast_stmt *block_of(struct arena *a, const struct ast_stmt *place, struct ast_stmt *first,
				 struct ast_stmt *second)
{
	struct ast_stmt *b = arena_new(a, struct ast_stmt);

	b->kind = STMT_BLOCK;
	b->at = place->at;
	b->block.stmts = arena_new_array(a, struct ast_stmt *, 2);
	b->block.stmts[b->block.nstmts++] = first;
	if (second)
		b->block.stmts[b->block.nstmts++] = second;
	return b;
}

/* ---- @probewrite(v): does the probe itself write v? ---- */

struct write_search {
	struct walk w;
	const char *name;
	bool found;
};

static void search_write(struct walk *w, struct ast_expr *e)
{
	struct write_search *s = (struct write_search *)w;
	const struct ast_expr *v = NULL;

	if (e->kind == EXPR_ASSIGN)
		v = walk_root_symbol(e->binary.left);
	else if (e->kind == EXPR_PREFIX || e->kind == EXPR_POSTFIX)
		v = walk_root_symbol(e->unary.operand);
	if (v && v->symbol.name == s->name)
		s->found = true;
	walk_expr(w, e);
}

struct write_folder {
	struct walk w;
	struct ast_stmt *body;
};

static void fold_probewrite(struct walk *w, struct ast_expr *e)
{
	struct write_search s = {{search_write, walk_stmt}, NULL, false};

	walk_expr(w, e);
	if (e->kind != EXPR_PROBEWRITE)
		return;
	if (e->wrap.operand->kind == EXPR_SYMBOL) {
		s.name = e->wrap.operand->symbol.name;
		walk_stmt(&s.w, ((struct write_folder *)w)->body);
	}
	walk_set_number(e, s.found);
}

/* ---- bodies ---- */

/* The probe's statements in those of the aliases, from the outermost alias inwards. */
static struct ast_stmt *combine_bodies(struct deriver *d, const struct alias_step *step)
{
	struct arena *a = d->st->s->arena;
	const struct alias_step **steps = NULL;
	struct ast_stmt *s = sema_copy_stmt(a, d->probe->body);

	for (; step; step = step->up)
		arrput(steps, step);
	for (size_t i = arrlenu(steps); i-- > 0;) {
		const struct ast_probe *al = steps[i]->alias;
		struct ast_stmt *body = sema_copy_stmt(a, al->body);

		s = al->epilogue ? block_of(a, d->probe->body, s, body) :
				   block_of(a, d->probe->body, body, s);
		if (al->body2)
			s = block_of(a, d->probe->body, s, sema_copy_stmt(a, al->body2));
	}
	arrfree(steps);
	return s;
}

static struct ast_expr *join_condition(struct arena *a, struct ast_expr *left, const struct ast_expr *c)
{
	struct ast_expr *e;

	if (!c)
		return left;
	if (!left)
		return sema_copy_expr(a, c);
	e = arena_new(a, struct ast_expr);
	e->kind = EXPR_LOGICAL;
	e->op = OP_LOGAND;
	e->at = c->at;
	e->binary.left = left;
	e->binary.right = sema_copy_expr(a, c);
	return e;
}

static struct sema_body *new_body(struct deriver *d, const struct ast_point *pt,
				  const struct alias_step *step)
{
	struct arena *a = d->st->s->arena;
	struct sema_body *b = arena_new(a, struct sema_body);
	struct write_folder folder = {{fold_probewrite, walk_stmt}, d->probe->body};

	b->probe = d->probe;
	b->stmt = combine_bodies(d, step);
	walk_stmt(&folder.w, b->stmt);
	b->cond = join_condition(a, NULL, pt->cond);
	for (; step; step = step->up)
		b->cond = join_condition(a, b->cond, step->via->cond);
	return b;
}

/* ---- derived points ---- */

static const char *origin_text(struct deriver *d, const struct alias_step *step)
{
	struct arena *a = d->st->s->arena;
	const char *text = "";

	for (; step; step = step->up)
		text = arena_printf(a, "%s%s <- ", text, sema_text_alias(a, step->alias));
	return arena_printf(a, "%s%s", text, sema_text_points(a, d->probe->points, d->probe->npoints, ","));
}

/* The name under which -l shows the point: the alias that the probe itself named. */
static const char *alias_text(struct deriver *d, const struct alias_step *step)
{
	if (!step)
		return NULL;
	while (step->up)
		step = step->up;
	return sema_text_point(d->st->s->arena, step->named);
}

static void add_points(struct deriver *d, const struct ast_point *pt, const struct alias_step *step,
		       struct probe_point **points)
{
	struct sema_state *st = d->st;
	struct sema_body *shared = NULL;
	bool plain = !step && !pt->cond;

	if (plain)
		shared = d->plain;
	if (!d->origin || d->step != step) {
		d->step = step;
		d->origin = origin_text(d, step);
		d->alias = alias_text(d, step);
	}
	for (size_t i = 0; i < arrlenu(points); i++) {
		struct sema_probe *p = arena_new(st->s->arena, struct sema_probe);

		*p = (struct sema_probe){points[i], shared, d->probe, d->written, pt, d->origin,
					 d->alias};

		if (!shared) {
			p->body = new_body(d, pt, step);
			p->body->point = points[i];
			if (!walk_depends_on_point(p->body->stmt, p->body->cond)) {
				shared = p->body;
				if (plain)
					d->plain = shared;
			}
			sema_resolve_body(st, p->body, points[i]);
			arrput(st->bodies, p->body);
		}
		arrput(st->s->probes, p);
	}
}

/* ---- failures ---- */

static void report(struct deriver *d, const struct ast_point *pt, struct diag *why)
{
	struct diag_sink *sink = d->st->s->diag;

	diag_issue(sink, diag_chain(diag_new(sink, DIAG_SEMANTIC_ERROR, "probe-resolve",
					     &pt->components[0].at, "while resolving probe point"),
				    why));
}

/* Why nothing has this name, in view of the families and the aliases together. */
static struct diag *explain(struct deriver *d, const struct ast_point *pt, const struct probe_result *r)
{
	struct diag_sink *sink = d->st->s->diag;
	struct arena *a = d->st->s->arena;
	struct alias_node *node;
	size_t depth = alias_tree_depth(d->st->aliases, d->st, pt, &node), at;
	const char **names, *similar;

	if (!r->mismatch)
		return r->why;
	at = (size_t)(r->mismatch - pt->components);
	if (depth < at)
		return r->why;
	if (depth == pt->ncomponents) {
		const char *list = "";

		for (size_t i = 0; i < arrlenu(node->children); i++)
			list = arena_printf(a, "%s %s", list, node->children[i]->name);
		return diag_new(sink, DIAG_SEMANTIC_ERROR, "probe-truncated", &pt->components[depth - 1].at,
				"probe point truncated (follow: %s)", list);
	}
	names = depth == at ? probe_next_names(a, pt->components, at) : NULL;
	for (size_t i = 0; i < arrlenu(node->children); i++)
		arrput(names, node->children[i]->name);
	similar = probe_similar(a, pt->components[depth].name, names, arrlenu(names), PROBE_SIMILAR_MAX);
	arrfree(names);
	return diag_new(sink, DIAG_SEMANTIC_ERROR, "probe-mismatch", &pt->components[depth].at,
			"probe point mismatch%s%s%s%s",
			is_glob(pt->components[depth].name) ?
				": didn't find any wildcard matches" : "",
			*similar ? " (similar: " : "", similar, *similar ? ")" : "");
}

/* ---- aliases ---- */

struct alias_use {
	struct deriver *d;
	const struct ast_point *pt;
	const struct alias_step *step;
	bool optional, told;			/* told: why the points behind it are none has been said */
	size_t found, recursions;
	const struct ast_component *suffix;	/* first component behind the alias's name, if any */
};

/* Has the point been expanded on the way to itself? */
static bool is_recursive(const struct ast_point *pt, const struct alias_step *step)
{
	const struct span *at = &pt->components[0].at;

	for (size_t depth = 0; step; step = step->up, depth++) {
		const struct span *up = &step->via->components[0].at;

		if ((up->src == at->src && up->line == at->line && up->col == at->col) ||
		    depth > MAX_ALIAS_DEPTH)
			return true;
	}
	return false;
}

/* A point of an alias with the suffix written behind the alias's name. */
static struct ast_point *with_suffix(struct arena *a, const struct ast_point *pt,
				     const struct ast_point *outer, size_t used)
{
	struct ast_point *n = arena_memdup(a, pt, sizeof(*pt));
	size_t more = outer->ncomponents - used;

	if (!more)
		return n;
	n->components = arena_new_array(a, struct ast_component, pt->ncomponents + more);
	for (size_t i = 0; i < pt->ncomponents; i++)
		n->components[i] = pt->components[i];
	for (size_t i = 0; i < more; i++)
		n->components[pt->ncomponents + i] = outer->components[used + i];
	n->ncomponents += more;
	return n;
}

/* The alias's own name, with what was written behind it. */
static const struct ast_point *alias_named(struct arena *a, const struct ast_probe *alias,
					   const struct ast_point *pt, size_t used)
{
	for (size_t i = 0; i < alias->nnames; i++) {
		const struct ast_point *name = alias->names[i];
		size_t k = 0;

		while (k < used && k < name->ncomponents &&
		       !fnmatch(pt->components[k].name, name->components[k].name, 0))
			k++;
		if (k == name->ncomponents || i + 1 == alias->nnames)
			return with_suffix(a, name, pt, used);
	}
	return pt;
}

static void use_alias(void *ctx, const struct ast_probe *alias, size_t used)
{
	struct alias_use *u = ctx;
	struct sema_session *s = u->d->st->s;
	struct alias_step step = {alias, u->pt, alias_named(s->arena, alias, u->pt, used), u->step};
	struct alias_step *kept;
	struct ast_point **points;

	if (is_recursive(u->pt, u->step) || u->d->st->expansions++ > MAX_EXPANSIONS) {
		u->recursions++;
		return;
	}
	if (alias->file)
		sema_use_file(u->d->st, alias->file);
	kept = arena_memdup(s->arena, &step, sizeof(step));
	points = arena_new_array(s->arena, struct ast_point *, alias->npoints + 1);
	for (size_t i = 0; i < alias->npoints; i++)
		points[i] = with_suffix(s->arena, alias->points[i], u->pt, used);
	if (used < u->pt->ncomponents)
		u->suffix = &u->pt->components[used];
	u->d->missed = false;
	u->found += derive_list(u->d, points, alias->npoints, u->optional || u->suffix, kept);
	if (!u->suffix || u->optional || u->found || !u->d->missed)
		return;
	/* once more, to say why */
	u->told = true;
	derive_list(u->d, points, alias->npoints, false, kept);
}

/* ---- points ---- */

static bool point_is_glob(const struct ast_point *pt)
{
	for (size_t i = 0; i < pt->ncomponents; i++)
		if (is_glob(pt->components[i].name))
			return true;
	return false;
}

/* Returns the number of points found; says why if there are none. */
static size_t derive_point(struct deriver *d, const struct ast_point *pt, bool optional,
			   const struct alias_step *step)
{
	struct sema_session *s = d->st->s;
	bool glob = point_is_glob(pt);
	struct alias_use use = {.d = d, .pt = pt, .step = step, .optional = optional};
	size_t aliases = alias_tree_match(d->st->aliases, d->st, pt, use_alias, &use);
	struct probe_result r = {0};
	size_t n = use.found;
	struct diag *why = NULL;

	if (!aliases || glob) {
		s->probe->optional = optional;
		probe_resolve(s->probe, pt, &r);
		n += arrlenu(r.points);
		add_points(d, pt, step, r.points);
		why = r.why;
		arrfree(r.points);
	}
	d->missed |= !n && r.known;
	if (n || optional)
		return n;
	if (d->st->expansions > MAX_EXPANSIONS)
		why = diag_new(s->diag, DIAG_SEMANTIC_ERROR, "alias-limit", NULL,
			       "too many alias expansions (limit %d)", MAX_EXPANSIONS);
	else if (use.recursions)
		why = diag_new(s->diag, DIAG_SEMANTIC_ERROR, "alias-recursive", NULL,
			       "recursive loop in alias expansion of %s at %s:%u:%u",
			       sema_text_point(s->arena, pt), pt->components[0].at.src->name,
			       pt->components[0].at.line, pt->components[0].at.col);
	else if (use.suffix && !r.known && !use.told)
		why = diag_new(s->diag, DIAG_SEMANTIC_ERROR, "probe-suffix", &use.suffix->at,
			       "invalid suffix for probe");
	else if (aliases && !r.known)
		why = diag_new(s->diag, DIAG_SEMANTIC_ERROR, "no-match", NULL, "no match");
	else if (!r.known)
		why = explain(d, pt, &r);
	report(d, pt, why);
	return 0;
}

static size_t derive_list(struct deriver *d, struct ast_point *const *list, size_t n, bool optional,
			  const struct alias_step *step)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ast_point *pt = list[i];
		size_t now;

		if (!step)
			d->written = pt;
		now = derive_point(d, pt, optional || pt->optional || pt->sufficient, step);
		found += now;
		if (now && pt->sufficient)
			break;
	}
	return found;
}

void sema_derive_probe(struct sema_state *st, struct ast_probe *p)
{
	struct deriver d = {.st = st, .probe = p};

	derive_list(&d, p->points, p->npoints, false, NULL);
}
