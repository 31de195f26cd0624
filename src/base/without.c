/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See without.h. */
#include "base/without.h"

#include <stdlib.h>
#include <string.h>

bool without(const char *feature)
{
	const char *list = getenv("BPFTAP_WITHOUT");
	size_t n = strlen(feature);

	while (list && *list) {
		size_t len = strcspn(list, ",");

		if (len == n && !memcmp(list, feature, n))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}
