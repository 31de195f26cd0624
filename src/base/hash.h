/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash of texts (FNV-1a), also of those in files that are kept: it does not change. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

static inline uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

#endif
