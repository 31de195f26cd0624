/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random IR for tests that compare engines: every module ends, and what it prints and
 * leaves in its globals is determined (at most one operation that can fail a statement,
 * since the order of operands is free).
 */
#ifndef TESTS_IR_GEN_H
#define TESTS_IR_GEN_H

#include <stdint.h>

/* IR text (malloc'ed) of two functions and two handlers; equal seeds give equal text. */
char *ir_gen(uint32_t seed);

#endif
