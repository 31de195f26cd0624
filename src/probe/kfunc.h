/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel's code share. */
#ifndef PROBE_KFUNC_H
#define PROBE_KFUNC_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct dbg_type;

#define KFUNC_MAX_TRAMPOLINES	32	/* functions of one written point: more of them share a kprobe program */

/* Can a trampoline (fentry, fexit) take calls of functions of this type on every kernel? */
bool kfunc_fits_trampoline(const struct dbg_type *function);

/*
 * Which of these n names has the function that users know as `name` ("_do_fork", "sys_open"): it was renamed, or is the
 * entry of a system call.  NULL: none.
 */
const char *kfunc_new_name(struct arena *a, const char *name, const char *const *names, size_t n);

#endif
