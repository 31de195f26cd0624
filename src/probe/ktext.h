/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code of the running kernel, as /proc/kcore shows it. */
#ifndef PROBE_KTEXT_H
#define PROBE_KTEXT_H

#include <stdint.h>

#define KTEXT_NOP	5	/* bytes of the instruction with which functions begin that can be traced */

/*
 * How far behind the entry of the kernel's function `name` at `addr` a probe may be placed that is to be hit whenever
 * the function is called, and only then, with the registers and the stack of the entry: KTEXT_NOP behind the nop, if
 * nothing in the function jumps there; 0 otherwise, or if the code cannot be read.
 */
unsigned ktext_entry(const char *name, uint64_t addr);

#endif
