/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the running kernel and its modules, as /proc/kallsyms and the tracing file systems list them.
 *
 * Reading these lists takes the kernel most of the time in which a probe of a function starts. What they say of
 * the kernel proper is therefore kept from one run to the next (probe/ksymtable.h); each list is read at most once,
 * when something is asked that is not known.
 */
#ifndef PROBE_KSYMS_H
#define PROBE_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ksym {
	const char *name;
	const char *module;	/* NULL: the kernel itself */
	uint64_t addr;		/* 0: hidden from us */
	bool exported;		/* a global symbol: what .exported means */
};

/*
 * All functions of the kernel proper, or of modules, in the order of the file; those that are gone after boot
 * left out.
 */
const struct ksym *ksyms_functions(bool modules, size_t *n);
/*
 * The functions of the name in the kernel (module NULL) or a module: *count of them; NULL: none.  Valid until
 * the next call.
 */
const struct ksym *ksyms_find(const char *module, const char *name, size_t *count);
/* Whether the kernel refuses probes in it.  Says so only of what it lists (debugfs). */
bool ksyms_blacklisted(const char *name);
/* Whether it can be traced by its first instruction; true where the kernel does not tell (tracefs). */
bool ksyms_traceable(const char *name);
/*
 * The same by the function's address: tells functions of one name apart where the kernel lists addresses
 * (since 6.5); true where it does not, and for address 0.
 */
bool ksyms_place_traceable(const struct ksym *s);
/* Many functions will be asked about: the lists are read into tables at once. */
void ksyms_expect_many(void);
/* Keeps for later runs what was read about the kernel proper. */
void ksyms_keep(void);

#endif
