/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the functions of the kernel proper, by number and by name.
 *
 * It is one block of memory: header, records in the order of /proc/kallsyms, a hash table of names, names.
 * Addresses are relative to _text, so that the block holds for every boot of a kernel's build: it is kept in the
 * user's cache under the build id, and mapped and searched in place from then on. With modules it has nothing to do.
 */
#ifndef PROBE_KSYMTABLE_H
#define PROBE_KSYMTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/ksyms.h"

struct ksymtable;

/* What a function is; all but the first only where ksymtable_knows(). */
enum ksym_flag {
	KSYM_EXPORTED = 1,	/* its symbol is global: other files of the kernel can call it */
	KSYM_TRACEABLE = 2,	/* its name is in available_filter_functions */
	KSYM_REFUSED = 4,	/* in the kprobes' blacklist */
	KSYM_PLACE = 8,		/* its address is in available_filter_functions_addrs */
};

/* The kept table of the running kernel; NULL: there is none, or it is damaged. */
struct ksymtable *ksymtable_load(void);
/* Keeps what changed since it was loaded or made, if addresses are known. */
void ksymtable_save(struct ksymtable *t);

/* Of one that was loaded or made; NULL is ignored. */
void ksymtable_destroy(struct ksymtable *t);

/* Making one: functions in the order of the file, then ksymtable_finish(). */
struct ksymtable *ksymtable_create(void);
void ksymtable_add(struct ksymtable *t, const char *name, uint64_t addr, bool exported);
/* text: address of _text, 0 if addresses are hidden; functions from init[0] to init[1] are left out. */
void ksymtable_finish(struct ksymtable *t, uint64_t text, const uint64_t init[2]);

size_t ksymtable_count(const struct ksymtable *t);
struct ksym ksymtable_at(const struct ksymtable *t, size_t i);
/* The functions of a name, as number + 1 each: the first (after 0), or the next behind one; 0: no more. */
size_t ksymtable_named(const struct ksymtable *t, const char *name, size_t after);

bool ksymtable_has(const struct ksymtable *t, size_t i, enum ksym_flag flag);
void ksymtable_set(struct ksymtable *t, size_t i, enum ksym_flag flag);
/* Whether the flag was learned for all functions, and that it was now. */
bool ksymtable_knows(const struct ksymtable *t, enum ksym_flag flag);
void ksymtable_learned(struct ksymtable *t, enum ksym_flag flag);

#endif
