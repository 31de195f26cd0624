/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of alias names, of the script and of the tapset; private to sema. */
#ifndef SEMA_ALIAS_H
#define SEMA_ALIAS_H

#include "sema/state.h"

struct alias_ref {
	const struct ast_probe *probe;	/* NULL: in the tapset's file `file`, not parsed yet */
	uint32_t file;
	const char *name;		/* dotted */
};

struct alias_node {
	const char *name;
	struct alias_node **children;	/* stb_ds array, sorted by name */
	struct alias_ref *aliases;	/* stb_ds array: those that end here */
};

/* The aliases of the script, and those of the tapset below the first components that were asked for. */
struct alias_tree {
	struct alias_node root;
	bool complete;					/* all of the tapset */
	struct { const char *key; bool value; } *firsts;	/* interned: the tapset's below it are in */
};

/* With the aliases of the script's files; those of the tapset are added when they are asked for. */
struct alias_tree *alias_tree_create(struct sema_state *st);
void alias_tree_destroy(struct alias_tree *tree);

/* An alias of a parsed file under one of its names, which is interned. */
struct alias_names {
	const char *name;
	const struct ast_probe *alias;
};

/* Called for an alias that matches the first `n` components of a point. */
typedef void alias_match_fn(void *ctx, const struct ast_probe *alias, size_t n);
/*
 * Finds the aliases that match `pt`: the whole of it, or if there are none below a name, the
 * longest part, behind which the rest is a suffix.  Returns their number.
 */
size_t alias_tree_match(struct alias_tree *tree, struct sema_state *st, const struct ast_point *pt,
			alias_match_fn *fn, void *ctx);
/* How many leading components the tree has; *node: where it stops. */
size_t alias_tree_depth(struct alias_tree *tree, struct sema_state *st, const struct ast_point *pt,
			struct alias_node **node);

#endif
