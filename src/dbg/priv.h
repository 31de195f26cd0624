/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of struct dbg_module and of types, shared by the files of src/dbg only. */
#ifndef DBG_PRIV_H
#define DBG_PRIV_H

#include "dbg/bytes.h"
#include "dbg/dw.h"
#include "dbg/elffile.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "dbg/type.h"

struct arena;
struct cfi;
struct btf_file;
struct dbg_index;

/* What callers of a function say of a parameter. */
struct call_values {
	const struct dbg_entry_value *list;
	size_t n;
	bool all;
};

struct dbg_module {
	struct arena *arena;
	struct dbg_module_info info;
	char *build_id_hex;
	struct elffile *elf, *debug, *alt, *mini;	/* debug may equal elf; mini: .gnu_debugdata */
	bool no_debuginfod;
	char *debug_dirs, *root;
	/* debug information: looked for once */
	bool debug_tried;
	struct dbg_error debug_error;
	struct dw *dw;
	struct btf_file *btf;
	/* lazily filled parts; each belongs to one file */
	struct dbg_sym *symbols, *plt;			/* stb_ds arrays */
	struct dbg_sym *plt_at;				/* plt under the names "f@plt" */
	struct {
		uint32_t *heads, *next;			/* symbol + 1, malloc'ed; NULL at first */
		size_t mask;
	} by_name;
	bool symbols_read, plt_read, sdt_read, needed_read, ldd_read;
	struct dbg_sdt *sdt;				/* stb_ds arrays from here on */
	const char **needed, **ldd;
	struct cfi *cfi;
	struct index_range *aranges;			/* stb_ds array, sorted */
	bool aranges_read;
	struct dbg_index *index, *ranges_index;		/* names; addresses */
	struct { uint64_t key; struct dbg_type *value; } *types;	/* DIE or BTF id -> type */
	struct { uint64_t key; struct dbg_func *value; } *funcs;	/* DIE -> function */
	struct {
		struct { uint64_t origin, param; } key;
		struct call_values value;
	} *call_values;			/* dbg_entry_params() */
	struct { char *key; const struct dbg_type *value; } *type_names;	/* "struct s" */
	struct dbg_type *void_type;
};

/* A module with nothing in it but an arena, registered for dbg_modules_close_all. */
struct dbg_module *module_new(void);

/* Opens the separate debug files of m: fills m->debug, m->alt, m->dw.  debugfile.c */
int debugfile_load(struct dbg_module *m, struct dbg_error *e);
/* The debug file with this build id from debuginfod, if DEBUGINFOD_URLS is set: its path, the caller's to
 * free; NULL: none. */
char *debugfile_download(const uint8_t *build_id, size_t len);
/* Unpacks .gnu_debugdata into m->mini, once. */
void debugfile_load_mini(struct dbg_module *m);

/* Type back ends fill the lazy parts through this. */
struct dbg_type_ops {
	const struct dbg_type *(*target)(const struct dbg_type *t);
	const struct dbg_member *(*members)(const struct dbg_type *t, size_t *n);
	const struct dbg_enumerator *(*enumerators)(const struct dbg_type *t, size_t *n);
	const struct dbg_param *(*params)(const struct dbg_type *t, size_t *n, bool *variadic);
	bool (*count)(const struct dbg_type *t, uint64_t *count);
	const struct dbg_type *(*find)(struct dbg_module *m, const char *name);
};

const struct dbg_type *module_void_type(struct dbg_module *m);
struct dbg_type *type_new(struct dbg_module *m, enum dbg_type_kind kind,
			  const struct dbg_type_ops *ops, uint64_t ref);

/* dwtype.c: the type of a DIE, and the type its DW_AT_type refers to (void if none). */
const struct dbg_type *dwtype_of_die(struct dbg_module *m, const struct dw_die *d);
const struct dbg_type *dwtype_of_attr(struct dbg_module *m, const struct dw_die *d);
const struct dbg_type *dwtype_find(struct dbg_module *m, const char *name);
const struct dbg_type *btftype_find(struct dbg_module *m, const char *name);
const char **btftype_names(struct dbg_module *m, const char *glob);
bool btf_enumerator(struct dbg_module *m, const char *name, int64_t *value);

/* dwexpr.c: compiles a DWARF expression. */
struct dwexpr_ctx {
	struct dbg_module *m;
	struct dw_unit *u;		/* NULL in CFI */
	const struct dbg_func *func;	/* for fbreg; NULL: none */
	uint64_t pc;
	unsigned depth;			/* nested calls of expressions */
	bool cfi_mode;			/* no frame base, no CFA */
};
/* A location description; never fails: what cannot be used becomes DBG_LOC_NONE with why. */
void dwexpr_location(const struct dwexpr_ctx *x, struct dbg_bytes expr, struct dbg_loc *out);
/* A plain computation (CFI, call-site values, bounds): the ops leave one value. */
bool dwexpr_value(const struct dwexpr_ctx *x, struct dbg_bytes expr, const struct dbg_op **ops,
		  size_t *nops);

/* dwloc.c: the location of attribute `name` of a DIE at pc. */
void dwloc_attr(const struct dwexpr_ctx *x, const struct dw_die *d, unsigned name,
		struct dbg_loc *out);
/* The raw expression of an attribute at pc: an exprloc, or the list entry covering it.
 * `entry`: pc is the function's first instruction. */
bool dwloc_expr_at(const struct dw_die *d, unsigned name, uint64_t pc, bool entry,
		   struct dbg_bytes *expr);
/* Address ranges, also empty ones, in which a location list has an entry; false: not a list. */
bool dwloc_each(const struct dw_die *d, unsigned name,
		bool (*fn)(void *data, uint64_t lo, uint64_t hi, struct dbg_bytes expr), void *data);

/* dwline.c */
struct dw_lines {
	bool have_rows;
	const char **files;		/* stb_ds array by DWARF file number; entries may be NULL */
	struct dbg_line *rows;		/* sorted by pc, stable */
	size_t nrows;
};
const char *dwline_file(struct dw_unit *u, uint64_t index);
/* Whether anything in the unit may be of a file that matches, by its table of files. */
bool dwline_may_match(struct dw_unit *u, const char *pattern);
const struct dw_lines *dwline_rows(struct dw_unit *u);
void dwline_free(struct dw_unit *u);

/* dwfunc.c */
/* Functions of a unit, then inlined copies, each sorted by entry. */
const struct dbg_func **dwfunc_walk(struct dw_unit *u);
bool dwfunc_contains(const struct dbg_func *f, uint64_t pc);
/* The unit whose code covers pc. */
struct dw_unit *dwfunc_unit_at(struct dbg_module *m, uint64_t pc);
/* A script's glob against a name; plain names compare fast. */
bool dwfunc_glob(const char *pattern, const char *name);

/* index.c: names at the top level of every unit, read once. */
enum index_kind { INDEX_FUNC, INDEX_VAR };
struct index_entry {
	const char *name;
	uint64_t die;
	uint32_t unit;			/* number within its section's units */
	uint8_t kind;
	bool inlined;			/* abstract instance */
};
struct index_range {
	uint64_t lo, hi;
	struct dw_unit *u;
};
/* An entry as it is kept in a file, sorted by hash; see indexcache.c */
struct index_rec {
	uint32_t hash, name, die, unit;
};
struct dbg_index {
	struct index_entry *entries;	/* stb_ds; none if `recs` came from a file: */
	const struct index_rec *recs;
	size_t nrecs;
	void *map;
	size_t map_len;
	struct index_range *ranges;	/* stb_ds, sorted by lo */
	bool crossing;			/* some unit inlines functions of other units */
};
/* Goes through the entries, all or (exact) those of one name. */
struct index_iter {
	struct dbg_module *m;
	const struct dbg_index *ix;
	const char *exact;
	size_t at;
};
struct index_iter index_start(struct dbg_module *m, const char *exact);
bool index_next(struct index_iter *it, struct index_entry *out);
const struct index_range *index_ranges(struct dbg_module *m, size_t *n);
void index_free(struct dbg_module *m);

/* aranges.c: the unit that .debug_aranges has for pc; NULL: none. */
struct dw_unit *aranges_unit(struct dbg_module *m, uint64_t pc);
/* indexcache.c: the index of a file of the same build from an earlier run, if one was kept, and keeping it. */
bool indexcache_load(struct dbg_module *m, struct dbg_index *ix);
void indexcache_save(struct dbg_module *m, const struct dbg_index *ix);
void indexcache_free(struct dbg_index *ix);
/* Where records of that name begin, whether record i may still be one; and the entry of a record, false: damaged. */
size_t indexcache_first(const struct dbg_index *ix, const char *name);
bool indexcache_same(const struct dbg_index *ix, size_t i, const char *name);
bool indexcache_entry(struct dbg_module *m, const struct dbg_index *ix, size_t i, struct index_entry *e);

#define KERNEL_MAX_BUILD_ID	64	/* bytes */
/* kernelplace.c: the build id of the running kernel (module NULL) or of a loaded module; its length, 0: none. */
size_t kernel_notes_id(const char *module, uint8_t id[KERNEL_MAX_BUILD_ID]);
/* A module's name as the kernel spells it, "nf_nat" of "nf-nat" or "/x/nf-nat.ko"; malloc'ed. */
char *kernel_module_name(const char *name);

/* Drops what kernelfile.c remembers of modules that are being closed. */
void kernelfile_forget(void);
/* headerfile.c: what was opened before is asked for anew */
void headerfile_forget(void);

void cfi_free(struct dbg_module *m);
void btf_file_free(struct dbg_module *m);

#endif
