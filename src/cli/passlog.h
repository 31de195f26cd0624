/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of -v about each pass: what it did, memory and time. */
#ifndef CLI_PASSLOG_H
#define CLI_PASSLOG_H

#include <stdbool.h>
#include <stdint.h>

struct cli_clock {
	int64_t user_us, sys_us, real_us;
};

/* Of this process and the children it has waited for, since when a pass is timed. */
void cli_clock_start(struct cli_clock *c);
/*
 * "Pass N: " text " using ...virt/...res/...shr/...data kb, in ...usr/...sys/...real ms." on standard
 * error; without `memory` only the time.
 */
void cli_pass_log(int pass, const struct cli_clock *since, bool memory, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "Pass N: ... failed.  [man error::passN]" */
void cli_pass_failed(int pass);

#endif
