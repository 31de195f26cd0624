/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checker of the IR's rules (ir.h, ops.def).  Cheap: run after every pass. */
#ifndef IR_CHECK_H
#define IR_CHECK_H

#include "ir/ir.h"

struct program;

/*
 * NULL if the module obeys the rules, else a message about the first violation
 * (arena memory of the module): a fault of the compiler, never of a user.
 */
const char *ir_check(const struct ir_module *m);
/* The same, and KONLY/UONLY against the kinds of the program's handlers, points, modules. */
const char *ir_check_program(const struct program *p);

#endif
