/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every operation of the IR compiles and loads in every kind of kernel handler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ds.h"
#include "bpf/engine.h"
#include "ir/names.h"
#include "ir/fmt.h"
#include "ir/pass.h"
#include "ir/regex.h"

enum { G_INT, G_STR, G_ARRAY, G_STRARRAY, G_STAT, G_STATARRAY };

struct maker {
	struct ir_module *m;
	struct ir_func *f;
	const char *err;
};

static void add_global(struct ir_module *m, const char *name, enum ir_type type, bool array)
{
	struct ir_global *g = arena_new(m->arena, struct ir_global);

	*g = (struct ir_global){ .name = name, .type = type, .bound = 128, .is_array = array,
				 .max_entries = 100, .nkeys = array };
	g->key_type[0] = IR_I64;
	if (type == IR_STAT) {
		g->hist = IR_HIST_LOG;
		g->stat_ops = ~0u;
	}
	arrput(m->globals, g);
}

static uint32_t global_for(enum ir_op op)
{
	switch (op) {
	case IR_GLOAD: case IR_GSTORE: case IR_GADD:
		return G_INT;
	case IR_STAT_ADD: case IR_STAT_GET: case IR_HIST_COUNT: case IR_HIST_BUCKETS: case IR_PRINT_HIST:
		return G_STATARRAY;
	default:
		return G_ARRAY;
	}
}

static int64_t imm_for(enum ir_op op)
{
	switch (op) {
	case IR_ULOAD: case IR_KLOAD: case IR_USTORE:
		return 8;
	case IR_SEXT: case IR_ZEXT: case IR_BSWAP:
		return 32;
	case IR_CTXLOAD:
		return 8 << 8 | 8;
	default:
		return 0;
	}
}

/* One expression of this operation with plain arguments; NULL: not of a kernel handler. */
static struct ir_expr *make(struct maker *mk, enum ir_op op)
{
	const struct ir_op_info *info = &ir_op_table[op];
	struct ir_expr *args[8], *e;
	uint32_t n = 0;

	if (op == IR_CALL)
		return NULL;
	for (const char *a = info->args; *a; a++) {
		if (*a == 's')
			args[n++] = ir_str(mk->m, "some text", NULL);
		else if (*a != '*')
			args[n++] = ir_const(mk->m, 5, NULL);
	}
	if (op == IR_SELECT || op == IR_GSTORE || op == IR_ASTORE)
		for (int k = 0; k < (op == IR_SELECT ? 2 : 1); k++)
			args[n++] = ir_const(mk->m, 1, NULL);
	e = ir_expr_new(mk->m, op, NULL, 0);
	e->nargs = n;
	e->args = arena_memdup(mk->m->arena, args, sizeof(args[0]) * (n + 1));
	if (info->result < 0)
		e->type = IR_I64;
	e->imm = imm_for(op);
	if (op == IR_STRLIT)
		e->str = "text";
	if (info->flags & IRF_SYM_GLOBAL)
		e->sym = global_for(op);
	if (info->flags & IRF_SYM_FORMAT)
		e->sym = ir_format_parse(mk->m, "text", &mk->err);
	if (info->flags & IRF_SYM_REGEX)
		e->sym = 0;
	if (info->flags & IRF_SYM_NAMES)
		e->sym = ir_names_add(mk->m, "bits A=1 B=2", &mk->err);
	return e;
}

static bool loads(enum ir_op op, enum prog_kind kind)
{
	struct arena *a = arena_create();
	struct program *p = program_create(a);
	struct ir_func *f = ir_func_new(a);
	struct maker mk = { .m = p->ir, .f = f };
	struct engine_options o = { .show_log = false };
	struct prog_point pt = { .kind = POINT_TRACEPOINT, .name = "sys_enter", .path = "/x" };
	struct prog_module mod = { .path = "/y" };
	struct ir_stmt *s;
	struct ir_expr *e;
	struct engine *en;
	uint32_t regex;
	bool ok;

	add_global(p->ir, "i", IR_I64, false);
	add_global(p->ir, "s", IR_STR, false);
	add_global(p->ir, "a", IR_I64, true);
	add_global(p->ir, "t", IR_STR, true);
	add_global(p->ir, "st", IR_STAT, false);
	add_global(p->ir, "sa", IR_STAT, true);
	f->name = "h";
	ir_local_add(p->ir, f, "n", IR_I64, 0);
	ir_local_add(p->ir, f, "t", IR_STR, 128);
	regex = ir_regex_add(p->ir, "a(b*)c", NULL);
	ir_regex_compile(p->ir, p->ir->regexes[regex], &mk.err);
	e = make(&mk, op);
	if (!e) {
		arena_destroy(a);
		return true;
	}
	s = ir_stmt_new(p->ir, e->type == IR_VOID ? IR_S_EVAL : IR_S_SET, NULL);
	s->expr = e;
	s->sym = e->type == IR_STR;
	f->body = s;
	pt.handler = program_handler_add(p, kind, f);
	p->handlers[pt.handler].sleepable = op != IR_PERF;	/* see lower/sleepable.c */
	arrput(p->points, pt);
	arrput(p->modules, mod);
	ir_analyse(p);
	en = engine_create(p, &o);
	ok = !engine_prepare(en) && !engine_load(en);
	if (!ok)
		fprintf(stderr, "%s in kind %d: %s\n", ir_op_table[op].name, kind, engine_error(en));
	engine_destroy(en);
	arena_destroy(a);
	return ok;
}

static const enum prog_kind kinds[] = { PROG_UPROBE, PROG_TRACEPOINT, PROG_URETPROBE, PROG_RAW_TP,
					PROG_TP_BTF, PROG_PERF_EVENT };
static size_t nkinds = sizeof(kinds) / sizeof(kinds[0]);

static void test_ops(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t k = 0; k < nkinds; k++)
		for (int op = 0; op < IR_OP_COUNT; op++) {
			bool odd = (op == IR_CTXLOAD && kinds[k] != PROG_TRACEPOINT) ||
				   (ir_op_table[op].flags & IRF_UONLY) || (op == IR_ARG && kinds[k] != PROG_RAW_TP && kinds[k] != PROG_TP_BTF);

			bad += !odd && !loads((enum ir_op)op, kinds[k]);
		}
	assert_int_equal(bad, 0);
}

/* With an argument: the most different two kinds alone, for slow machines. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ops) };

	if (argc > 1)
		nkinds = 2;

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
