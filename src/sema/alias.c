/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of alias names and how probe points match it; see alias.h. */
#include "sema/alias.h"

#include <fnmatch.h>
#include <string.h>

#include "base/glob.h"
#include "base/xalloc.h"
#include "sema/index.h"

static struct alias_node *child(struct alias_node *node, const char *name, bool create)
{
	size_t lo = 0, hi = arrlenu(node->children);
	struct alias_node *n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(node->children[mid]->name, name);

		if (!c)
			return node->children[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!create)
		return NULL;
	n = xcalloc(1, sizeof(*n));
	n->name = name;
	arrins(node->children, lo, n);
	return n;
}

static void add_dotted(struct alias_node *root, const char *dotted, struct alias_ref ref)
{
	struct alias_node *node = root;

	ref.name = dotted;
	for (const char *p = dotted; *p;) {
		size_t len = strcspn(p, ".");

		node = child(node, intern_n(p, len), true);
		p += len + (p[len] == '.');
	}
	arrput(node->aliases, ref);
}

static const char *dotted_name(struct arena *a, const struct ast_point *pt)
{
	const char *text = "";

	for (size_t i = 0; i < pt->ncomponents; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "." : "", pt->components[i].name);
	return intern(text);
}

/* Brings the tapset's aliases below a first component into the tree, or all of them (NULL). */
static void load(struct alias_tree *tree, struct sema_state *st, const char *first)
{
	struct sema_index_alias *list;

	first = first ? intern(first) : NULL;
	if (tree->complete || (first && hmget(tree->firsts, first)))
		return;
	list = sema_index_aliases(st->s->index, first);
	for (size_t i = 0; i < arrlenu(list); i++) {
		const char *name = list[i].name;

		if (first || !hmget(tree->firsts, intern_n(name, strcspn(name, "."))))
			add_dotted(&tree->root, name, (struct alias_ref){.file = list[i].file});
	}
	arrfree(list);
	if (first)
		hmput(tree->firsts, first, true);
	else
		tree->complete = true;
}

/* Adds an alias of the script under each of its names, behind those of the tapset. */
static void add_alias(struct alias_tree *tree, struct sema_state *st, const struct ast_probe *alias)
{
	struct alias_ref ref = {.probe = alias};

	for (size_t i = 0; i < alias->nnames; i++) {
		const struct ast_point *pt = alias->names[i];
		bool parameter = false;

		for (size_t k = 0; k < pt->ncomponents; k++) {
			if (!pt->components[k].arg)
				continue;
			diag_issue(st->s->diag,
				   diag_chain(diag_new(st->s->diag, DIAG_SEMANTIC_ERROR, "alias-register",
						       &alias->at, "while registering probe alias"),
					      diag_new(st->s->diag, DIAG_SEMANTIC_ERROR, "alias-parameter",
						       NULL, "alias component %s contains illegal parameter",
						       pt->components[k].name)));
			parameter = true;
		}
		if (parameter)
			continue;
		load(tree, st, pt->components[0].name);
		add_dotted(&tree->root, dotted_name(st->s->arena, pt), ref);
	}
}

struct alias_tree *alias_tree_create(struct sema_state *st)
{
	struct alias_tree *tree = xcalloc(1, sizeof(*tree));

	for (size_t f = 0; f < arrlenu(st->s->files); f++)
		for (size_t i = 0; i < st->s->files[f]->naliases; i++)
			add_alias(tree, st, st->s->files[f]->aliases[i]);
	return tree;
}

static void free_children(struct alias_node *node)
{
	for (size_t i = 0; i < arrlenu(node->children); i++) {
		free_children(node->children[i]);
		free(node->children[i]);
	}
	arrfree(node->children);
	arrfree(node->aliases);
}

void alias_tree_destroy(struct alias_tree *tree)
{
	if (!tree)
		return;
	free_children(&tree->root);
	hmfree(tree->firsts);
	free(tree);
}

struct matcher {
	struct sema_state *st;
	const struct ast_point *pt;
	alias_match_fn *fn;
	void *ctx;
};

/* The dotted names of a parsed file's aliases, made once. */
static const struct alias_names *file_names(struct sema_state *st, struct ast_file *f)
{
	struct alias_names *list = hmget(st->alias_names, f);

	if (list)
		return list;
	for (size_t k = 0; k < f->naliases; k++)
		for (size_t n = 0; n < f->aliases[k]->nnames; n++) {
			struct alias_names name = {dotted_name(st->s->arena, f->aliases[k]->names[n]), f->aliases[k]};

			arrput(list, name);
		}
	hmput(st->alias_names, f, list);
	return list;
}

/* Hands over the aliases that end at a node, parsing their files. */
static size_t emit(struct matcher *m, const struct alias_node *node, size_t used)
{
	size_t count = 0;

	for (size_t i = 0; i < arrlenu(node->aliases); i++) {
		const struct alias_ref *ref = &node->aliases[i];
		const struct alias_names *names;
		struct ast_file *f;

		if (ref->probe) {
			m->fn(m->ctx, ref->probe, used);
			count++;
			continue;
		}
		/* a file is listed once for each of its aliases of this name, and scanned once */
		if (i && node->aliases[i - 1].file == ref->file && !node->aliases[i - 1].probe)
			continue;
		f = sema_index_file(m->st->s->index, ref->file);
		if (!f)
			continue;
		names = file_names(m->st, f);
		for (size_t k = 0; k < arrlenu(names); k++) {
			if (names[k].name != ref->name)
				continue;
			m->fn(m->ctx, names[k].alias, used);
			count++;
		}
	}
	return count;
}

static size_t match_from(struct matcher *m, const struct alias_node *node, size_t pos);

/* `a**b` over several components: the node's name matches `a*`, the rest goes on with `**b`. */
static size_t match_deep(struct matcher *m, const struct alias_node *node, size_t pos, const char *pattern)
{
	const char *stars = strstr(pattern, "**");
	const char *head = arena_printf(m->st->s->arena, "%.*s*", (int)(stars - pattern), pattern);
	size_t count = 0;

	for (size_t i = 0; i < arrlenu(node->children); i++)
		if (!fnmatch(pattern, node->children[i]->name, 0))
			count += match_from(m, node->children[i], pos + 1);
	for (size_t i = 0; i < arrlenu(node->children); i++)
		if (!fnmatch(head, node->children[i]->name, 0))
			count += match_deep(m, node->children[i], pos, stars);
	return count;
}

static size_t match_from(struct matcher *m, const struct alias_node *node, size_t pos)
{
	const struct ast_component *c = &m->pt->components[pos];
	size_t count = 0;

	if (pos == m->pt->ncomponents)
		return emit(m, node, pos);
	if (!c->arg) {
		if (strstr(c->name, "**")) {
			count = match_deep(m, node, pos, c->name);
		} else if (is_glob(c->name)) {
			for (size_t i = 0; i < arrlenu(node->children); i++)
				if (!fnmatch(c->name, node->children[i]->name, 0))
					count += match_from(m, node->children[i], pos + 1);
		} else {
			const struct alias_node *n = child((struct alias_node *)node, c->name, false);

			count = n ? match_from(m, n, pos + 1) : 0;
		}
	}
	return count ? count : emit(m, node, pos);
}

size_t alias_tree_match(struct alias_tree *tree, struct sema_state *st, const struct ast_point *pt,
			alias_match_fn *fn, void *ctx)
{
	struct matcher m = {st, pt, fn, ctx};
	const char *first = pt->components[0].name;

	load(tree, st, is_glob(first) ? NULL : first);
	return match_from(&m, &tree->root, 0);
}

size_t alias_tree_depth(struct alias_tree *tree, struct sema_state *st, const struct ast_point *pt,
			struct alias_node **node)
{
	size_t n = 0;

	load(tree, st, NULL);
	*node = &tree->root;
	while (n < pt->ncomponents && !pt->components[n].arg) {
		struct alias_node *c = child(*node, pt->components[n].name, false);

		if (!c)
			break;
		*node = c;
		n++;
	}
	return n;
}
