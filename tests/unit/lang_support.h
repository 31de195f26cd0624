/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the tests of src/lang: one parse with its messages and its tree. */
#ifndef TESTS_LANG_SUPPORT_H
#define TESTS_LANG_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "lang/parse.h"

struct parse_run {
	struct arena *arena;
	struct diag_sink sink;
	struct parse_env env;
	struct ast_file *file;	/* NULL after an error */
	char *messages;		/* what went to the sink */
	size_t messages_len;
};

struct parse_options {
	bool guru, library;
	const char *const *args;
	size_t nargs;
	bool *args_used;
	const char *macros;	/* text of a library macro file, or NULL */
};

/* Parses `text`, named "<input>"; `o` may be NULL. */
void run_parse(struct parse_run *r, const char *text, size_t len, const struct parse_options *o);
void run_free(struct parse_run *r);
/* The tree in canonical form; the caller frees it. */
char *print_tree(const struct ast_file *f);
/* That of a run without the "# file" line; the caller frees it. */
char *run_print(const struct parse_run *r);

#endif
