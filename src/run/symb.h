/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for addresses of traced processes and of the kernel, in SystemTap's forms.
 */
#ifndef RUN_SYMB_H
#define RUN_SYMB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dbg/module.h"
#include "out/format.h"
#include "run/procs.h"

struct run_symb;

/* Uses ps, which stays the caller's. */
struct run_symb *run_symb_create(struct run_procs *ps);
void run_symb_destroy(struct run_symb *sy);

struct run_place {
	const struct run_map *map;	/* NULL: in no known mapping */
	struct dbg_module *module;	/* NULL: its file cannot be read */
	const char *path;		/* of the module as the process sees it; NULL: unknown */
	uint64_t bias, link;		/* addr = link + bias */
	bool caller;			/* see struct run_query */
	const char *name;		/* symbol; NULL: none */
	uint64_t offset, size;		/* within the symbol, or within the module without one */
};

/* An address and where and when it was seen. */
struct run_query {
	pid_t tgid;
	uint64_t addr;
	uint64_t when;
	bool caller;			/* a return address: belongs to the call before it */
};

/* Explains an address of a process.  False: in no known mapping. */
bool run_symb_user(struct run_symb *sy, const struct run_query *q, struct run_place *out);
/* The file of a mapping of a process; NULL: it cannot be read. */
struct dbg_module *run_symb_module(struct run_symb *sy, pid_t tgid, const struct run_map *m);
/* The vdso, which every process of this kernel has; NULL: none. */
struct dbg_module *run_symb_vdso(struct run_symb *sy);
/* Run-time address of a link address of the file `path` in a process; false: not mapped there. */
bool run_symb_address(struct run_symb *sy, pid_t tgid, const char *path, uint64_t link, uint64_t when,
		      uint64_t *addr);
/* Reads /proc/kallsyms, unless it was read. */
void run_symb_read_kernel(struct run_symb *sy);
/* Of the kernel, by /proc/kallsyms; module "kernel" or the kernel module's name. */
bool run_symb_kernel(struct run_symb *sy, uint64_t addr, struct run_place *out);
/* Finds the debug information of such a place, if it is installed: sets its module and link address. */
void run_symb_kernel_module(struct run_place *p, uint64_t addr);

/* How many of the innermost frames of a kernel stack belong to what calls programs, not to what was probed. */
size_t run_symb_own_frames(struct run_symb *sy, const uint64_t *pc, size_t n);
/* Address of a function of the kernel proper by its name; false: there is none. */
bool run_symb_kernel_address(struct run_symb *sy, const char *name, uint64_t *addr);

/* How an address is written. */
enum run_addr_form {
	RUN_ADDR_HEX,			/* "0x47cc10" */
	RUN_ADDR_NAME,			/* "ngx_close_connection" */
	RUN_ADDR_BRIEF,			/* "ngx_close_connection+0x4" */
	RUN_ADDR_SIMPLE,		/* "ngx_close_connection+0x4 [nginx]" */
	RUN_ADDR_DATA,			/* "ngx_close_connection+0x4/0x330 [/usr/sbin/nginx]" */
	RUN_ADDR_FULL,			/* " 0x47cc10 : " and the same */
	RUN_ADDR_FULLER,		/* with " at FILE:LINE" before the module; lines of their own before it for
					 * what was inlined there */
	RUN_ADDR_FILELINE, RUN_ADDR_FILE, RUN_ADDR_LINE,
	RUN_ADDR_MODULE,		/* "/usr/sbin/nginx" */
};

/* Writes an address in a form; what is not known falls back to less, at last to hex.  No newline. */
void run_symb_print_user(struct run_symb *sy, const struct run_query *q, enum run_addr_form form,
			 struct out_buf *out);
void run_symb_print_kernel(struct run_symb *sy, uint64_t addr, enum run_addr_form form,
			   struct out_buf *out);
/* The same for a frame of a kernel stack; `caller`: a return address. */
void run_symb_print_kernel_frame(struct run_symb *sy, uint64_t addr, bool caller, enum run_addr_form form,
				 struct out_buf *out);

#endif
