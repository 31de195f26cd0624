/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling small programs for the tests of src/dbg, in a directory of their own. */
#ifndef TESTS_DBG_SUPPORT_H
#define TESTS_DBG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "dbg/func.h"
#include "dbg/module.h"

struct dbg_compiler {
	const char *name, *flags;
};

/* gcc and clang, -O0 .. -O3, DWARF 4 and 5, PIE and not; ends with a NULL name. */
extern const struct dbg_compiler dbg_compilers[];

extern struct arena *dbg_arena;
extern char dbg_dir[];

int dbg_setup(void **state);
int dbg_teardown(void **state);

/* Runs a shell command in the directory; fails the test if it fails. */
void dbg_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Path of a file in the directory, in the arena. */
const char *dbg_path(const char *name);
void dbg_write(const char *name, const void *data, size_t len);
/* Compiles `source` with a compiler and flags into `name`; its path. */
const char *dbg_compile(const char *name, const char *source, const char *cc, const char *flags);
/* Opens with debug information, or fails the test. */
struct dbg_module *dbg_open(const char *path);
/* The one function (not inlined copy) of that name. */
const struct dbg_func *dbg_the_func(struct dbg_module *m, const char *name);

#endif
