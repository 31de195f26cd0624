/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families, and what their files share; for src/probe alone. */
#ifndef PROBE_FAMILIES_H
#define PROBE_FAMILIES_H

#include "probe/family.h"

extern const struct probe_family probe_family_begin;
extern const struct probe_family probe_family_timer;
extern const struct probe_family probe_family_process_event;
extern const struct probe_family probe_family_process_code;
extern const struct probe_family probe_family_process_mark;
extern const struct probe_family probe_family_syscall;
extern const struct probe_family probe_family_trace;
extern const struct probe_family probe_family_kfunc;
extern const struct probe_family probe_family_perf;
extern const struct probe_family probe_family_netfilter;
extern const struct probe_family probe_family_watch;
extern const struct probe_family probe_family_file;

/* Sets why the written point gave nothing, unless a reason was given before.  `at` may be NULL. */
void probe_fail(struct probe_session *ps, struct probe_result *out, const char *tag,
		const struct span *at, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "no match", and what was similar: names of `kind` ("functions"), as of probe_similar(). */
void probe_no_match(struct probe_session *ps, struct probe_result *out, const char *kind, const char *similar);
/* The same spelling everywhere. */
void probe_point_spell(struct probe_point *pt, const char *text);
#define PERF_PERIOD 1000000	/* events from one hit to the next where nothing is said; of a clock, ns */
/* The name of a point that is a perf event, perf.type(T).config(C).sample(N) and what follows, or "". */
void probe_perf_spell(struct arena *a, const struct probe_match *m, struct probe_point *pt, int64_t sample,
		      const char *suffix);
/* Sets a per-point constant. */
void probe_point_int(struct probe_point *pt, enum probe_int which, int64_t v);
/* NAME, NAME(NUMBER) or NAME("TEXT"). */
const char *probe_component_text(struct arena *a, const char *name, const struct ast_expr *arg);
/* The text as a string literal. */
const char *probe_quote(struct arena *a, const char *s);

/* The arguments of a point that has them by position, and $return, for -L. */
const struct probe_var *probe_arg_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n);

/* ---- process.c: the files that a process(...) point means ---- */

struct dbg_error;

struct probe_image {
	const char *path;		/* as spelt in points: absolute, links resolved */
	const char *root;		/* prefix for opening it ("/proc/123/root"), or NULL */
	int32_t pid;			/* process(PID): only this thread group; else 0 */
	const char *spelling;		/* 'process("/bin/x")' or 'process(12)', as points print it */
	const char *derived;		/* the same, and `.library("...")` */
	struct dbg_module *module;	/* opened; NULL: not an ELF file */
	bool kernel;			/* the kernel, or its module `path` */
	bool many;			/* so many points that they had better share a program */
	bool named;			/* functions are asked for by their exact names */
};

/* All images that a match's process(...) and .library(...) name; *n 0 and out->why set if none. */
struct probe_image *probe_images(struct probe_session *ps, const struct probe_match *m,
				 struct probe_result *out, size_t *n);

/* Fills path, offset and address of a point at a link address of an image.  False: no code there. */
bool probe_point_place(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
		       uint64_t pc);

/*
 * Where the point's handler runs: sets the kinds of program and point.  `ret`: at the return of func; else at the
 * point's pc, which may be func's entry.  Points of the kernel are described by BTF if they can be.
 */
void probe_point_mechanism(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			   bool ret);

/* Only while a process runs the image; false: its file is gone. */
bool probe_point_image(struct probe_point *pt, const struct probe_image *img);

/* ---- kimage.c: the kernel and its modules as images ---- */

/* Fills what probe_point_place() does for a link address of the kernel.  False: no code that can be probed. */
bool probe_kernel_place(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			uint64_t pc);
void probe_kernel_mechanism(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			    bool ret);
/* The kernel, or the modules that `module` (a glob) means, with debug information; *n 0 and *e: there is none. */
struct probe_image *probe_kernel_images(struct probe_session *ps, const char *module, size_t *n,
					struct dbg_error *e);
/* Says that debug information is missing and where to get it. */
void probe_kernel_missing(struct probe_session *ps, struct probe_result *out, const struct dbg_error *e);

/* ---- function.c, statement.c, code.c ---- */

/* Variables at a point in described code, for -L. */
const struct probe_var *probe_code_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n);

/* "NAME@FILE:LINE" taken apart (spec.c). */
struct probe_spec {
	const char *function, *file;	/* file NULL: not given */
	enum { PROBE_LINE_NONE, PROBE_LINE_ABSOLUTE, PROBE_LINE_RELATIVE, PROBE_LINE_WILDCARD,
	       PROBE_LINE_LIST } line_kind;
	struct probe_lines {
		uint32_t first, last;
	} *lines;			/* ABSOLUTE, RELATIVE: one; LIST: numbers and ranges */
	size_t nlines;
};
/* False: malformed. */
bool probe_spec_parse(struct arena *a, const char *text, struct probe_spec *s);

/* Adds the points that a pattern of PROBE_CODE_ROWS means in an image, by its variant, or says why there are none. */
void probe_resolve_place(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			 const struct probe_image *img, struct probe_result *out);
/* The same for .function() and what may stand behind it (function.c), and .statement() (statement.c). */
void probe_resolve_function(struct probe_session *ps, const struct probe_family *f,
			    const struct probe_match *m, const struct probe_image *img,
			    struct probe_result *out);
void probe_resolve_statement(struct probe_session *ps, const struct probe_family *f,
			     const struct probe_match *m, const struct probe_image *img,
			     struct probe_result *out);

#endif
