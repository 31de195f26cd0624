/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the kernel through which a tracepoint calls programs.  How many of them a stack begins with depends on
 * the tracepoint, on how the kernel was compiled and on how many have attached to it, so they are known by
 * their addresses.
 */
#ifndef BPF_GLUE_H
#define BPF_GLUE_H

#include <stdint.h>

#define GLUE_SHIFT	13
#define GLUE_RANGES	(1 << GLUE_SHIFT)	/* a kernel has some hundreds, two for each tracepoint of a module */
#define GLUE_FRAMES	4			/* more than a stack begins with */

struct glue_table {
	uint64_t n;
	struct { uint64_t start, end; } range[GLUE_RANGES];	/* ascending */
};

#endif
