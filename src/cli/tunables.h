/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limits that -D and other options set. */
#ifndef CLI_TUNABLES_H
#define CLI_TUNABLES_H

#include "ir/program.h"

struct cli_options;

/* Number of frames that a backtrace shows (MAXBACKTRACE). */
unsigned cli_max_backtrace(const struct cli_options *o);
/* Fills *l.  0, or an exit status after a message about a value that is no number. */
int cli_limits(const struct cli_options *o, struct prog_limits *l);

#endif
