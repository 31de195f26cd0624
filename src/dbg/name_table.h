/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every code address of a module is called, as rows sorted by file offset, each valid up to the next: what
 * dbg_symbol_at() tells, for who cannot call it.
 */
#ifndef DBG_NAME_TABLE_H
#define DBG_NAME_TABLE_H

#include <stdint.h>

struct dbg_module;

struct dbg_name_row {
	uint32_t offset;	/* in the file */
	uint32_t start;		/* file offset of the symbol, or without one of the module's base, modulo 2^32 */
	uint32_t size;		/* of the symbol up to the next of its kind, or of the module */
	const char *name;	/* NULL: no symbol; lives as long as the module */
};

/* All rows, an stb_ds array that the caller frees.  Code beyond 4 GiB of a file is left out. */
struct dbg_name_row *dbg_name_table(struct dbg_module *m);

#endif
