/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of /proc, entry by entry.  What a callback is given is valid during the call. */
#ifndef BASE_PROCFS_H
#define BASE_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Processes below /proc, threads below /proc/PID/task: calls fn for each until that returns false.  0 or -errno. */
typedef bool procfs_id_fn(void *ctx, pid_t id);
int procfs_each_id(const char *dir, procfs_id_fn *fn, void *ctx);

struct procfs_symbol {
	uint64_t addr;			/* 0: hidden from us */
	char type;			/* as nm(1) has it */
	const char *name;
	const char *module;		/* NULL: the kernel itself */
};

/* Symbols of /proc/kallsyms, in its order: calls fn for each until that returns false.  0 or -errno. */
typedef bool procfs_symbol_fn(void *ctx, const struct procfs_symbol *s);
int procfs_each_symbol(procfs_symbol_fn *fn, void *ctx);

/* Does /proc number processes otherwise than the kernel does, as in a container (a pid namespace)? */
bool procfs_has_own_ids(void);

#endif
