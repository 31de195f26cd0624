/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deferred text (ir/wire.h): what a kernel handler left to be looked up when its
 * strings leave the program.
 */
#ifndef RUN_EXPAND_H
#define RUN_EXPAND_H

#include "run/symb.h"

struct run_expand {
	struct run_symb *symb;
	uint64_t when;		/* time of the record being printed */
};

/* The `expand` hook of struct out_defer; ctx is a struct run_expand.  Unknown fields give nothing. */
void run_expand_field(void *ctx, const char *fields, size_t len, struct out_buf *b);

#endif
