/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel's code share. */
#ifndef PROBE_KFUNC_H
#define PROBE_KFUNC_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct dbg_type;
struct probe_match;
struct probe_result;
struct probe_session;
struct probe_spec;

#define KFUNC_MAX_TRAMPOLINES	32	/* functions of one written point: more of them share a kprobe program */

/* Can a trampoline (fentry, fexit) take calls of functions of this type on every kernel? */
bool kfunc_fits_trampoline(const struct dbg_type *function);

/* ---- kfunc_why.c ---- */

/*
 * Which of these n names has the function that users know as `name` ("_do_fork", "sys_open"): it was renamed, or is the
 * entry of a system call.  NULL: none.
 */
const char *kfunc_new_name(struct arena *a, const char *name, const char *const *names, size_t n);

/* Release of the running kernel, or "". */
const char *kfunc_release(struct arena *a);
/* Functions of the kernel (module NULL) or a module that could have been meant, as a list for probe_no_match(). */
const char *kfunc_similar(struct arena *a, const char *module, const char *name);
/*
 * Adds to out->why, if there is one, a hint on a function that is not to be probed, or is somewhere else; by_symbols:
 * nothing but the list of symbols was searched.
 */
void kfunc_explain_refusal(struct probe_session *ps, const struct probe_match *m, const struct probe_spec *spec,
			   bool by_symbols, struct probe_result *out);

#endif
