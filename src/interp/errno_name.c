/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of errors: see errno_name.h. */
#include "interp/errno_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ERRNO_LIMIT	4096

const char *errno_name(int64_t n, char room[ERRNO_NAME_MAX])
{
	const char *name = NULL;

	if (n < 0 && n > INT64_MIN)
		n = -n;
	if (n > 0 && n < ERRNO_LIMIT)
		name = strerrorname_np((int)n);
	if (name)
		return name;
	snprintf(room, ERRNO_NAME_MAX, "E#%" PRId64, n);
	return room;
}
