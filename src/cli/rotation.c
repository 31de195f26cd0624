/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rotation.h. */
#include "cli/rotation.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Decimal digits up to `max`; *end is behind them.  False: there are none, or too many. */
static bool rotation_number(const char *text, unsigned long long max, unsigned long long *v, char **end)
{
	errno = 0;
	*v = text[0] >= '0' && text[0] <= '9' ? strtoull(text, end, 10) : 0;
	return text[0] >= '0' && text[0] <= '9' && !errno && *v <= max;
}

bool cli_rotation_parse(const char *text, uint64_t *bytes, unsigned *count)
{
	unsigned long long megabytes, n = 0;
	char *end;

	if (!rotation_number(text, UINT64_MAX >> 20, &megabytes, &end))
		return false;
	if (*end == ',' && !rotation_number(end + 1, UINT_MAX, &n, &end))
		return false;
	if (*end)
		return false;
	*bytes = (uint64_t)megabytes << 20;
	*count = (unsigned)n;
	return true;
}
