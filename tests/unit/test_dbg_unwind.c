/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Location programs, unwinding (of this very process, and PLT and signal frames), and hostile
 * files. */
#include "dbg_support.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/wait.h>

#include "base/ds.h"
#include "dbg/unwind.h"
#include "dbg/unwind_table.h"

static bool own_memory(void *data, uint64_t addr, void *buf, size_t len)
{
	if (addr < 4096)
		return false;
	memcpy(buf, (const void *)addr, len);
	return true;
}

/* Module and load bias of an address of this process. */
static struct dbg_module *module_of(uint64_t pc, uint64_t *bias)
{
	FILE *f = fopen("/proc/self/maps", "re");
	struct dbg_module *m = NULL;
	char line[4600], path[4200];
	unsigned long start, end, off;

	assert_non_null(f);
	while (!m && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %4199s", &start, &end, &off, path) == 4 &&
		    pc >= start && pc < end && *path == '/') {
			m = dbg_module_open(path, NULL, NULL);
			if (m)
				assert_true(dbg_load_bias(m, start, off, bias));
		}
	fclose(f);
	return m;
}

static char trace[4096];

static void take_trace(const ucontext_t *uc, bool exact)
{
	static const uint8_t order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP,
		REG_RSP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };
	struct dbg_regs regs = { .valid = (1u << DBG_NREGS) - 1 };
	size_t len = 0;

	for (int i = 0; i < DBG_NREGS; i++)
		regs.r[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
	trace[0] = 0;
	for (int i = 0; i < 64; i++) {
		uint64_t bias, pc = regs.r[DBG_RIP];
		struct dbg_module *m = module_of(pc, &bias);
		const struct dbg_sym *s;

		if (!m)
			break;
		s = dbg_symbol_at(m, pc - bias - !exact);
		len += (size_t)snprintf(trace + len, sizeof(trace) - len, "%s ", s ? s->name : "?");
		if (dbg_unwind_step(m, bias, &regs, &exact, own_memory, NULL, NULL) != 1)
			break;
	}
}

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	ucontext_t here;

	getcontext(&here);		/* goes through the signal frame */
	take_trace(&here, true);
}

__attribute__((noinline)) static int deep_three(int n)
{
	raise(SIGUSR1);
	return n + 1;
}

__attribute__((noinline)) static int deep_two(int n)
{
	char buf[200];

	memset(buf, n, sizeof(buf));
	return deep_three(n) + buf[n & 63];
}

__attribute__((noinline)) static int deep_one(int n)
{
	return deep_two(n + 1) * 2;
}

static void expect_order(const char *const *names)
{
	const char *p = trace;

	for (; *names; names++) {
		p = strstr(p, *names);
		if (!p)
			fail_msg("no %s in order in: %s", *names, trace);
		p += strlen(*names);
	}
}

static void test_self(void **state)
{
	static const char *const want[] = { "on_signal ", "raise ", "deep_three ", "deep_two ", "deep_one ",
					    "test_self ", "main ", "_start ", NULL };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	assert_true(deep_one((int)getpid() & 7) != 0);
	expect_order(want);
}

/* Every instruction of a function without frame pointer knows the way back. */
static void test_rows(void **state)
{
	static const char src[] =
		"long g(long); long f(long a, long b) { char x[40]; long s = 0;\n"
		"for (long i = 0; i < a; i++) { x[i % 40] = i; s += g(i) * x[b % 40]; } return s; }\n"
		"__attribute__((noinline)) long g(long a) { __asm__ volatile(\"\"); return a; }\n"
		"int main(int c, char **v) { return f(c, c); }\n";
	struct dbg_module *m = dbg_open(dbg_compile("rows", src, "gcc", "-O2 -fomit-frame-pointer"));
	const struct dbg_func *f = dbg_the_func(m, "f");
	struct dbg_unwind_row row;
	uint64_t pc = f->entry, changes = 0;

	assert_int_equal(dbg_unwind_row(m, pc, &row, NULL), 0);
	assert_int_equal(row.lo, pc);
	assert_int_equal(row.cfa.kind, DBG_RULE_REG_OFFSET);
	assert_int_equal(row.cfa.reg, DBG_RSP);
	assert_int_equal(row.cfa.offset, 8);
	assert_int_equal(row.regs[DBG_RIP].kind, DBG_RULE_CFA_OFFSET);
	assert_int_equal(row.regs[DBG_RIP].offset, -8);
	while (pc < f->ranges[0].hi) {
		assert_int_equal(dbg_unwind_row(m, pc, &row, NULL), 0);
		assert_true(row.lo <= pc && row.hi > pc);
		pc = row.hi;
		changes++;
	}
	assert_true(changes >= 3);
	assert_int_equal(dbg_unwind_row(m, 0x10, &row, NULL), -DBG_ENOENT);
}

static int64_t run(const struct dbg_op *ops, size_t n)
{
	struct dbg_error e = { 0 };
	uint64_t v = 0;
	int r = dbg_ops_eval(ops, n, &(struct dbg_eval_ctx){ .bias = 100 }, false, 0, &v, &e);

	return r ? r : (int64_t)v;
}

#define RUN(...) run((const struct dbg_op[]){ __VA_ARGS__ },                                 \
		     sizeof((const struct dbg_op[]){ __VA_ARGS__ }) / sizeof(struct dbg_op))
#define K(n) { DBG_OP_CONST, n }
#define O(op) { DBG_OP_##op, 0 }

static void test_evaluator(void **state)
{
	assert_int_equal(RUN(K(7), K(3), O(SUB)), 4);
	assert_int_equal(RUN(K(-7), K(2), O(DIV)), -3);
	assert_int_equal(RUN(K(-7), K(2), O(SMOD)), -1);
	assert_int_equal(RUN(K(1), K(2), K(3), O(ROT), O(SUB), O(SUB)), 3 - (1 - 2));
	assert_int_equal(RUN(K(5), O(DUP), O(MUL)), 25);
	assert_int_equal(RUN(K(0xff), { DBG_OP_SEXT, 1 }), -1);
	assert_int_equal(RUN(K(-1), { DBG_OP_ZEXT, 2 }), 0xffff);
	assert_int_equal(RUN({ DBG_OP_ADDR, 11 }), 111);
	assert_int_equal(RUN(K(1), { DBG_OP_BRA, 4 }, K(9), O(DROP), K(8)), 8);
	assert_int_equal(RUN(K(-1), K(1), O(LT)), 1);
	assert_int_equal(RUN(K(-1), K(1), O(ULT)), 0);
	assert_int_equal(RUN(K(INT64_MIN), K(-1), O(DIV)), INT64_MIN);
	assert_int_equal(RUN(K(1), K(0), O(DIV)), -DBG_EUNAVAIL);
	assert_int_equal(RUN(K(0), { DBG_OP_SKIP, 0 }), -DBG_ECORRUPT);	/* endless */
	assert_int_equal(RUN(O(ADD)), -DBG_ECORRUPT);
	assert_int_equal(RUN({ DBG_OP_REG, 3 }), -DBG_EUNAVAIL);
	assert_int_equal(dbg_reg_number("%r10d", NULL), DBG_R10);
	assert_int_equal(dbg_reg_number("xmm3", NULL), DBG_XMM0 + 3);
	assert_int_equal(dbg_reg_number("r16", NULL), -1);
}

/* Asks everything there is to ask of a file; it must only not crash or hang. */
static void exercise(const char *path)
{
	struct dbg_module *m = dbg_module_open(path, NULL, NULL);
	const struct dbg_func *const *f;
	struct dbg_unwind_row row;
	struct dbg_walk_row *rows;
	size_t n, k;
	bool all;

	if (!m)
		return;
	dbg_module_symbols(m, &n);
	dbg_module_plt(m, &n);
	dbg_module_sdt(m, &n);
	for (uint64_t pc = 0x1000; pc < 0x1400; pc += 9)
		dbg_unwind_row(m, pc, &row, NULL);
	f = dbg_funcs_find(m, "*", NULL, &n);
	for (size_t i = 0; i < n && i < 50; i++) {
		const struct dbg_var *v = dbg_vars_at(f[i], dbg_func_probe_pc(f[i]), &k);

		for (size_t j = 0; j < k && j < 50; j++) {
			struct dbg_member mem;

			dbg_type_name(dbg_arena, v[j].type);
			dbg_type_sizeof(v[j].type);
			dbg_type_member(v[j].type, "nothing", &mem);
		}
		dbg_entry_params(f[i], 1, &k, &all);
	}
	dbg_stmts_find(m, "*", NULL, DBG_LINE_WILDCARD, 0, 0, &n, NULL);
	dbg_type_find(m, "struct nothing");
	rows = dbg_walk_table(m);
	arrfree(rows);
}

struct table {
	struct dbg_module *m;
	struct dbg_walk_row *rows;
	unsigned compared, kinds[8];
};

/* What the short rule is to be for the row, as far as that can be said simply. */
static int compare_rule(const struct dbg_unwind_row *row, void *data)
{
	struct table *t = data;
	const struct dbg_rule *rbp = &row->regs[DBG_RBP];
	uint64_t offset;
	size_t lo = 0, hi = (size_t)arrlen(t->rows);
	uint32_t rule;

	assert_true(dbg_addr_to_offset(t->m, row->lo, &offset));
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->rows[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	assert_true(lo > 0);
	rule = t->rows[lo - 1].rule;
	t->kinds[DBG_WALK_KIND(rule)]++;
	if (row->regs[DBG_RIP].kind != DBG_RULE_CFA_OFFSET || row->cfa.kind != DBG_RULE_REG_OFFSET ||
	    (row->cfa.reg != DBG_RSP && row->cfa.reg != DBG_RBP))
		return 0;
	assert_int_equal(DBG_WALK_KIND(rule), row->cfa.reg == DBG_RSP ? DBG_WALK_RSP : DBG_WALK_RBP);
	assert_int_equal(DBG_WALK_N(rule) * 8, row->cfa.offset);
	if (rbp->kind == DBG_RULE_SAME)
		assert_int_equal(DBG_WALK_RBP_AT(rule), 0);
	else if (rbp->kind == DBG_RULE_CFA_OFFSET)
		assert_int_equal((int64_t)DBG_WALK_RBP_AT(rule) * -8, rbp->offset);
	t->compared++;
	return 0;
}

/* Every row of the C library is found again in its table of short rules. */
static void test_table(void **state)
{
	uint64_t bias;
	/* a function of libc's that sanitizers do not replace */
	struct table t = { .m = module_of((uint64_t)(uintptr_t)&getppid, &bias) };

	assert_non_null(t.m);
	t.rows = dbg_walk_table(t.m);
	for (ptrdiff_t i = 1; i < arrlen(t.rows); i++)
		assert_true(t.rows[i - 1].offset <= t.rows[i].offset);
	assert_int_equal(dbg_unwind_each(t.m, compare_rule, &t), 0);
	assert_true(t.compared > 10000);
	assert_true(t.kinds[DBG_WALK_SIGNAL] == 1 && t.kinds[DBG_WALK_END] && t.kinds[DBG_WALK_PLT]);
	assert_int_equal(arrlast(t.rows).rule, DBG_WALK_NONE);
	arrfree(t.rows);
}

/* A frame whose address is only in memory, and one too large for most ways of storing it. */
static void test_table_forms(void **state)
{
	static const char src[] =
		"__asm__(\".globl main\\nmain:\\n.cfi_startproc\\nnop\\n.cfi_def_cfa_offset 0x1000008\\nnop\\n\"\n"
		"\".cfi_escape 0xf,3,0x76,0x78,6\\n.cfi_escape 0x10,6,2,0x76,0\\nnop\\n\"\n"
		"\".cfi_def_cfa %r10, 0\\nnop\\n.cfi_endproc\\n\");\n";
	struct dbg_module *m;
	struct dbg_walk_row *rows;
	const struct dbg_sym *s;
	uint64_t offset;
	ptrdiff_t i = 0;

	m = dbg_module_open(dbg_compile("forms", src, "gcc", "-O1"), NULL, NULL);
	assert_non_null(m);
	s = dbg_symbol_find(m, "main");
	assert_non_null(s);
	assert_true(dbg_addr_to_offset(m, s->addr, &offset));
	rows = dbg_walk_table(m);
	while (i < arrlen(rows) && rows[i].offset != offset + 1)
		i++;
	assert_true(i + 2 < arrlen(rows));
	assert_int_equal(rows[i].rule, DBG_WALK_RSP | 0x200001u << 9);
	assert_int_equal(rows[i + 1].offset, offset + 2);
	assert_int_equal(DBG_WALK_KIND(rows[i + 1].rule), DBG_WALK_DEREF);
	assert_int_equal(DBG_WALK_N(rows[i + 1].rule), -1);
	assert_int_equal(DBG_WALK_RBP_AT(rows[i + 1].rule), 1);
	assert_int_equal(rows[i + 2].rule, DBG_WALK_NONE);
	arrfree(rows);
}

static void test_hostile(void **state)
{
	static const char src[] =
		"struct s { int a; struct s *next; } g; static inline int in(struct s *p) { return p->a; }\n"
		"int f(struct s *p, int k) { int m[3] = { k }; for (int i = 0; i < k; i++) m[i % 3] += in(p);\n"
		"return m[1]; } int main(int c, char **v) { return f(&g, c); }\n";
	const char *good = dbg_compile("host", src, "gcc", "-O2");
	static uint8_t image[1 << 20];
	FILE *f = fopen(good, "re");
	size_t len = fread(image, 1, sizeof(image), f);
	pid_t pid;
	int status;

	fclose(f);
	srand(1);
	for (int round = 0; round < 150; round++) {
		static uint8_t bad[sizeof(image)];
		size_t cut = round % 10 ? len : (size_t)rand() % len;

		memcpy(bad, image, len);
		for (int i = 0; i < 1 + round % 9; i++) {
			size_t at = round % 3 ? 0x3000 + (size_t)rand() % (len - 0x3000)
					      : (size_t)rand() % len;

			bad[at] = (uint8_t)(rand() % 2 ? rand() : 0xff);
		}
		dbg_write("bad", bad, cut);
		pid = fork();
		if (pid == 0) {
			alarm(30);
			exercise(dbg_path("bad"));
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			fail_msg("round %d: status %x", round, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_evaluator), cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_forms), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, dbg_setup, dbg_teardown);
}
