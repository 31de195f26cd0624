/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of the tapset: which file defines which name.
 *
 * All files are scanned for names when the index is made; a file is parsed only when
 * something in it is asked for.
 */
#ifndef SEMA_INDEX_H
#define SEMA_INDEX_H

#include "lang/ast.h"
#include "sema/sema.h"

struct sema_index *sema_index_create(struct sema_session *s);
void sema_index_destroy(struct sema_index *ix);

/* Public functions of this (interned) name in all files; stb_ds array, caller arrfree()s. */
struct ast_function **sema_index_functions(struct sema_index *ix, const char *name);
/* The public global of this name, or NULL. */
struct ast_var *sema_index_global(struct sema_index *ix, const char *name);

/* Aliases: dotted names in no order; `file` is for sema_index_file(). */
struct sema_index_alias {
	const char *name;
	uint32_t file;
};
const struct sema_index_alias *sema_index_aliases(const struct sema_index *ix, size_t *n);
/* The parsed file, or NULL after errors. */
struct ast_file *sema_index_file(struct sema_index *ix, uint32_t file);
size_t sema_index_nfiles(const struct sema_index *ix);

/* Names of all functions, for "similar: ..."; stb_ds array, caller arrfree()s. */
const char **sema_index_function_names(const struct sema_index *ix);

#endif
