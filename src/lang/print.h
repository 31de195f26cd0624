/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canonical form of scripts: what -p1 prints, and how other passes show
 * expressions.  It is a script again: parsing it gives the same tree, printing
 * that the same text.
 */
#ifndef LANG_PRINT_H
#define LANG_PRINT_H

#include <stdio.h>

#include "lang/ast.h"

void ast_print_file(FILE *out, const struct ast_file *f);
/* One probe point: `process("x").function("y")?`. */
void ast_print_point(FILE *out, const struct ast_point *p);
void ast_print_stmt(FILE *out, const struct ast_stmt *s);
/* As `stap -v -p2` shows it: that is not canonical source, but what users compare. */
void ast_show_stmt(FILE *out, const struct ast_stmt *s);
void ast_print_expr(FILE *out, const struct ast_expr *e);

#endif
