/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads all that src/dbg can tell of ELF files that are likely damaged: fuzz_dbg FILE...
 *
 * Every symbol, note, function, line, variable with its type and location program, unwind rule and table is asked for;
 * location programs and one step of unwinding are run over memory that holds zeros.  Nothing is checked but that it
 * ends: sanitizers do the rest.  Built by afl-clang-fast it is a persistent target, see tests/fuzz/run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "dbg/name_table.h"
#include "dbg/unwind.h"
#include "dbg/unwind_table.h"

#define MAX_FUNCS 200
#define MAX_VARS  100
#define MAX_STMTS 100
#define MAX_TYPES 5	/* nested */

static struct arena *arena;

static bool some_reg(void *data, int reg, uint64_t *v)
{
	*v = 0x1000 + (uint64_t)reg;
	return true;
}

static bool zeros(void *data, uint64_t addr, void *buf, size_t len)
{
	memset(buf, 0, len);
	return true;
}

static bool some_address(void *data, uint64_t offset, uint64_t *addr)
{
	*addr = 0x10000 + offset;
	return true;
}

static bool some_param(void *data, int64_t param, uint64_t *v)
{
	*v = (uint64_t)param;
	return true;
}

static void read_type(const struct dbg_type *t, int level)
{
	const struct dbg_member *members;
	struct dbg_loc at;
	uint64_t count;
	size_t n;

	if (!t || level > MAX_TYPES)
		return;
	dbg_type_name(arena, t);
	t = dbg_type_complete(t);
	dbg_type_sizeof(t);
	dbg_type_count(t, &count);
	dbg_return_location(t, &at);
	dbg_type_enumerators(t, &n);
	members = dbg_type_members(t, &n);
	for (size_t i = 0; i < n && i < 10; i++)
		read_type(members[i].type, level + 1);
	if (t->kind == DBG_POINTER || t->kind == DBG_ARRAY || t->kind == DBG_ENUM)
		read_type(dbg_type_target(t), level + 1);
	if (t->kind == DBG_FUNCTION)
		dbg_type_params(t, &n, NULL);
}

static void read_location(const struct dbg_loc *l)
{
	const struct dbg_eval_ctx c = { .reg = some_reg, .read = zeros, .entry_reg = some_reg, .tls = some_address,
					.entry_param = some_param };
	uint8_t buf[64];

	dbg_loc_text(arena, l);
	dbg_loc_read(l, &c, buf, sizeof(buf), NULL);
}

static void read_vars(const struct dbg_func *f, uint64_t pc)
{
	const struct dbg_var *vars;
	struct dbg_error e;
	struct dbg_var v;
	size_t n;

	vars = dbg_vars_at(f, pc, &n);
	for (size_t i = 0; i < n && i < MAX_VARS; i++) {
		read_type(vars[i].type, 0);
		read_location(&vars[i].loc);
		if (vars[i].name)
			dbg_var_find(f, pc, vars[i].name, &v, &e);
	}
	dbg_var_find(f, pc, "nosuch", &v, &e);
}

static void read_func(struct dbg_module *m, const struct dbg_func *f)
{
	struct dbg_frame_line frames[16];
	struct dbg_entry_value value;
	const struct dbg_callsite *calls;
	struct dbg_line line;
	size_t n;
	bool all;

	read_vars(f, dbg_func_probe_pc(f));
	for (uint32_t i = 0; i < f->nranges && i < 3; i++)
		read_vars(f, f->ranges[i].hi - 1);
	dbg_func_parent(f);
	dbg_func_cu_name(f);
	dbg_func_producer(f);
	dbg_func_labels(f, &n);
	read_type(dbg_func_return_type(f), 0);
	dbg_entry_params(f, 0, &n, &all);
	dbg_frames_at(m, f->entry, frames, 16);
	dbg_line_at(m, f->entry, &line);
	calls = dbg_func_callsites(f, &n);
	for (size_t i = 0; i < n && i < MAX_VARS; i++) {
		dbg_entry_value_at(m, calls[i].ret_pc, 5, &value);
		dbg_entry_param_at(m, calls[i].ret_pc, 0, &value);
	}
}

static void read_debug(struct dbg_module *m)
{
	const struct dbg_func *const *funcs;
	const struct dbg_stmt *stmts;
	struct dbg_error e;
	struct dbg_var v;
	const char **names;
	uint32_t near;
	size_t n;

	if (dbg_module_debug(m, &e))
		return;
	funcs = dbg_funcs_find(m, "*", NULL, &n);
	for (size_t i = 0; i < n && i < MAX_FUNCS; i++)
		read_func(m, funcs[i]);
	stmts = dbg_stmts_find(m, "*", "*", DBG_LINE_WILDCARD, 0, 0, &n, &near);
	for (size_t i = 0; i < n && i < MAX_STMTS; i++)
		if (stmts[i].func)
			read_vars(stmts[i].func, stmts[i].pc);
	dbg_stmts_find(m, "main", "*.c", DBG_LINE_ABSOLUTE, 1, 1, &n, &near);
	dbg_files_find(m, "*", &n);
	read_type(dbg_type_find(m, "struct node"), 0);
	dbg_global_find(m, NULL, "global", NULL, &v, &e);
	names = dbg_type_names(m, "*");
	for (size_t i = 0; i < arrlenu(names) && i < MAX_VARS; i++)
		read_type(dbg_type_find(m, names[i]), 0);
	arrfree(names);
	dbg_module_damage(m);
}

/* Every 64th row. */
static int step_at(const struct dbg_unwind_row *row, void *data)
{
	static unsigned count;
	struct dbg_regs regs = { .valid = ~0u };
	bool exact = true;

	if (count++ % 64)
		return 0;
	for (int i = 0; i < DBG_NREGS; i++)
		regs.r[i] = 0x1000 + (uint64_t)i * 64;
	regs.r[DBG_RIP] = row->lo;
	dbg_unwind_step(data, 0, &regs, &exact, zeros, NULL, NULL);
	return 0;
}

static void read_tables(struct dbg_module *m)
{
	struct dbg_walk_row *rows = dbg_walk_table(m);
	struct dbg_name_row *names = dbg_name_table(m);

	arrfree(rows);
	arrfree(names);
}

static void read_module(const char *path)
{
	const struct dbg_open_opts opts = { .debug_path = "", .no_debuginfod = true };
	struct dbg_sdt_arg args[12];
	const struct dbg_sdt *sdt;
	const struct dbg_sym *syms;
	struct dbg_module *m;
	struct dbg_error e;
	size_t n;

	arena = arena_create();
	m = dbg_module_open(path, &opts, &e);
	if (m) {
		uint64_t base = dbg_module_info(m)->base, offset;

		dbg_addr_to_offset(m, base, &offset);
		dbg_load_bias(m, 0x7f0000001000, 0x1000, &offset);
		syms = dbg_module_symbols(m, &n);
		for (size_t i = 0; i < n && i < MAX_FUNCS; i++) {
			dbg_symbol_find(m, syms[i].name);
			dbg_symbol_at(m, syms[i].addr);
			dbg_symbol_extent(m, &syms[i]);
		}
		dbg_module_plt(m, &n);
		sdt = dbg_module_sdt(m, &n);
		for (size_t i = 0; i < n; i++)
			dbg_sdt_parse(m, sdt[i].args, args, 12, &e);
		dbg_module_needed(m, &n);
		read_debug(m);
		dbg_unwind_each(m, step_at, m);
		read_tables(m);
	}
	dbg_modules_close_all();
	arena_destroy(arena);
}

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();

int main(void)
{
	int fd = memfd_create("module", 0);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	__AFL_INIT();
	while (__AFL_LOOP(1000)) {
		if (ftruncate(fd, 0) || pwrite(fd, __AFL_FUZZ_TESTCASE_BUF, (size_t)__AFL_FUZZ_TESTCASE_LEN, 0) < 0)
			return 1;
		read_module(path);
	}
	close(fd);
	return 0;
}
#else
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		printf("%s\n", argv[i]);
		fflush(stdout);
		read_module(argv[i]);
	}
	return 0;
}
#endif
