/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name tables: the names that library files define, found by parse_scan() beforehand and kept in a file.
 *
 * `stap` starts in a time that the scan of the whole library would double. A table is made when the library is
 * built and lies beside it. It says of a file only what holds for a file of that path and size that has not been
 * written since the table was; who uses it checks that, and scans the others.
 *
 * The file: struct names_header of names.c, files, names sorted by kind, text and file, texts. It is read in
 * one go and checked: a damaged table is no table.
 */
#ifndef LANG_NAMES_H
#define LANG_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lang/parse.h"

struct stat;

/* ---- making ---- */

struct names_maker;

struct names_maker *names_maker_create(void);
void names_maker_destroy(struct names_maker *m);
/* Adds what a library file defines. `path` is relative to the library's directory. */
void names_maker_add(struct names_maker *m, const char *path, const struct source *src);
/* Writes the table of all files added. 0, or -1 with errno set. */
int names_maker_write(struct names_maker *m, FILE *out);

/* ---- reading ---- */

struct names;

/* Reads a table into the arena; NULL if there is none, or none that is whole. */
struct names *names_read(struct arena *a, const char *path);
size_t names_nfiles(const struct names *t);
/* The number of a file, or -1: not in the table, or of another size or written after the table. */
int64_t names_find_file(const struct names *t, const char *path, const struct stat *st);

/*
 * The names of a kind are numbered from 0 in the order of their texts (strcmp), the same name in several files once a
 * file. names_lower(): the number of the first that is not before `name`.
 */
size_t names_count(const struct names *t, enum scan_kind kind);
size_t names_lower(const struct names *t, enum scan_kind kind, const char *name);
const char *names_at(const struct names *t, enum scan_kind kind, size_t i, uint32_t *file);

#endif
