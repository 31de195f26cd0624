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
/* What stands behind .function() or .statement() in a point: .call, .callee("f").return or nothing */
const char *probe_code_suffix(struct arena *a, const struct probe_match *m);
/* "NAME@FILE:LINE", or as much of it as is known. */
const char *probe_place_text(struct arena *a, const struct dbg_func *f, const char *file, uint32_t line);
/* Spells a placed point: PROCESS.kind(arg)suffix, the same behind .library() where that was written. */
void probe_point_spell_code(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			    const char *kind, const char *arg, const char *suffix);

/* Points in the code of a program, a library, the kernel or a module, behind what names it. */
#define PROBE_CODE_ROWS(p)                                                                           \
	{ p ".function(string)", PROCESS_FUNCTION },                                               \
	{ p ".function(string).call", PROCESS_CALL },                                              \
	{ p ".function(string).return", PROCESS_RETURN },                                          \
	{ p ".function(string).inline", PROCESS_INLINE },                                          \
	{ p ".function(string).exported", PROCESS_EXPORTED },                                      \
	{ p ".function(string).label(string)", PROCESS_LABEL },                                    \
	{ p ".function(string).callee(string)", PROCESS_CALLEE },                                  \
	{ p ".function(string).callee(string).call", PROCESS_CALLEE_CALL },                        \
	{ p ".function(string).callee(string).return", PROCESS_CALLEE_RETURN },                    \
	{ p ".function(string).callees", PROCESS_CALLEE },                                         \
	{ p ".function(string).callees(number)", PROCESS_CALLEE },                                 \
	{ p ".function(number)", PROCESS_FUNCTION },                                               \
	{ p ".function(number).call", PROCESS_CALL },                                              \
	{ p ".function(number).return", PROCESS_RETURN },                                          \
	{ p ".function(number).exported", PROCESS_EXPORTED },                                      \
	{ p ".statement(string)", PROCESS_STATEMENT },                                             \
	{ p ".statement(string).nearest", PROCESS_NEAREST },                                       \
	{ p ".statement(number)", PROCESS_STATEMENT },                                             \
	{ p ".statement(number).nearest", PROCESS_NEAREST }

#endif
