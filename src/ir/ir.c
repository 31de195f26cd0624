/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of operations and the construction of modules, expressions and statements. */
#include "ir/ir.h"

#include <stdarg.h>
#include <string.h>

#include "base/ds.h"

#define I64	IR_I64
#define STR	IR_STR
#define VOID	IR_VOID
#define ANY	(-1)
#define PURE	IRF_PURE
#define READ	IRF_READ
#define EFFECT	IRF_EFFECT
#define FAIL	IRF_FAIL
#define LAZY	IRF_LAZY
#define KONLY	IRF_KONLY
#define UONLY	IRF_UONLY
#define SYM_LOCAL	IRF_SYM_LOCAL
#define SYM_GLOBAL	IRF_SYM_GLOBAL
#define SYM_FUNC	IRF_SYM_FUNC
#define SYM_FORMAT	IRF_SYM_FORMAT
#define SYM_REGEX	IRF_SYM_REGEX
#define SYM_NAMES	IRF_SYM_NAMES

const struct ir_op_info ir_op_table[IR_OP_COUNT] = {
#define OP(e, text, result, args, flags) [IR_##e] = { text, result, args, flags },
#include "ir/ops.def"
#undef OP
};

struct ir_module *ir_module_create(struct arena *a)
{
	struct ir_module *m = arena_new(a, struct ir_module);

	m->arena = a;
	m->maxstr = 512;
	arena_own_array(a, &m->globals);
	arena_own_array(a, &m->funcs);
	arena_own_array(a, &m->formats);
	arena_own_array(a, &m->regexes);
	arena_own_array(a, &m->names);
	arena_own_array(a, &m->handlers);
	return m;
}

struct ir_func *ir_func_new(struct arena *a)
{
	struct ir_func *f = arena_new(a, struct ir_func);

	arena_own_array(a, &f->locals);
	return f;
}

struct ir_format *ir_format_alloc(struct arena *a)
{
	struct ir_format *f = arena_new(a, struct ir_format);

	arena_own_array(a, &f->pieces);
	return f;
}

struct ir_expr *ir_expr_new(struct ir_module *m, enum ir_op op, const struct span *at, uint32_t nargs, ...)
{
	const struct ir_op_info *info = &ir_op_table[op];
	struct ir_expr *e = arena_new(m->arena, struct ir_expr);
	va_list ap;

	e->op = op;
	e->type = info->result >= 0 ? (enum ir_type)info->result : IR_VOID;
	e->bound = e->type == IR_STR ? m->maxstr : 0;
	if (at)
		e->at = *at;
	e->nargs = nargs;
	if (nargs)
		e->args = arena_new_array(m->arena, struct ir_expr *, nargs);
	va_start(ap, nargs);
	for (uint32_t i = 0; i < nargs; i++)
		e->args[i] = va_arg(ap, struct ir_expr *);
	va_end(ap);
	return e;
}

struct ir_expr *ir_const(struct ir_module *m, int64_t v, const struct span *at)
{
	struct ir_expr *e = ir_expr_new(m, IR_CONST, at, 0);

	e->imm = v;
	return e;
}

struct ir_expr *ir_str(struct ir_module *m, const char *s, const struct span *at)
{
	size_t len = strlen(s);
	struct ir_expr *e = ir_expr_new(m, IR_STRLIT, at, 0);

	if (len >= m->maxstr)
		len = m->maxstr - 1;
	e->str = arena_strndup(m->arena, s, len);
	e->bound = (uint32_t)len + 1;
	return e;
}

struct ir_stmt *ir_stmt_new(struct ir_module *m, enum ir_stmt_kind kind, const struct span *at)
{
	struct ir_stmt *s = arena_new(m->arena, struct ir_stmt);

	s->kind = kind;
	if (at)
		s->at = *at;
	return s;
}

uint32_t ir_local_add(struct ir_module *m, struct ir_func *f, const char *name, enum ir_type type,
		      uint32_t bound)
{
	struct ir_local l = { .name = name, .type = type, .bound = type == IR_STR ? bound : 0 };

	for (size_t i = 0; i < arrlenu(f->locals); i++)
		if (strcmp(f->locals[i].name, name) == 0) {
			l.name = arena_printf(m->arena, "%s.%zu", name, arrlenu(f->locals));
			break;
		}
	arrput(f->locals, l);
	return (uint32_t)arrlenu(f->locals) - 1;
}

struct ir_expr *ir_local_ref(struct ir_module *m, struct ir_func *f, uint32_t local, const struct span *at)
{
	struct ir_expr *e = ir_expr_new(m, IR_LOCAL, at, 0);

	e->sym = local;
	e->type = f->locals[local].type;
	e->bound = f->locals[local].bound;
	return e;
}

char ir_sym_letter(const struct ir_expr *e)
{
	static const char user[] = "sdmfFLss", kernel[] = "kKMgGlkk";	/* by IR_SYM_FORM() */

	return (e->op == IR_USYM ? user : kernel)[IR_SYM_FORM(e->imm)];
}
