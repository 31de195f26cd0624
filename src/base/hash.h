/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes (FNV-1a), also of what is in files that are kept: they do not change. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t hash_bytes(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static inline uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

/* Of 64 bits, value by value: h = hash64_add(h, v), from HASH64 on. */
#define HASH64	14695981039346656037ull

static inline uint64_t hash64_add(uint64_t h, uint64_t v)
{
	return (h ^ v) * 1099511628211ull;
}

#endif
