/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of C headers: what @cast(p, "timeval", "<sys/time.h>") names.  The C compiler of the machine, if it has one,
 * writes their debug information; nothing else here needs one.
 */
#ifndef DBG_HEADERFILE_H
#define DBG_HEADERFILE_H

#include "dbg/error.h"

struct dbg_module;

/*
 * The module of the types that `headers` declare: one or more names, each in <>, included in that order.  The same one
 * for the same text in one run.  NULL and *e: DBG_EUNREADABLE, there is no compiler, or it did not take them;
 * DBG_ENOENT, the text is no such list.
 */
struct dbg_module *dbg_header_open(const char *headers, struct dbg_error *e);

#endif
