/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Format strings of printf and sprintf <-> struct ir_format.
 *
 * Values are taken in order; '*' takes an i64 before its value.  %s takes a
 * string; %m and %M take the string that op UBUF (or KBUF) made, two hex digits
 * a byte; all others an i64.  `text` of a piece may contain any byte but NUL.
 */
#ifndef IR_FMT_H
#define IR_FMT_H

#include "ir/ir.h"

/*
 * Parses a format (escapes already resolved) and adds it to the module.
 * Returns its index, or UINT32_MAX with *err set ("invalid conversion specifier" ...).
 */
uint32_t ir_format_parse(struct ir_module *m, const char *fmt, const char **err);
/* Adds an empty format to be filled with ir_format_text() and ir_format_conv(). */
uint32_t ir_format_new(struct ir_module *m);
/* Appends literal text (merged with preceding text); the bytes are copied. */
void ir_format_text(struct ir_module *m, uint32_t format, const char *text, size_t len);
void ir_format_conv(struct ir_module *m, uint32_t format, const struct ir_piece *piece);
/* The first format of the module that equals this one: itself, if it is new. */
uint32_t ir_format_shared(const struct ir_module *m, uint32_t format);
/* The format string that parses to `f`; memory of the arena. */
const char *ir_format_str(struct arena *a, const struct ir_format *f);
/* Number of arguments, '*' included; if `types` is not NULL the type of each of the first `max`. */
uint32_t ir_format_args(const struct ir_format *f, enum ir_type *types, uint32_t max);

#endif
