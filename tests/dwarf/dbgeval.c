/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows what src/dbg knows about a program, for the checkers beside this file.
 *
 *   dbgeval list FILE [GLOB]   functions as stap -L prints them
 *   dbgeval funcs FILE         name|file|line|entry|inline|parameters with types
 *   dbgeval entry FILE         link address of the entry point
 *   dbgeval lines FILE         addresses of all statements: pc file:line
 *   dbgeval stmts FILE FUNC SOURCE MODE FIRST LAST   statement points; MODE is one of : + - , *
 *   dbgeval frames FILE PC...  inlined frames at addresses
 *   dbgeval serve FILE         commands on standard input, answers end with a line "."
 *       at PID BIAS R0 .. R16 FSBASE   (hex) then one line per variable visible there:
 *                                      name|type|size|hex bytes, or "!" and why not
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "dbg/unwind.h"

#define MAX_VALUE 65536

static struct arena *arena;
static struct dbg_module *module;

struct thread {
	int mem;
	uint64_t bias, fsbase;
	struct dbg_regs regs;
};

static bool read_mem(void *data, uint64_t addr, void *buf, size_t len)
{
	const struct thread *t = data;

	return pread(t->mem, buf, len, (off_t)addr) == (ssize_t)len;
}

static bool get_reg(void *data, int reg, uint64_t *v)
{
	const struct thread *t = data;

	if (reg == DBG_FSBASE) {
		*v = t->fsbase;
		return true;
	}
	if (reg < 0 || reg >= DBG_NREGS || !(t->regs.valid & (1u << reg)))
		return false;
	*v = t->regs.r[reg];
	return true;
}

static bool entry_reg(void *data, int reg, uint64_t *v);
static bool entry_param(void *data, int64_t param, uint64_t *v);

static struct dbg_eval_ctx context(struct thread *t)
{
	return (struct dbg_eval_ctx){ .reg = get_reg, .read = read_mem, .entry_reg = entry_reg,
				      .entry_param = entry_param, .data = t, .bias = t->bias };
}

/* The frame of the caller, and the return address into it. */
static bool caller_of(const struct thread *t, struct thread *caller, uint64_t *ret_pc)
{
	bool exact = true;

	*caller = *t;
	if (dbg_unwind_step(module, t->bias, &caller->regs, &exact, read_mem, caller, NULL) != 1)
		return false;
	*ret_pc = caller->regs.r[DBG_RIP] - t->bias;
	return true;
}

static bool run_in(struct thread *caller, const struct dbg_entry_value *ev, uint64_t *v)
{
	struct dbg_eval_ctx c = context(caller);

	return dbg_ops_eval(ev->ops, ev->nops, &c, false, 0, v, NULL) == 0;
}

/* The caller's call site tells what the register held when the function was entered. */
static bool entry_reg(void *data, int reg, uint64_t *v)
{
	struct dbg_entry_value ev;
	struct thread caller;
	uint64_t ret;

	return caller_of(data, &caller, &ret) && dbg_entry_value_at(module, ret, reg, &ev) == 0 &&
	       run_in(&caller, &ev, v);
}

static bool entry_param(void *data, int64_t param, uint64_t *v)
{
	struct dbg_entry_value ev;
	struct thread caller;
	uint64_t ret;

	return caller_of(data, &caller, &ret) &&
	       dbg_entry_param_at(module, ret, param, &ev) == 0 && run_in(&caller, &ev, v);
}

static void print_params(const struct dbg_func *f, uint64_t pc, bool located)
{
	size_t n;
	const struct dbg_var *v = dbg_vars_at(f, pc, &n);

	for (size_t i = 0; i < n; i++)
		if ((!located && v[i].is_param) || (located && v[i].loc.kind != DBG_LOC_NONE && !v[i].depth))
			printf(" $%s:%s", v[i].name, dbg_type_name(arena, v[i].type));
}

static void list(const char *path, const char *glob)
{
	size_t n;
	const struct dbg_func *const *f = dbg_funcs_find(module, glob, NULL, &n);

	for (size_t i = 0; i < n; i++) {
		printf("process(\"%s\").function(\"%s", path, f[i]->name);
		if (f[i]->file)
			printf("@%s:%u", f[i]->file, f[i]->line);
		printf("\")");
		print_params(f[i], dbg_func_probe_pc(f[i]), true);
		putchar('\n');
	}
}

static void funcs(void)
{
	size_t n;
	const struct dbg_func *const *f = dbg_funcs_find(module, "*", NULL, &n);

	for (size_t i = 0; i < n; i++) {
		printf("%s|%s|%u|%llx|%d|", f[i]->name, f[i]->file ? f[i]->file : "", f[i]->line,
		       (unsigned long long)f[i]->entry, f[i]->is_inline);
		print_params(f[i], f[i]->entry, false);
		putchar('\n');
	}
}

static void lines(void)
{
	size_t n;
	const struct dbg_stmt *s = dbg_stmts_find(module, "*", NULL, DBG_LINE_WILDCARD, 0, 0, &n, NULL);

	for (size_t i = 0; i < n; i++)
		printf("%llx %s:%u %s\n", (unsigned long long)s[i].pc, s[i].file, s[i].line,
		       s[i].func->name);
}

static void stmts(char **argv)
{
	static const char *const modes[] = { ":", "+", "-", ",", "*" };
	uint32_t first = (uint32_t)atoi(argv[6]), last = (uint32_t)atoi(argv[7]), near = 0;
	int mode = 0;
	size_t n;
	const struct dbg_stmt *s;

	while (mode < 4 && strcmp(modes[mode], argv[5]))
		mode++;
	s = dbg_stmts_find(module, argv[3], argv[4], (enum dbg_line_mode)mode, first, last, &n, &near);
	for (size_t i = 0; i < n; i++)
		printf("%s@%s:%u %llx\n", s[i].func->name, s[i].file, s[i].line,
		       (unsigned long long)s[i].pc);
	if (!n)
		printf("nearest %u\n", near);
}

static void frames(uint64_t pc)
{
	struct dbg_frame_line f[64];
	size_t n = dbg_frames_at(module, pc, f, 64);

	for (size_t i = 0; i < n; i++)
		printf("%llx %s %s:%u\n", (unsigned long long)pc, f[i].func->name,
		       f[i].file ? f[i].file : "?", f[i].line);
}

static void print_var(const struct dbg_var *v, struct thread *t)
{
	static uint8_t buf[MAX_VALUE];
	const struct dbg_eval_ctx c = context(t);
	uint64_t size = dbg_type_sizeof(v->type);
	struct dbg_error e = { 0 };

	printf("%s|%s|%llu|", v->name, dbg_type_name(arena, v->type), (unsigned long long)size);
	if (size > MAX_VALUE)
		printf("!too large\n");
	else if (v->loc.kind == DBG_LOC_NONE)
		printf("!%s\n", dbg_loc_text(arena, &v->loc));
	else if (dbg_loc_read(&v->loc, &c, buf, size, &e))
		printf("!%s (%s)\n", e.msg, dbg_loc_text(arena, &v->loc));
	else {
		for (uint64_t i = 0; i < size; i++)
			printf("%02x", buf[i]);
		putchar('\n');
	}
}

static void serve(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		struct thread t = { .mem = -1, .regs.valid = (1u << DBG_NREGS) - 1 };
		const struct dbg_func *f;
		const struct dbg_var *v;
		char path[64], *p = line + 3;
		size_t n;

		if (strncmp(line, "at ", 3) != 0)
			break;
		snprintf(path, sizeof(path), "/proc/%ld/mem", strtol(p, &p, 10));
		t.mem = open(path, O_RDONLY | O_CLOEXEC);
		t.bias = strtoull(p, &p, 16);
		for (int i = 0; i < DBG_NREGS; i++)
			t.regs.r[i] = strtoull(p, &p, 16);
		t.fsbase = strtoull(p, &p, 16);
		f = dbg_func_at(module, t.regs.r[DBG_RIP] - t.bias);
		v = f ? dbg_vars_at(f, t.regs.r[DBG_RIP] - t.bias, &n) : NULL;
		for (size_t i = 0; v && i < n; i++)
			print_var(&v[i], &t);
		puts(".");
		fflush(stdout);
		close(t.mem);
	}
}

int main(int argc, char **argv)
{
	struct dbg_error e = { 0 };

	if (argc < 3) {
		fprintf(stderr, "usage: dbgeval list|funcs|entry|lines|frames|serve FILE [ARG...]\n");
		return 2;
	}
	arena = arena_create();
	module = dbg_module_open(argv[2], NULL, &e);
	if (!module || dbg_module_debug(module, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	if (!strcmp(argv[1], "list"))
		list(argv[2], argc > 3 ? argv[3] : "*");
	else if (!strcmp(argv[1], "funcs"))
		funcs();
	else if (!strcmp(argv[1], "entry"))
		printf("%llx\n", (unsigned long long)dbg_module_info(module)->entry);
	else if (!strcmp(argv[1], "lines"))
		lines();
	else if (!strcmp(argv[1], "stmts") && argc == 8)
		stmts(argv);
	else if (!strcmp(argv[1], "frames"))
		for (int i = 3; i < argc; i++)
			frames(strtoull(argv[i], NULL, 16));
	else
		serve();
	dbg_modules_close_all();
	arena_destroy(arena);
	return 0;
}
