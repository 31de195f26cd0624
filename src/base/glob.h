/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns as fnmatch(3) takes them. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>
#include <string.h>

/* Can the text match anything but itself? */
static inline bool is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

#endif
