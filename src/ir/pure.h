/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changes nothing but its result, and what cannot fail: for passes that move code. */
#ifndef IR_PURE_H
#define IR_PURE_H

#include "ir/ir.h"

enum ir_pure {
	IR_PURE_NOT,		/* changes something that others see, or depends on the time */
	IR_PURE_FAILS,		/* changes nothing, but may end the handler by an error */
	IR_PURE			/* changes nothing and always gives a result; it may need more than MAXACTION allows */
};

/* enum ir_pure by function of the module; free() it. */
uint8_t *ir_pure_functions(const struct ir_module *m);

/* Does its value depend on when it is evaluated? */
bool ir_is_clock(enum ir_op op);

/* May evaluating it raise an error?  A call may. */
bool ir_may_fail(const struct ir_module *m, const struct ir_expr *e);

#endif
