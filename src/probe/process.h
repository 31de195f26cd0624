/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the process families share: variants of patterns, spellings. */
#ifndef PROBE_PROCESS_H
#define PROBE_PROCESS_H

#include "probe/families.h"

struct dbg_func;

enum process_variant {
	PROCESS_FUNCTION,
	PROCESS_CALL,
	PROCESS_RETURN,
	PROCESS_INLINE,
	PROCESS_EXPORTED,
	PROCESS_LABEL,
	PROCESS_CALLEE,
	PROCESS_CALLEE_CALL,
	PROCESS_CALLEE_RETURN,
	PROCESS_STATEMENT = 100,
	PROCESS_NEAREST,
	PROCESS_ABSOLUTE,
	PROCESS_KPROBE = 200,		/* kprobe.function and the like */
	PROCESS_KPROBE_RETURN,
};

/* Warns that a program has no debug information. */
void probe_warn_debuginfo(struct probe_session *ps, const struct probe_image *img);
/* "pc=.dynamic+0x1234" */
const char *probe_pc_text(struct arena *a, struct dbg_module *m, uint64_t pc);
/* Where .function("f") puts its probe: behind the prologue if variables are only there. */
uint64_t probe_function_pc(const struct dbg_func *f);
/* "NAME@FILE:LINE", or as much of it as is known. */
const char *probe_place_text(struct arena *a, const struct dbg_func *f, const char *file, uint32_t line);
/* Spells a placed point: PROCESS.kind(arg)suffix, the same behind .library() where that was written. */
void probe_point_spell_code(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			    const char *kind, const char *arg, const char *suffix);

#endif
