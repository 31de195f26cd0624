/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of the running kernel and its modules, as /proc/kallsyms and the tracing file systems list them. */
#ifndef PROBE_KSYMS_H
#define PROBE_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ksym {
	const char *name;
	const char *module;	/* NULL: the kernel itself */
	uint64_t addr;		/* 0: hidden from us */
};

/* All functions, in the order of the file; those that are gone after boot left out.  Read once. */
const struct ksym *ksyms_functions(size_t *n);
/* The first function of the name in the kernel (module NULL) or a module; *count: how many there are. */
const struct ksym *ksyms_find(const char *module, const char *name, size_t *count);
/* Is the symbol exported to modules? */
bool ksyms_exported(const char *name);
/* Whether the kernel refuses probes in it.  Says so only of what it lists (debugfs). */
bool ksyms_blacklisted(const char *name);
/* Whether it can be traced by its first instruction; true where the kernel does not tell (tracefs). */
bool ksyms_traceable(const char *name);
/*
 * The same of the function that begins at the run-time address: tells functions of one name apart where the kernel
 * lists addresses (since 6.5); true where it does not, and for address 0.
 */
bool ksyms_place_traceable(uint64_t addr);

#endif
