/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding of target variables: what $x, @var, @cast, (e)->m and @entry mean at a probe point.
 */
#include "sema/target.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "sema/target_access.h"

#define SYSCALL_ARGS		6

#define SYSCALL_VARIABLES                                                                          \
	"invalid target symbol for utrace probe, $syscall, $return, $argN or $$parms expected"
#define SYSCALL_ARGUMENTS                                                                          \
	"only \"process(PATH_OR_PID).syscall\" support $argN or $$parms."

/* Records of the raw_syscalls tracepoints: common header, then the number and the rest. */
enum { CONTEXT_SYSCALL = 8, CONTEXT_ARGS = 16, CONTEXT_RETURN = 16 };

struct target_access *access_fail(struct target_binder *b, const char *tag, const struct span *at,
				  const char *fmt, ...)
{
	va_list ap;

	if (b->why)
		return NULL;
	va_start(ap, fmt);
	b->why = diag_new(b->c->ps->diag, DIAG_SEMANTIC_ERROR, tag, at, "%s",
			  arena_vprintf(b->c->ps->arena, fmt, ap));
	va_end(ap);
	return NULL;
}

struct target_access *access_new(struct target_binder *b, enum access_kind kind)
{
	struct target_access *a = arena_new(b->c->ps->arena, struct target_access);

	a->kind = kind;
	a->type = AST_LONG;
	a->at = b->e->at;
	return a;
}

struct target_access *access_of_var(struct target_binder *b, const struct dbg_var *v, uint64_t pc)
{
	struct target_access *a = access_new(b, ACCESS_FETCH);

	a->base = BASE_LOC;
	a->loc = v->loc;
	a->module = v->module;
	a->kernel = v->module && dbg_module_info(v->module)->kernel;
	a->ctype = v->type;
	a->func = b->c->point ? b->c->point->func : NULL;
	a->pc = pc;
	return a;
}

/* " (FILE:LINE)" of a type's declaration. */
const char *target_type_place(struct arena *arena, const struct dbg_type *t)
{
	const char *file;
	uint32_t line;

	if (!dbg_type_place(t, &file, &line))
		return "";
	return arena_printf(arena, " (%s:%u)", file, line);
}

/* ---- entry values of return probes ---- */

const struct probe_point *target_entry_of(struct target_binder *b)
{
	struct probe_point *e = arena_memdup(b->c->ps->arena, b->c->point, sizeof(*e));
	uint64_t pc = e->func ? dbg_func_probe_pc(e->func) : e->pc, offset;

	if (e->kind == PROG_SYSRET) {
		e->kind = PROG_SYSCALL;
		e->prog.name = "sys_enter";
		e->params = dbg_btf_tracepoint(e->module, e->prog.name, &e->nparams);
		return e;
	}
	if (probe_scope_is_kernel(e->scope) || e->kind == PROG_KRETPROBE) {
		e->kind = e->kind == PROG_FEXIT ? PROG_FENTRY : PROG_KPROBE;
		if (e->scope == PROBE_SCOPE_KERNEL_RETURN)
			e->scope = PROBE_SCOPE_KERNEL;
		else if (e->scope == PROBE_SCOPE_RETURN)
			e->scope = PROBE_SCOPE_CODE;
		return e;
	}
	e->kind = PROG_UPROBE;
	e->scope = PROBE_SCOPE_CODE;
	if (dbg_addr_to_offset(e->module, pc, &offset)) {
		e->pc = pc;
		e->prog.address = pc;
		e->prog.offset = offset;
	}
	return e;
}

/* ---- $name ---- */

static struct target_access *no_such_variable(struct target_binder *b, const char *name)
{
	const struct probe_point *pt = b->c->point;
	const struct dbg_module_info *info = dbg_module_info(pt->module);
	const char **names, *like;

	if (!pt->func)
		return access_fail(b, "no-debuginfo", &b->e->at, "debuginfo scope not found for module '%s', "
				   "cannot resolve context variable [man error::dwarf]", info->path);
	names = dbg_var_names(pt->func, pt->pc);
	for (size_t i = 0; i < arrlenu(names); i++)
		names[i] = arena_printf(b->c->ps->arena, "$%s", names[i]);
	like = probe_similar(b->c->ps->arena, arena_printf(b->c->ps->arena, "$%s", name), names, arrlenu(names),
			     PROBE_SIMILAR_MAX);
	access_fail(b, "no-variable", &b->e->at, "unable to find local '%s', [man error::dwarf] dieoffset "
		    "0x%" PRIx64 " in %s, near pc 0x%" PRIx64 " in %s %s (%s%s))", name, pt->func->die,
		    info->kernel ? pt->prog.str[IR_PP_MODULE] : info->path, pt->pc, pt->func->name,
		    dbg_func_cu_name(pt->func), arrlenu(names) ? "alternatives: " : "", like);
	arrfree(names);
	return NULL;
}

/* "$" or "$$" at the end, or NULL. */
static const char *pretty_of(const struct ast_target *t)
{
	const struct ast_access *last = t->naccesses ? &t->accesses[t->naccesses - 1] : NULL;

	return last && last->kind == ACCESS_PRETTY ? last->member : NULL;
}

/* A variable without a value here is pretty-printed all the same: its members, each "?". */
static struct target_access *var_found(struct target_binder *b, int err, const struct dbg_var *v,
				       const struct dbg_error *e)
{
	if (!err || (err == -DBG_EUNAVAIL && b->e->kind == EXPR_TARGET && pretty_of(b->e->target)))
		return access_of_var(b, v, b->c->point ? b->c->point->pc : 0);
	if (err == -DBG_EUNAVAIL)
		access_fail(b, "not-accessible", &b->e->at, "not accessible at this address (pc: 0x%" PRIx64
			    ") [man error::dwarf] (%s)", b->c->point ? b->c->point->pc : 0, e->msg);
	else
		access_fail(b, "bad-debuginfo", &b->e->at, "%s [man error::dwarf]", e->msg);
	return NULL;
}

struct target_access *target_return_value(struct target_binder *b)
{
	const struct probe_point *pt = b->c->point;
	const struct dbg_type *type;
	struct target_access *a;

	if (probe_scope_is_kernel(pt->scope))
		return target_kernel_result(b);
	if (!pt->func)
		return no_such_variable(b, "return");
	type = dbg_func_return_type(pt->func);
	if (type->kind == DBG_VOID)
		return access_fail(b, "no-return", &b->e->at, "function '%s' does not return a value",
				   pt->func->name);
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_LOC;
	dbg_return_location(type, &a->loc);
	a->module = pt->module;
	a->kernel = pt->module && dbg_module_info(pt->module)->kernel;
	a->ctype = type;
	if (a->loc.kind == DBG_LOC_NONE)
		return access_fail(b, "return-location", &b->e->at,
				   "unsupported return type '%s' of function '%s'",
				   dbg_type_name(b->c->ps->arena, type), pt->func->name);
	return a;
}

struct target_access *target_local(struct target_binder *b, const char *name)
{
	const struct probe_point *pt = b->c->point;
	struct target_access *a;
	struct dbg_error e;
	struct dbg_var v;
	int err;

	if (pt->scope == PROBE_SCOPE_RETURN || pt->scope == PROBE_SCOPE_KERNEL_RETURN) {
		struct target_ctx at_entry = *b->c, *saved = b->c;

		if (!strcmp(name, "return"))
			return target_return_value(b);
		at_entry.point = target_entry_of(b);
		b->c = &at_entry;
		a = target_local(b, name);
		b->c = saved;
		if (a)
			a->entry = at_entry.point;
		return a;
	}
	if (!pt->func)
		return no_such_variable(b, name);
	err = dbg_var_find(pt->func, pt->pc, name, &v, &e);
	if (err == -DBG_ENOENT)
		return no_such_variable(b, name);
	return var_found(b, err, &v, &e);
}

static bool argument_number(const char *name, long *n)
{
	char *end;

	if (strncmp(name, "arg", 3) || name[3] < '1' || name[3] > '9')
		return false;
	*n = strtol(name + 3, &end, 10);
	return !*end;
}

unsigned target_argument_count(struct target_binder *b)
{
	struct dbg_sdt_arg args[DBG_SDT_MAX_ARGS];
	struct dbg_error e;
	int count;

	if (b->c->point->scope != PROBE_SCOPE_MARK)
		return SYSCALL_ARGS;
	count = dbg_sdt_parse(b->c->point->module, b->c->point->sdt->args, args, DBG_SDT_MAX_ARGS, &e);
	return count > 0 ? (unsigned)count : 0;
}

static struct target_access *context_word(struct target_binder *b, uint32_t offset)
{
	struct target_access *a = access_new(b, ACCESS_FETCH);

	a->base = BASE_CONTEXT;
	a->context_offset = offset;
	a->context_size = a->size = 8;
	a->is_signed = true;
	return a;
}

struct target_access *target_argument(struct target_binder *b, unsigned n)
{
	struct dbg_sdt_arg args[DBG_SDT_MAX_ARGS];
	struct target_access *a;
	struct dbg_error e;
	int count;

	if (b->c->point->scope != PROBE_SCOPE_MARK)
		return n <= SYSCALL_ARGS ? context_word(b, CONTEXT_ARGS + 8 * (n - 1)) : NULL;
	count = dbg_sdt_parse(b->c->point->module, b->c->point->sdt->args, args, DBG_SDT_MAX_ARGS, &e);
	if (count < 0)
		return access_fail(b, "bad-mark", &b->e->at, "%s", e.msg);
	if (n > (unsigned)count)
		return NULL;
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_SDT;
	a->module = b->c->point->module;
	a->sdt = args[n - 1];
	a->size = (uint32_t)a->sdt.size;
	a->is_signed = a->sdt.is_signed;
	return a;
}

/* $argN of a mark; NULL without a reason when it is something else. */
static struct target_access *bind_mark(struct target_binder *b, const char *name)
{
	const struct ast_target *t = b->e->target;
	struct target_access *a;
	long n;

	if (!argument_number(name, &n))
		return NULL;
	a = target_argument(b, (unsigned)n);
	if (a && t->naccesses)
		return access_fail(b, "mark-type", &b->e->at, "type definition '%s_arg%ld' not found in "
				   "'%s'", b->c->point->sdt->name, n, dbg_module_info(a->module)->path);
	return a;
}

static struct target_access *bind_syscall(struct target_binder *b, const char *name)
{
	const struct ast_target *t = b->e->target;
	bool is_return = b->c->point->scope == PROBE_SCOPE_SYSCALL_RETURN;
	long n;

	if (t->naccesses)
		return access_fail(b, "syscall-variable", &t->accesses[0].at,
				   "utrace variable '$%s' may not be used as %s", name,
				   t->accesses[0].kind == ACCESS_MEMBER ? "a structure" : "an array");
	if (t->addressof)
		return access_fail(b, "syscall-variable", &b->e->at, "cannot take address of utrace variable");
	if (!strcmp(name, "syscall"))
		return context_word(b, CONTEXT_SYSCALL);
	if (!strcmp(name, "return")) {
		if (!is_return)
			return access_fail(b, "syscall-variable", &b->e->at, "only \"process(PATH_OR_PID)."
					   "syscall.return\" support $return.");
		return context_word(b, CONTEXT_RETURN);
	}
	if (!argument_number(name, &n))
		return access_fail(b, "syscall-variable", &b->e->at, SYSCALL_VARIABLES);
	if (is_return)
		return access_fail(b, "syscall-variable", &b->e->at, SYSCALL_ARGUMENTS);
	if (n < 1 || n > SYSCALL_ARGS)
		return access_fail(b, "syscall-variable", &b->e->at, "invalid syscall argument number (1-6)");
	return target_argument(b, (unsigned)n);
}

/* The strings of a mark's own: $$name, $$provider; a PLT entry and a tracepoint have the first. */
static struct target_access *bind_point_string(struct target_binder *b, const char *name)
{
	bool named = !strcmp(name, "$name"), provider = !strcmp(name, "$provider");
	struct target_access *a;

	if (!(b->c->point->scope == PROBE_SCOPE_MARK && (named || provider)) &&
	    !((b->c->point->scope == PROBE_SCOPE_PLT || b->c->point->scope == PROBE_SCOPE_TRACE) && named))
		return NULL;
	a = access_new(b, ACCESS_POINT);
	a->type = AST_STRING;
	a->point_str = provider ? IR_PP_PROVIDER : IR_PP_MARK;
	return a;
}

/* Object found: walks on from it and finishes. */
struct target_access *target_finish(struct target_binder *b, struct target_access *a,
				    const struct dbg_type *type, bool element, unsigned use)
{
	const char *pretty = pretty_of(b->e->target);

	if (!access_walk(b, a, b->e->target, type, element))
		return NULL;
	if (!pretty)
		return access_finish(b, a, b->e->target, use) ? a : NULL;
	if (use & TARGET_WRITE)
		return access_fail(b, "write-pretty", &b->e->at, "cannot write to pretty-printed variable");
	if (b->e->target->addressof)
		return access_fail(b, "pretty-address", &b->e->at,
				   "cannot take address of pretty-printed variable");
	return access_pretty(b, a, !strcmp(pretty, "$$"));
}

static struct target_access *bind_file(struct target_binder *b, const char *name, unsigned use)
{
	const struct ast_target *t = b->e->target;
	struct target_access *a;

	if (strcmp(name, "value"))
		return access_fail(b, "file-variable", &b->e->at, "invalid target symbol for procfs probe, $value "
				   "expected");
	if (t->naccesses)
		return access_fail(b, "file-variable", &t->accesses[0].at, "procfs target variable '$value' may not be "
				   "used as %s", t->accesses[0].kind == ACCESS_MEMBER ? "a structure" : "an array");
	if (t->addressof)
		return access_fail(b, "file-variable", &b->e->at, "cannot take address of procfs variable");
	if ((use & TARGET_WRITE) && b->c->point->prog.file.write)
		return access_fail(b, "file-variable", &b->e->at,
				   "procfs $value variable is read-only in a procfs write "
				   "probe");
	a = access_new(b, ACCESS_VALUE);
	a->type = AST_STRING;
	return a;
}

/* $$vars and its like: text made of many variables; `name` begins with the second $. */
static struct target_access *bind_context(struct target_binder *b, const char *name, unsigned use)
{
	const struct probe_point *pt = b->c->point;
	struct target_access *a;

	if ((pt->scope == PROBE_SCOPE_SYSCALL || pt->scope == PROBE_SCOPE_SYSCALL_RETURN) && strcmp(name, "$parms"))
		return access_fail(b, "syscall-variable", &b->e->at, SYSCALL_VARIABLES);
	if (pt->scope == PROBE_SCOPE_NETFILTER)
		return access_fail(b, "no-variable", &b->e->at, "unsupported context variable");
	if (use & TARGET_WRITE)
		return access_fail(b, "write-context", &b->e->at, "cannot write to context variable");
	a = bind_point_string(b, name);
	if (!a)
		a = access_context(b, name + 1, pretty_of(b->e->target));
	if (!a && pt->scope == PROBE_SCOPE_SYSCALL_RETURN)
		return access_fail(b, "syscall-variable", &b->e->at, SYSCALL_ARGUMENTS);
	if (!a && !b->why && probe_scope_is_kernel(pt->scope))
		return target_no_parameter(b, name);
	if (!a && !b->why)
		return pt->module && pt->func ? no_such_variable(b, name) :
			access_fail(b, "no-target", &b->e->at, "unresolved target-symbol expression");
	return a;
}

/* kprobe.*, and kernel.statement(ADDRESS).absolute, know the address only. */
static struct target_access *no_context(struct target_binder *b)
{
	const struct probe_point *pt = b->c->point;

	access_fail(b, "no-target", &b->e->at, "unresolved target-symbol expression");
	if (pt->kind == PROG_KPROBE || pt->kind == PROG_KRETPROBE || pt->kind == PROG_KINSN)
		diag_hint(b->c->ps->diag, b->why, "this probe has registers only: %s, register(\"NAME\")%s",
			  pt->kind == PROG_KRETPROBE ? "returnval()" : "long_arg(N)",
			  pt->symbol ? "; kernel.function(\"NAME\") has parameters" : "");
	return NULL;
}

static struct target_access *bind_dollar(struct target_binder *b, unsigned use)
{
	const struct ast_target *t = b->e->target;
	const char *name = t->name + 1;		/* behind the first $ */
	const struct probe_point *pt = b->c->point;
	struct target_access *a;

	if (!pt)
		return access_fail(b, "no-target", &b->e->at, "unresolved target-symbol expression");
	if (*name == '$')
		return bind_context(b, name, use);
	switch (pt->scope) {
	case PROBE_SCOPE_SYSCALL:
	case PROBE_SCOPE_SYSCALL_RETURN:
		a = bind_syscall(b, name);
		if (a && (use & TARGET_WRITE))
			return access_fail(b, "write-syscall", &b->e->at, "utrace '$%s' variable is "
					   "read-only", name);
		return a;
	case PROBE_SCOPE_PROCESS:
		return access_fail(b, "no-target", &b->e->at, "only \"process(PATH_OR_PID).syscall\" and "
				   "\"process(PATH_OR_PID).syscall.return\" probes support target symbols");
	case PROBE_SCOPE_NONE:
		return no_context(b);
	case PROBE_SCOPE_NETFILTER:
		return target_netfilter_bind(b, name, use);
	case PROBE_SCOPE_FILE:
		return bind_file(b, name, use);
	case PROBE_SCOPE_TRACE:
	case PROBE_SCOPE_KERNEL:
	case PROBE_SCOPE_KERNEL_RETURN:
		a = target_kernel_bind(b, name);
		return a ? target_finish(b, a, a->ctype, false, use) : NULL;
	case PROBE_SCOPE_MARK:
		a = bind_mark(b, name);
		if (a && t->addressof)
			return access_fail(b, "sdt-address", &b->e->at, "cannot take address of sdt variable");
		if (a && (use & TARGET_WRITE))
			return access_fail(b, "write-sdt", &b->e->at, "cannot write to sdt variable");
		if (a || b->why)
			return a;
		break;
	default:
		break;
	}
	a = target_local(b, name);
	return a ? target_finish(b, a, a->ctype, false, use) : NULL;
}

/* ---- @var, @cast, (e)-> ---- */

static struct target_access *bind_var(struct target_binder *b, unsigned use)
{
	const struct ast_target *t = b->e->target;
	bool given = t->module && *t->module;
	struct target_module *list;
	struct target_access *a = NULL;
	struct dbg_error e;
	struct dbg_var v;
	int err = -DBG_ENOENT;

	if (!given && !(b->c->point && b->c->point->module))
		return access_fail(b, "no-target", &b->e->at, "unresolved @var() expression");
	if (!given && !b->c->point->func && probe_scope_is_kernel(b->c->point->scope))
		return target_kernel_var(b, b->c->point->prog.str[IR_PP_MODULE], use);
	if (!given && b->c->point->func && !(t->cu && *t->cu) &&
	    !dbg_var_find(b->c->point->func, b->c->point->pc, t->symbol, &v, &e)) {
		a = access_of_var(b, &v, b->c->point->pc);
		return target_finish(b, a, v.type, false, use);
	}
	list = target_modules(b, t->module);
	for (size_t i = 0; i < arrlenu(list) && err == -DBG_ENOENT; i++) {
		if (list[i].kernel) {
			a = target_kernel_var(b, list[i].name, use);
			arrfree(list);
			return a;
		}
		err = dbg_global_find(list[i].module, b->c->point && !given ? b->c->point->func : NULL,
				      t->symbol, t->cu && *t->cu ? t->cu : NULL, &v, &e);
	}
	arrfree(list);
	if (err == -DBG_ENOENT)
		return access_fail(b, "no-global", &b->e->at, "unable to find global '%s' in %s%s%s", t->symbol,
				   target_searched(b, t->module), t->cu && *t->cu ? ", in " : "", t->cu ? t->cu : "");
	a = var_found(b, err, &v, &e);
	return a ? target_finish(b, a, v.type, false, use) : NULL;
}

static struct target_access *operand_access(struct target_binder *b)
{
	struct target_access *a = access_new(b, ACCESS_FETCH);

	a->base = BASE_OPERAND;
	a->operands = arena_new(b->c->ps->arena, struct ast_expr *);
	a->operands[0] = b->e->target->operand;
	a->noperands = 1;
	return a;
}

static struct target_access *bind_cast(struct target_binder *b, unsigned use)
{
	const struct ast_target *t = b->e->target;
	struct target_module *list = target_modules(b, t->module);
	const struct dbg_type *type = NULL;
	struct target_access *a = operand_access(b);
	struct dbg_error e;

	for (size_t i = 0; i < arrlenu(list) && !type; i++) {
		type = dbg_type_find(list[i].module, t->type_name);
		a->kernel = list[i].kernel;
		a->module = list[i].module;
	}
	if (!type && arrlenu(list) && a->kernel) {	/* what only a loaded module has */
		struct dbg_module *m = dbg_btf_kernel_of_type(t->type_name);

		type = m ? dbg_type_find(m, t->type_name) : NULL;
		a->module = m;
	}
	if (!type) {
		access_fail(b, "no-type", &b->e->at, "type definition '%s' not found in '%s'", t->type_name,
			    target_searched(b, t->module));
		if (!arrlenu(list) && !dbg_btf_kernel("vmlinux", &e))
			diag_hint(b->c->ps->diag, b->why,
				  "the kernel offers no type information (CONFIG_DEBUG_INFO_BTF): %s", e.msg);
		else if (b->no_header)
			diag_hint(b->c->ps->diag, b->why, "%s", b->no_header);
	}
	arrfree(list);
	if (!type)
		return NULL;
	return target_finish(b, a, type, true, use);
}

static struct target_access *bind_autocast(struct target_binder *b, unsigned use)
{
	const struct dbg_type *type = b->c->operand_type, *s;
	struct target_access *a = operand_access(b);

	if (!type)
		return access_fail(b, "autocast", &b->e->at, "unknown type of target symbol operand");
	a->kernel = b->c->operand_kernel;
	s = dbg_type_strip(type);
	if (s->kind == DBG_POINTER || s->kind == DBG_ARRAY)
		type = dbg_type_target(s);
	return target_finish(b, a, type, true, use);
}

static struct target_access *bind_entry(struct target_binder *b)
{
	struct target_access *a;

	const struct probe_point *pt = b->c->point;

	if (!pt || (pt->scope != PROBE_SCOPE_RETURN && pt->kind != PROG_FEXIT && pt->kind != PROG_KRETPROBE &&
		    pt->kind != PROG_SYSRET))
		return access_fail(b, "entry", &b->e->at,
				   "internal error: @entry is only valid in .return probes");
	a = access_new(b, ACCESS_EXPR);
	a->type = b->e->wrap.operand->type;
	a->operands = arena_new(b->c->ps->arena, struct ast_expr *);
	a->operands[0] = b->e->wrap.operand;
	a->noperands = 1;
	a->entry = target_entry_of(b);
	return a;
}

static struct target_access *bind_perf(struct target_binder *b)
{
	const struct probe_point *pt = b->c->point;
	int number = probe_counter_find(b->c->ps, b->e->name.text);
	struct target_access *a;

	if (number < 0)
		return access_fail(b, "perf-counter", &b->e->at, "perf counter '%s' not defined before",
				   b->e->name.text);
	if (!pt || (pt->kind != PROG_UPROBE && pt->kind != PROG_URETPROBE))
		return access_fail(b, "perf-place", &b->e->at, "@perf is only valid in probes of process functions and "
				   "statements");
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_COUNTER;
	a->arg = (uint32_t)number;
	return a;
}

struct target_access *target_bind(struct target_ctx *c, const struct ast_expr *e, unsigned use,
				  struct diag **why)
{
	struct target_binder b = { .c = c, .e = e };
	struct target_access *a = NULL;

	switch (e->kind) {
	case EXPR_TARGET:
		a = bind_dollar(&b, use);
		break;
	case EXPR_ATVAR:
		a = bind_var(&b, use);
		break;
	case EXPR_CAST:
		a = bind_cast(&b, use);
		break;
	case EXPR_AUTOCAST:
		a = bind_autocast(&b, use);
		break;
	case EXPR_ENTRY:
		a = bind_entry(&b);
		break;
	case EXPR_PERF:
		a = bind_perf(&b);
		break;
	default:
		access_fail(&b, "no-target", &e->at, "unresolved target-symbol expression");
	}
	*why = a ? NULL : b.why;
	return a;
}

enum ast_type target_type(const struct target_access *a)
{
	if (a->kind == ACCESS_EXPR)
		return a->operands[0]->type;
	return a->type;
}

const struct dbg_type *target_access_type(const struct target_access *a)
{
	return a->type == AST_LONG ? a->ctype : NULL;
}

bool target_access_is_kernel(const struct target_access *a)
{
	return a->kernel;
}

const struct probe_point *target_entry_point(const struct target_access *a)
{
	return a->entry;
}

bool target_enum(struct target_ctx *c, const char *name, const char *module, int64_t *value)
{
	struct target_binder b = { .c = c };
	struct target_module *list = target_modules(&b, module);
	bool found = false;

	for (size_t i = 0; i < arrlenu(list) && !found; i++)
		found = dbg_enumerator_find(list[i].module, name, value);
	arrfree(list);
	return found;
}
