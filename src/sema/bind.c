/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target variables of a scope: bound through sema/target.h.  What cannot be bound is kept in
 * state.unbound: it is an error only if the expression survives dead-code removal.
 * @defined, @const and @enum fold to constants here.  (e)->m waits for autocast.c, and so does a @defined of such.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sema/state.h"
#include "sema/target.h"

typedef void resolve_fn(struct sema_scope *sc, struct ast_expr *e);

static struct target_ctx context(const struct sema_scope *sc)
{
	return (struct target_ctx){.ps = sc->st->s->probe, .point = sc->point};
}

static void unbound(struct sema_scope *sc, const struct ast_expr *e, struct diag *why)
{
	hmput(sc->st->unbound, e, why);
}

struct binder {
	struct walk w;
	struct sema_scope *sc;
	resolve_fn *resolve;
};

static void bind_child(struct walk *w, struct ast_expr *e)
{
	struct binder *b = (struct binder *)w;

	b->resolve(b->sc, e);
}

/* Indices and operands, which are expressions of their own. */
static void resolve_operands(struct sema_scope *sc, struct ast_expr *e, resolve_fn *resolve)
{
	struct binder b = {{bind_child, NULL}, sc, resolve};
	unsigned saved = sc->assigned;

	sc->assigned = 0;
	walk_expr(&b.w, e);
	sc->assigned = saved;
}

/* At a return a variable has the value of the entry: said to who does not write @entry. */
static void warn_captured(struct sema_scope *sc, const struct ast_expr *e)
{
	const struct probe_point *pt = sc->point;
	const char *name = e->kind == EXPR_TARGET ? e->target->name : "$return";

	if (!pt || (pt->scope != PROBE_SCOPE_RETURN && pt->scope != PROBE_SCOPE_KERNEL_RETURN) ||
	    !strcmp(name, "$return") || !strcmp(name, "$$return") || (e->at.src && e->at.src->tapset))
		return;
	diag_warn(sc->st->s->diag, "captured", &e->at, "confusing usage, value is captured as @entry(%s) in .return "
		  "probe [man stapprobes] RETURN PROBES", sema_text_expr(sc->st->s->arena, e));
}

static void bind_target(struct sema_scope *sc, struct ast_expr *e, resolve_fn *resolve)
{
	struct target_ctx c = context(sc);
	unsigned use = 0;
	struct diag *why = NULL;

	resolve_operands(sc, e, resolve);
	if (sc->assigned & SEMA_WRITTEN)
		use |= TARGET_WRITE;
	if (!sc->assigned || (sc->assigned & SEMA_READ))
		use |= TARGET_READ;
	e->sema = target_bind(&c, e, use, &why);
	if (!e->sema)
		unbound(sc, e, why);
	else
		warn_captured(sc, e);
}

static void bind_entry(struct sema_scope *sc, struct ast_expr *e, resolve_fn *resolve)
{
	struct target_ctx c = context(sc);
	const struct probe_point *saved = sc->point, *entry;
	struct diag *why = NULL;

	e->sema = target_bind(&c, e, TARGET_READ, &why);
	if (!e->sema) {
		unbound(sc, e, why);
		return;
	}
	entry = target_entry_point(e->sema);
	if (entry)
		sc->point = entry;
	resolve_operands(sc, e, resolve);
	sc->point = saved;
}

struct probing {
	struct walk w;
	struct sema_state *st;
	bool bound;
	bool open;	/* not to be said before the type of some (e) in (e)->m is known */
};

static void probe_bound(struct walk *w, struct ast_expr *e)
{
	struct probing *p = (struct probing *)w;

	if (hmgeti(p->st->unbound, e) >= 0) {
		p->bound = false;
		return;
	}
	if (e->kind == EXPR_AUTOCAST && !e->sema)
		p->open = true;
	walk_expr(w, e);
}

bool sema_fold_defined(struct sema_state *st, struct ast_expr *e)
{
	struct probing p = {{probe_bound, NULL}, st, true, false};

	probe_bound(&p.w, e->wrap.operand);
	if (p.bound && p.open)
		return false;
	walk_set_number(e, p.bound);
	return true;
}

/* @defined(e): does everything in e bind? */
static void bind_defined(struct sema_scope *sc, struct ast_expr *e, resolve_fn *resolve)
{
	bool failed;

	diag_hold(sc->st->s->diag);
	resolve(sc, e->wrap.operand);
	failed = diag_held_errors(sc->st->s->diag) != 0;
	diag_release(sc->st->s->diag, false);
	if (failed)
		walk_set_number(e, 0);
	else
		sema_fold_defined(sc->st, e);
}

static void fold_enumerator(struct sema_scope *sc, struct ast_expr *e)
{
	struct target_ctx c = context(sc);
	const char *text = e->name.text;
	char *end;
	int64_t v;

	if (e->kind == EXPR_CONST) {
		errno = 0;
		v = (int64_t)strtoull(text, &end, 0);
		if (end != text && !*end && !errno) {
			walk_set_number(e, v);
			return;
		}
	}
	if (target_enum(&c, text, e->name.module, &v))
		walk_set_number(e, v);
	else
		unbound(sc, e, diag_new(sc->st->s->diag, DIAG_SEMANTIC_ERROR, "constant", &e->at,
					"unable to find constant '%s'", text));
}

void sema_bind(struct sema_scope *sc, struct ast_expr *e, resolve_fn *resolve)
{
	if (e->sema)
		return;
	switch (e->kind) {
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_PERF:
		bind_target(sc, e, resolve);
		break;
	case EXPR_AUTOCAST:
		resolve_operands(sc, e, resolve);
		break;
	case EXPR_ENTRY:
		bind_entry(sc, e, resolve);
		break;
	case EXPR_DEFINED:
		bind_defined(sc, e, resolve);
		break;
	case EXPR_CONST:
	case EXPR_ENUM:
		fold_enumerator(sc, e);
		break;
	default:
		break;
	}
}
