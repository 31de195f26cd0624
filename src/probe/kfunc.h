/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel's code share. */
#ifndef PROBE_KFUNC_H
#define PROBE_KFUNC_H

#include <stdbool.h>

struct dbg_type;

#define KFUNC_MAX_TRAMPOLINES	32	/* functions of one written point: more of them share a kprobe program */

/* Can a trampoline (fentry, fexit) take calls of functions of this type on every kernel? */
bool kfunc_fits_trampoline(const struct dbg_type *function);

#endif
