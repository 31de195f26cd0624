/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of errors, as errno_str() gives them. */
#ifndef INTERP_ERRNO_NAME_H
#define INTERP_ERRNO_NAME_H

#include <stdint.h>

#define ERRNO_NAME_MAX	32

/* "ENOENT" for 2 and -2; "E#" and the number, made in `room`, for those without a name. */
const char *errno_name(int64_t n, char room[ERRNO_NAME_MAX]);

#endif
