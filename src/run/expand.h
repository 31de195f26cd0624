/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deferred text (ir/wire.h): what a kernel handler left to be looked up when its
 * strings leave the program.
 */
#ifndef RUN_EXPAND_H
#define RUN_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "run/symb.h"

/* Whether the bytes hold deferred text. */
bool run_expand_needed(const char *s, size_t len);
/* Writes the bytes with every well-formed deferred field replaced; anything else as it is. */
void run_expand(struct run_symb *sy, FILE *out, const char *s, size_t len, uint64_t when);

#endif
