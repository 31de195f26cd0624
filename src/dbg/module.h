/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module: one ELF file (program, shared library, the kernel or a module of it) and
 * whatever describes it: symbols, notes, separate debug file, DWARF or BTF.
 *
 * All addresses in this layer are "link" addresses: virtual addresses as in the ELF
 * file.  Run-time address = link address + load bias; for ET_EXEC the bias is 0.
 * Parts are read on first use; opening costs an mmap and a look at the headers.
 * Not thread safe.
 */
#ifndef DBG_MODULE_H
#define DBG_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dbg/error.h"

struct dbg_module;

struct dbg_open_opts {
	const char *debug_path;		/* colon list, as in SYSTEMTAP_DEBUGINFO_PATH; NULL: the default
					 * "/usr/lib/debug" (build-id tree and mirrored paths) */
	const char *root;		/* prefix for reading files ("/proc/123/root"); NULL: none */
	bool no_debuginfod;		/* do not ask debuginfod even if DEBUGINFOD_URLS is set */
	/* relocatable files: where a section was loaded, 0: nowhere; NULL: not loaded, addresses are made up */
	uint64_t (*section_address)(void *data, const char *section);
	void *section_data;
};

/*
 * Opens the ELF file at `path` (relative to opts->root), or returns the module already open for
 * the same file (device, inode, mtime, size).  `opts` may be NULL.  Modules live until
 * dbg_modules_close_all().  NULL and *e: DBG_EUNREADABLE, DBG_ENOTELF, DBG_ECORRUPT, DBG_EARCH.
 * Missing debug information is no error here; see dbg_module_debug().
 */
struct dbg_module *dbg_module_open(const char *path, const struct dbg_open_opts *opts,
				   struct dbg_error *e);
/* Releases every module and all that was returned from them. */
void dbg_modules_close_all(void);

/* The modules that are open, by number from 0; NULL past the last. */
struct dbg_module *dbg_modules_at(size_t i);

/* Finds and maps DWARF (own sections, build-id tree, debuglink, debuginfod).  0, or
 * -DBG_ENODEBUG / -DBG_ECORRUPT with *e; the outcome is remembered. */
int dbg_module_debug(struct dbg_module *m, struct dbg_error *e);

/*
 * What was met so far in the DWARF that no compiler writes, and where: the file is damaged, and things that it
 * describes may not be found.  NULL: nothing.
 */
const char *dbg_module_damage(const struct dbg_module *m);

enum dbg_elf_type { DBG_ELF_REL, DBG_ELF_EXEC, DBG_ELF_PIE, DBG_ELF_LIB };

struct dbg_module_info {
	const char *path;		/* as given to open, without root */
	const char *real_path;		/* as opened, with root */
	const char *debug_path;		/* file DWARF came from; NULL: none or not looked for yet */
	const uint8_t *build_id;	/* NULL: none */
	size_t build_id_len;
	enum dbg_elf_type type;
	uint64_t base;			/* lowest PT_LOAD vaddr, page aligned (mapping of offset 0) */
	uint64_t end;			/* end of the highest PT_LOAD */
	uint64_t entry;			/* e_entry */
	dev_t dev;
	ino_t ino;
	const char *interp;		/* PT_INTERP; NULL: static or library */
	const char *soname;		/* DT_SONAME or NULL */
	uint64_t tls_size, tls_align;	/* PT_TLS; 0: none */
	bool kernel;			/* code of the kernel: see kernelfile.h */
	bool kernel_elsewhere;		/* where it runs is not known: of another kernel, not loaded, hidden */
	uint64_t kernel_bias;		/* else: run-time minus link address, the same for everyone */
};
const struct dbg_module_info *dbg_module_info(struct dbg_module *m);
/* Build id in lower-case hex; "" if none.  Lives as long as the module. */
const char *dbg_module_build_id(struct dbg_module *m);

/* ---- address arithmetic ---- */

/* File offset of a link address (uprobes want it); false: not in a PT_LOAD's file part. */
bool dbg_addr_to_offset(struct dbg_module *m, uint64_t addr, uint64_t *offset);
/* Load bias from one line of /proc/PID/maps: the mapping at `start` of file offset `pgoff`. */
bool dbg_load_bias(struct dbg_module *m, uint64_t start, uint64_t pgoff, uint64_t *bias);
bool dbg_addr_executable(struct dbg_module *m, uint64_t addr);
/* Name of the section in memory that holds a link address; NULL: none. */
const char *dbg_section_name_at(struct dbg_module *m, uint64_t addr);
/* Link address of its first byte; 0: none. */
uint64_t dbg_section_start(struct dbg_module *m, uint64_t addr);
/* Bytes of the file image at a link address (code, .rodata); NULL if not all there. */
const uint8_t *dbg_module_bytes(struct dbg_module *m, uint64_t addr, size_t len);

/* ---- symbols ---- */

enum dbg_sym_kind { DBG_SYM_FUNC, DBG_SYM_OBJECT, DBG_SYM_TLS, DBG_SYM_OTHER, DBG_SYM_IFUNC,
		    DBG_SYM_PLT };

struct dbg_sym {
	const char *name;
	uint64_t addr;			/* DBG_SYM_TLS: offset in the TLS block */
	uint64_t size;			/* as in the table; 0 when not given */
	enum dbg_sym_kind kind;
	bool global, weak, dynamic;
};

/* Defined symbols of .symtab (own or the separate debug file's), .dynsym and .gnu_debugdata,
 * duplicates removed, sorted by address then name. */
const struct dbg_sym *dbg_module_symbols(struct dbg_module *m, size_t *n);
/* A defined function or object by exact name ("foo" or "foo@@VERS"); functions and globals
 * win over others.  NULL: none. */
const struct dbg_sym *dbg_symbol_find(struct dbg_module *m, const char *name);
/* The symbol covering a link address: sized symbols first, then the nearest preceding one of
 * the same section without a size.  PLT entries are "name@plt".  NULL: none. */
const struct dbg_sym *dbg_symbol_at(struct dbg_module *m, uint64_t addr);
/* How far a symbol reaches, as SystemTap counts it: to where the next one of its kind begins, padding included.
 * The last is as long as its table says. */
uint64_t dbg_symbol_extent(struct dbg_module *m, const struct dbg_sym *s);
/* Sorted by address: name is the imported function's ("puts"), addr the stub's. */
const struct dbg_sym *dbg_module_plt(struct dbg_module *m, size_t *n);

/* ---- SDT notes ---- */

struct dbg_sdt {
	const char *provider, *name;
	uint64_t pc;			/* link address, prelink-adjusted */
	uint64_t semaphore;		/* link address; 0: none */
	uint64_t semaphore_offset;	/* file offset (ref_ctr_offset); 0: none */
	const char *args;		/* "-4@%edi 8@-8(%rbp)" */
};
const struct dbg_sdt *dbg_module_sdt(struct dbg_module *m, size_t *n);

/* One SDT operand. */
struct dbg_sdt_arg {
	int size;			/* bytes, 1,2,4,8 */
	bool is_signed;
	enum { DBG_SDT_CONST, DBG_SDT_REG, DBG_SDT_MEM } kind;
	int64_t value;			/* CONST: the value; MEM: displacement */
	int reg;			/* DWARF number: REG, or MEM's base (-1: none) */
	int reg_bytes;			/* REG: width of the named register (eax: 4); high-byte
					 * registers (%ah) have reg_shift 8 */
	int reg_shift;
	int index, scale;		/* MEM: index register (-1: none) and its factor */
	const char *symbol;		/* MEM: symbol added ("sym(%rip)"); NULL: none.  Its link
					 * address is already in `value` and rip is dropped when the
					 * symbol was found: then the address is value + load bias */
	bool relocated;			/* value needs the load bias added */
};
#define DBG_SDT_MAX_ARGS	32	/* more than any mark has */

/* Parses the argument string; at most `max` into args.  Number of arguments, or -code. */
int dbg_sdt_parse(struct dbg_module *m, const char *text, struct dbg_sdt_arg *args, size_t max,
		  struct dbg_error *e);

/* ---- needed libraries ---- */

/* DT_NEEDED names as in the file. */
const char *const *dbg_module_needed(struct dbg_module *m, size_t *n);
/* Paths of all libraries the program loads at start (like ldd; from /etc/ld.so.cache, RUNPATH,
 * default directories), the interpreter included, the program itself not. */
const char *const *dbg_module_ldd(struct dbg_module *m, size_t *n);

/* What a message about missing debug information says of debuginfod, behind the name of a package. */
const char *dbg_debuginfod_advice(void);

#endif
