/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of -S, which stap and staprun share. */
#ifndef CLI_ROTATION_H
#define CLI_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

/* "SIZE[,N]", SIZE in megabytes: the size in bytes, and N or 0.  False: not that, or too large. */
bool cli_rotation_parse(const char *text, uint64_t *bytes, unsigned *count);

#endif
