/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs from IR text, as pass 3 would make them, for the tests of what runs them. */
#ifndef TESTS_IR_SUPPORT_H
#define TESTS_IR_SUPPORT_H

#include "ir/program.h"

/* Makes the handlers of `m` those of `p`, of this kind and with a point each: `pt`, at the handler's place. */
void ir_program_fill(struct program *p, struct ir_module *m, enum prog_kind kind, const struct prog_point *pt);
/* An array of constants for points, in the arena's care. */
int64_t *ir_point_ints(struct arena *a, size_t n, const int64_t *values);

#endif
