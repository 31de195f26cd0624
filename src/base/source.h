/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source texts and places in them.  Every token, AST node, IR node and
 * diagnostic carries a span, so that any message can show the line and a caret.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct source {
	const char *name;	/* as messages print it: path, "<input>", ... */
	const char *text;	/* not NUL-terminated by contract; `len` bytes */
	size_t len;
	bool tapset;		/* library file: privileged names, quieter warnings */
	bool shipped;		/* ... of the installed tapset, not of a directory of -I */
	uint32_t *line_start;	/* offset of each line, filled on first use */
	uint32_t line_count;
	struct arena *arena;	/* where the source lives */
};

/* What kind of token a span covers; printed in messages ("identifier 'x'"). */
enum span_kind {
	SPAN_JUNK,
	SPAN_IDENTIFIER,
	SPAN_OPERATOR,
	SPAN_STRING,
	SPAN_NUMBER,
	SPAN_EMBEDDED,
	SPAN_KEYWORD,
};

struct span {
	const struct source *src;	/* NULL: no place (built-in) */
	uint32_t line;			/* 1-based */
	uint32_t col : 24;		/* 1-based, in bytes as SystemTap counts */
	enum span_kind kind : 8;
	const char *text;		/* token text, interned; may be NULL */
	const struct span *macro;	/* place of the macro use it was expanded from, or NULL */
};

/* Takes ownership of nothing: `text` must outlive the source. */
struct source *source_create(struct arena *a, const char *name, const char *text, size_t len);
/* Reads a whole file ("-" is standard input).  NULL and errno on failure. */
struct source *source_read(struct arena *a, const char *path);
/* The text of a line without its newline; *len gets its length.  NULL if there is no such line. */
const char *source_line(const struct source *s, uint32_t line, size_t *len);

#endif
