/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text form of the IR: for -p3, tests and eyes.  Printing and parsing are
 * inverse but for spans: a parsed module's spans point into the IR text.
 *
 *   maxstr 512
 *   global n: i64 = 5
 *   global name: str 128 = "abc"
 *   global a[i64, str 16]: i64 max 100 wrap
 *   global s: stat hist log
 *   global t[i64]: stat hist linear 0 100 10
 *   global h: i64 hidden
 *   func f(x: i64, p: str 64): i64 {
 *       local t: i64
 *       set t = (add x (mul 2 (gload n)))
 *       eval (printf "%d %s\n" t p)
 *       eval (astore a t p 1)
 *       if (gt t 0) { ... } else { ... }
 *       loop { ... } step { ... }
 *       foreach a [k, _] = v slice [_, "x"] sort key 0 desc limit 10 { ... }
 *                                            sort value | sort count|sum|min|max|avg|variance
 *       foreach hist s (keys...) [i] { ... }
 *       break   continue   return   return (add x 1)
 *       try { ... } catch m { ... }
 *       action 3
 *   }
 *   handler begin { ... }
 *
 * An expression is an integer, a quoted string, the name of a local, or
 * (op[:BOUND][#IMM] SYMBOL args...).  BOUND is the buffer size of a string
 * result (default: maxstr), IMM the op's immediate, SYMBOL the name of the
 * global or function, or the format or regex as a quoted string.
 * `#` to the end of the line is a comment where a token may begin and is not glued to an op.
 */
#ifndef IR_TEXT_H
#define IR_TEXT_H

#include <stdio.h>

#include "ir/ir.h"

void ir_print(FILE *out, const struct ir_module *m);

/*
 * Parses `src`.  NULL on error, with *err the message ("line 3: ..."), arena memory.
 * The result has not been through ir_check().
 */
struct ir_module *ir_parse(struct arena *a, const struct source *src, const char **err);

#endif
