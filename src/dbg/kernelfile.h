/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug information of the kernel and its modules: vmlinux and NAME.ko with DWARF, looked for where distributions put
 * them, in the build-id tree, and at debuginfod.
 *
 * Of the running kernel only files of the very build are taken.  Link addresses of vmlinux are those of the file:
 * dbg_module_info()->kernel_bias is what the running kernel adds.  A loaded module's are those it has in memory, and
 * the bias is 0; those of one that is not loaded are made up.
 */
#ifndef DBG_KERNELFILE_H
#define DBG_KERNELFILE_H

#include "dbg/module.h"

struct dbg_kernel_opts {
	const char *release;		/* "6.1.0-56-amd64", or the directory of a built kernel; NULL: running */
	const char *debug_path;		/* as in struct dbg_open_opts */
	bool no_debuginfod;
};

/* vmlinux; NULL and *e, which names what was looked for.  Remembered, failures too. */
struct dbg_module *dbg_kernel_open(const struct dbg_kernel_opts *o, struct dbg_error *e);
/* The module NAME (with '_' or '-'), or a module's file by its path, of that kernel; NULL and *e. */
struct dbg_module *dbg_kernel_module_open(const struct dbg_kernel_opts *o, const char *name, struct dbg_error *e);
/* Whether the options mean the running kernel. */
bool dbg_kernel_is_running(const struct dbg_kernel_opts *o);
/* Run-time address of "BUILD-ID/MODULE/SYMBOL" (MODULE "kernel": the kernel proper; BUILD-ID empty: of any), if what
 * runs is of that build; else false and *e. */
bool dbg_kernel_base(const char *base, uint64_t *addr, struct dbg_error *e);
/* Such a base for a link address of the kernel's or a module's file, malloc'ed, and how far behind it that is; NULL:
 * the file has no build id, or no symbol there. */
char *dbg_kernel_place(struct dbg_module *m, uint64_t addr, uint64_t *offset);
/* Build id of the running kernel in hex digits; "": unknown. */
const char *dbg_kernel_build_id(void);
/* Whether it is in what each processor has a copy of, `__per_cpu_offset[N]` behind the address. */
bool dbg_kernel_is_per_cpu(struct dbg_module *m, uint64_t addr);
/* Run-time address of any symbol of the kernel proper, by /proc/kallsyms; 0: none, or hidden from us. */
uint64_t dbg_kernel_symbol(const char *name);

#endif
