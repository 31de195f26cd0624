/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of programs whose return must not be probed.
 *
 * A return is probed by putting another address where the return address is at the function's entry.
 */
#ifndef PROBE_RETURNS_H
#define PROBE_RETURNS_H

#include <stdint.h>

struct dbg_module;

/* Why that would break the program, in words; NULL: it does not.  `name` may be NULL, `entry` is an address of the file. */
const char *probe_return_breaks(struct dbg_module *m, const char *name, uint64_t entry);

#endif
