/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of the syntax tree's enumerations. */
#include "lang/ast.h"

const char *ast_op_text(enum ast_op op)
{
	static const char *const texts[OP_COUNT] = {
		[OP_NONE] = "",	      [OP_ADD] = "+",	 [OP_SUB] = "-",    [OP_MUL] = "*",
		[OP_DIV] = "/",	      [OP_MOD] = "%",	 [OP_SHL] = "<<",   [OP_SHR] = ">>",
		[OP_USHR] = ">>>",    [OP_AND] = "&",	 [OP_OR] = "|",	    [OP_XOR] = "^",
		[OP_CONCAT] = ".",    [OP_AGGREGATE] = "<<<", [OP_NEG] = "-", [OP_PLUS] = "+",
		[OP_BITNOT] = "~",    [OP_NOT] = "!",	 [OP_EQ] = "==",    [OP_NE] = "!=",
		[OP_LT] = "<",	      [OP_LE] = "<=",	 [OP_GT] = ">",	    [OP_GE] = ">=",
		[OP_LOGAND] = "&&",   [OP_LOGOR] = "||", [OP_MATCH] = "=~", [OP_NOMATCH] = "!~",
		[OP_INC] = "++",      [OP_DEC] = "--",
	};

	return texts[op];
}

const char *ast_type_text(enum ast_type t)
{
	static const char *const texts[] = {
		[AST_UNKNOWN] = "unknown", [AST_LONG] = "long", [AST_STRING] = "string",
		[AST_STATS] = "stats",
	};

	return texts[t];
}

const char *ast_stat_text(enum ast_stat s)
{
	static const char *const texts[] = {
		[STAT_COUNT] = "@count", [STAT_SUM] = "@sum", [STAT_AVG] = "@avg",
		[STAT_MIN] = "@min",	 [STAT_MAX] = "@max", [STAT_VARIANCE] = "@variance",
		[STAT_NONE] = "",
	};

	return texts[s];
}
