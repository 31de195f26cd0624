/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of the tapset: which file defines which name.
 *
 * Of the shipped files it is known beforehand from the name table beside them (lang/names.h); a file that is not in
 * the table or was changed since, and those of -I, are scanned for names when the index is made. A file is
 * parsed only when something in it is asked for, macro files of the table too.
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

/*
 * Aliases whose dotted name begins with the component `first` (NULL: all), in no order; `file` is for
 * sema_index_file(). stb_ds array, caller arrfree()s.
 */
struct sema_index_alias {
	const char *name;
	uint32_t file;
};
struct sema_index_alias *sema_index_aliases(const struct sema_index *ix, const char *first);
/* The parsed file, or NULL after errors. */
struct ast_file *sema_index_file(struct sema_index *ix, uint32_t file);
/* Files numbered from 0. */
size_t sema_index_nfiles(const struct sema_index *ix);

/* Names of all functions, for "similar: ..."; stb_ds array, caller arrfree()s. */
const char **sema_index_function_names(const struct sema_index *ix);

#endif
