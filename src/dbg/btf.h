/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF as a module of neutral types: the running kernel's (/sys/kernel/btf/vmlinux and its
 * modules' split BTF), or any file of raw BTF or ELF with .BTF.  dbg_type_find,
 * dbg_type_members and the rest of type.h work on it as on DWARF.
 */
#ifndef DBG_BTF_H
#define DBG_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbg/error.h"
#include "dbg/type.h"

struct dbg_module;

/* "vmlinux", or a loaded kernel module's name ("ext4"); cached.  NULL and *e. */
struct dbg_module *dbg_btf_kernel(const char *name, struct dbg_error *e);
/* A file of raw BTF; `base` NULL or the module it splits from. */
struct dbg_module *dbg_btf_open(const char *path, struct dbg_module *base, struct dbg_error *e);

/*
 * The kernel's BTF or, if that lacks the type (spelt as for dbg_type_find), a loaded module's that has it;
 * NULL: none.
 */
struct dbg_module *dbg_btf_kernel_of_type(const char *type);

struct dbg_btf_func {
	const char *name;
	const struct dbg_type *type;	/* DBG_FUNCTION */
	uint32_t id;			/* BTF type id of the FUNC (fentry attach) */
	bool global;
};
/* The function of this name; false: BTF has none.  What *out points to lives as long as the module. */
bool dbg_btf_func(struct dbg_module *m, const char *name, struct dbg_btf_func *out);
/* Arguments of a tp_btf tracepoint: the prototype behind typedef btf_trace_NAME; the first
 * parameter (void *__data) is not included.  NULL: no such tracepoint. */
const struct dbg_param *dbg_btf_tracepoint(struct dbg_module *m, const char *name, size_t *n);
/* The id of a type that came from BTF; 0: it did not. */
uint32_t dbg_btf_type_id(const struct dbg_type *t);
/* Type of a global variable; NULL: BTF does not describe it.  Per-CPU ones have one copy for each processor. */
const struct dbg_type *dbg_btf_var(struct dbg_module *m, const char *name, bool *per_cpu);
/* Byte offset and size of a member, given a type as dbg_type_find takes it and a dotted path
 * through embedded structs: ("struct task_struct", "thread.fsbase").  False: no such type or
 * member. */
bool dbg_btf_offset(struct dbg_module *m, const char *type, const char *path, uint64_t *offset,
		    uint64_t *size);

#endif
