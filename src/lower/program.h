/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pass 3: from the result of pass 2 to the program description. */
#ifndef LOWER_PROGRAM_H
#define LOWER_PROGRAM_H

#include "ir/program.h"

struct sema_session;

struct lower_options {
	struct prog_limits limits;
	bool timing;
	bool optimise;			/* false with -u: the IR is left as lowered */
	int32_t target;			/* -x */
	const char **modules;		/* -d, --ldd: further modules for symbols; stb_ds array of paths */
};

/*
 * Lowers every probe of a successful sema_run(), in the session's arena.
 * NULL after errors, which are on the session's sink.
 */
struct program *lower_program(struct sema_session *s, const struct lower_options *o);

#endif
