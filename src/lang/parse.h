/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pass 1: from text to the syntax tree.
 *
 *   source -> lexer -> macros -> conditionals -> parser -> struct ast_file
 *
 * What the preprocessor may ask about the session is in struct parse_env.
 * Errors go to env->sink in SystemTap's words; parsing goes on behind an error
 * at the next declaration, so that one run shows several.
 */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "lang/ast.h"

struct arena;
struct macro_table;

struct parse_env {
	struct arena *arena;	/* takes the tree */
	struct diag_sink *sink;
	const char *kernel_v;	/* "6.1.0" */
	const char *kernel_vr;	/* "6.1.0-56-amd64" */
	const char *arch;	/* "x86_64" */
	const char *systemtap_v;	/* the version scripts see, "4.8" */
	const char *privilege;	/* "stapdev", "stapsys", "stapusr" */
	const char *runtime;	/* "kernel", "dyninst", "bpf" */
	bool guru;		/* -g: embedded code is accepted in scripts */
	/* Value of a CONFIG_ option ("y", "m", a number), or NULL if it is not set. */
	const char *(*config)(void *ctx, const char *name);
	void *config_ctx;
	const char *const *args;	/* the script's command-line arguments */
	size_t nargs;
	bool *args_used;	/* nargs flags, set for every argument used; or NULL */
	struct macro_table *library_macros;	/* from .stpm files; or NULL */
	/* Called when library_macros lacks a name: may read the macro file that defines it. Or NULL. */
	void (*find_macro)(void *ctx, const char *name);
	void *find_macro_ctx;
};

/*
 * Parses a user's script.  Returns NULL after an error, which has been issued
 * (as has the closing "N parse errors." line).
 */
struct ast_file *parse_script(struct parse_env *env, const struct source *src);

/*
 * Parses a library file: embedded code is accepted, functions get the
 * library's priority, and an empty file is well.  Otherwise as parse_script.
 */
struct ast_file *parse_library_file(struct parse_env *env, const struct source *src);

/*
 * Reads a library macro file (.stpm) into env->library_macros, which is created
 * if it is NULL.  Returns 0, or -1 after an error; then the file adds nothing.
 */
int parse_macro_file(struct parse_env *env, const struct source *src);

/* Releases env->library_macros. */
void parse_env_fini(struct parse_env *env);

/* ---- what a library file defines, without its syntax tree ---- */

enum scan_kind {
	SCAN_FUNCTION,
	SCAN_GLOBAL,
	SCAN_ALIAS,
	SCAN_MACRO,
	SCAN_PROBE,	/* a probe that is no alias: name is NULL */
};

/* `name` (for aliases the dotted name without parameters) has `len` bytes. */
typedef void scan_fn(void *ctx, enum scan_kind kind, const char *name, size_t len);

/*
 * Reports everything that `src` may define at its top level.  Both branches of
 * conditionals count, and nothing is checked: it is for an index from names to
 * files.  No diagnostics, no allocation.
 */
void parse_scan(const struct source *src, scan_fn *fn, void *ctx);

#endif
