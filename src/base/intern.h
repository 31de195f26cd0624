/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned strings: equal texts are the same pointer, for the life of the
 * process.  Identifiers are interned by the lexer and compared with ==.
 */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <stddef.h>

/* The one copy of a text, or of its first `n` bytes. */
const char *intern(const char *s);
const char *intern_n(const char *s, size_t n);

#endif
