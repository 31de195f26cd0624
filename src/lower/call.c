/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls.  A script function becomes an IR function and CALL; a tapset primitive,
 * a function whose whole body is %{ ir OP operands %}, becomes that op in place.
 *
 * Operands are separated by blanks: $name is a parameter, #N the op's immediate,
 * @N its symbol, a number or "text" a constant, the first of the op `names` its table.  Comments are skipped.
 *
 * Overloads: `next` in a function calls the overload of next lower priority with
 * the arguments as they were passed.
 */
#include "lower/parts.h"

#include <ctype.h>
#include <string.h>

#include "base/ds.h"
#include "base/intern.h"
#include "ir/bound.h"
#include "ir/names.h"

/* ---- primitives ---- */

struct primitive {
	enum ir_op op;
	int64_t imm;
	uint32_t sym;
	bool is_register;	/* `ir register $name`: the op depends on the name, see register.c */
	const char *operands;	/* the rest of the text */
};

static const char *skip_blank(const char *p)
{
	for (;;) {
		while (isspace((unsigned char)*p))
			p++;
		if (p[0] != '/' || p[1] != '*')
			return p;
		p = strstr(p + 2, "*/");
		if (!p)
			return "";
		p += 2;
	}
}

static size_t word_len(const char *p)
{
	return strcspn(p, " \t\r\n");
}

static bool find_op(const char *name, size_t len, enum ir_op *op)
{
	for (int i = 0; i < IR_OP_COUNT; i++) {
		if (strlen(ir_op_table[i].name) == len && !memcmp(ir_op_table[i].name, name, len)) {
			*op = i;
			return true;
		}
	}
	return false;
}

/* Reads "ir OP #imm @sym"; false if the text is no primitive. */
static bool primitive_parse(const char *text, struct primitive *out)
{
	const char *p = skip_blank(text);

	memset(out, 0, sizeof(*out));
	if (strncmp(p, "ir", 2) || !isspace((unsigned char)p[2]))
		return false;
	p = skip_blank(p + 2);
	out->is_register = word_len(p) == 8 && !strncmp(p, "register", 8);
	out->op = IR_REG;
	if (!out->is_register && !find_op(p, word_len(p), &out->op))
		return false;
	p = skip_blank(p + word_len(p));
	for (; *p == '#' || *p == '@'; p = skip_blank(p + word_len(p))) {
		if (*p == '#')
			out->imm = strtoll(p + 1, NULL, 0);
		else
			out->sym = (uint32_t)strtoul(p + 1, NULL, 0);
	}
	out->operands = p;
	return true;
}

static bool function_primitive(const struct ast_function *f, struct primitive *out)
{
	return f->body && f->body->kind == STMT_EMBEDDED &&
	       primitive_parse(f->body->embedded->text, out);
}

bool lower_call_has_effects(const struct ast_function *f)
{
	struct primitive p;

	return !function_primitive(f, &p) || (ir_op_table[p.op].flags & IRF_EFFECT);
}

/* The value of one operand; *p moves behind it. */
static struct ir_expr *operand(struct lower *L, const struct ast_function *f,
			       struct ir_expr *const *args, const char **p, const struct span *at)
{
	const char *word = *p;
	size_t len = word_len(word);

	*p = skip_blank(word + len);
	if (*word == '$') {
		const char *name = intern_n(word + 1, len - 1);

		for (size_t i = 0; f && i < f->nparams; i++)
			if (f->params[i]->name == name)
				return args[i];
		return NULL;
	}
	if (*word == '"') {
		const char *end = strchr(word + 1, '"');

		if (!end)
			return NULL;
		*p = skip_blank(end + 1);
		return ir_str(L->mod->ir, arena_strndup(L->mod->arena, word + 1, (size_t)(end - word - 1)),
			      at);
	}
	return ir_const(L->mod->ir, strtoll(word, NULL, 0), at);
}

static struct ir_expr *primitive_error(struct lower *L, const struct ast_embedded *code)
{
	diag_error(L->mod->diag, "embedded-code", &code->at,
		   "embedded C code cannot be used: programs run as eBPF, without a C compiler");
	L->failed = true;
	return NULL;
}

/* The table of an op that has one, in front of its operands; false: there is none, or it is wrong. */
static bool take_names(struct lower *L, const struct ast_embedded *code, struct primitive *p)
{
	const char *end = p->operands[0] == '"' ? strchr(p->operands + 1, '"') : NULL, *err;

	if (!(ir_op_table[p->op].flags & IRF_SYM_NAMES))
		return true;
	if (!end)
		return false;
	p->sym = ir_names_add(L->mod->ir, arena_strndup(L->mod->arena, p->operands + 1,
							(size_t)(end - p->operands - 1)), &err);
	p->operands = skip_blank(end + 1);
	if (p->sym == UINT32_MAX)
		diag_error(L->mod->diag, "names", &code->at, "%s", err);
	return p->sym != UINT32_MAX;
}

struct ir_expr *lower_primitive(struct lower *L, const struct ast_embedded *code,
				const struct ast_function *f, struct ir_expr *const *args,
				const struct span *at, bool want)
{
	struct ir_expr *operands[16], *e;
	struct primitive p;
	uint32_t n = 0;

	if (!primitive_parse(code->text, &p) || (!p.is_register && !take_names(L, code, &p)))
		return primitive_error(L, code);
	if (p.is_register) {
		const char *rest = p.operands;
		struct ir_expr *name = operand(L, f, args, &rest, at);

		return name ? lower_register(L, name, p.imm, at) : primitive_error(L, code);
	}
	for (const char *s = p.operands; *s; n++) {
		if (n == sizeof(operands) / sizeof(operands[0]))
			return primitive_error(L, code);
		operands[n] = operand(L, f, args, &s, at);
		if (!operands[n])
			return primitive_error(L, code);
	}
	e = lower_opn(L, p.op, operands, n, at);
	e->imm = p.imm;
	e->sym = p.sym;
	if ((int)e->type < 0 || ir_op_table[p.op].result < 0)
		e->type = f ? lower_type(f->type) : IR_I64;
	ir_expr_rebound(L->mod->ir, e);
	if (!(ir_op_table[p.op].flags & IRF_EFFECT))
		return e;
	if (want && e->type != IR_VOID)
		return lower_save(L, e);
	lower_eval(L, e);
	return NULL;
}

/* ---- script functions ---- */

/* The IR function of a script's function; its body is lowered later. */
static uint32_t lower_function(struct lower_module *m, const struct ast_function *f)
{
	ptrdiff_t known = hmgeti(m->func_of, f);
	struct ir_func *func;
	uint32_t index;

	if (known >= 0)
		return m->func_of[known].value;
	func = ir_func_new(m->arena);
	func->name = f->name;
	func->at = f->at;
	func->ret = lower_type(f->type);
	func->ret_bound = func->ret == IR_STR ? m->maxstr : 0;
	func->nparams = (uint32_t)f->nparams;
	for (size_t i = 0; i < f->nparams; i++) {
		enum ir_type type = f->params[i]->type == AST_STRING ? IR_STR : IR_I64;

		ir_local_add(m->ir, func, f->params[i]->name, type, type == IR_STR ? m->maxstr : 0);
	}
	index = (uint32_t)arrlen(m->ir->funcs);
	arrput(m->ir->funcs, func);
	hmput(m->func_of, f, index);
	arrput(m->pending, f);
	return index;
}

static struct ir_expr *emit_call(struct lower *L, const struct ast_function *f,
				 struct ir_expr *const *args, const struct span *at, bool want)
{
	uint32_t index = lower_function(L->mod, f);
	const struct ir_func *callee = L->mod->ir->funcs[index];
	struct ir_expr *call = lower_opn(L, IR_CALL, args, (uint32_t)f->nparams, at);

	call->sym = index;
	call->type = callee->ret;
	call->bound = callee->ret_bound;
	if (want && call->type != IR_VOID)
		return lower_save(L, call);
	lower_eval(L, call);
	return NULL;
}

static struct ir_expr *call_function(struct lower *L, const struct ast_function *f,
				     struct ir_expr *const *args, const struct span *at, bool want)
{
	/* errors are those of the function that users know */
	bool inner = f->is_private && L->fn && !L->fn->is_private;
	struct primitive p;

	if (function_primitive(f, &p))
		return lower_primitive(L, f->body->embedded, f, args, inner ? &L->fn->at : at, want);
	return emit_call(L, f, args, at, want);
}

struct ir_expr *lower_call(struct lower *L, const struct ast_expr *e, bool want)
{
	struct ir_expr **args = arena_new_array(L->mod->arena, struct ir_expr *, e->call.nargs + 1);

	for (size_t i = 0; i + 1 < e->call.ntargets; i++)
		hmput(L->mod->next_of, e->call.targets[i], e->call.targets[i + 1]);
	lower_exprs(L, e->call.args, e->call.nargs, args);
	return call_function(L, e->call.targets[0], args, &e->at, want);
}

void lower_next_overload(struct lower *L, const struct span *at)
{
	const struct ast_function *next = hmget(L->mod->next_of, L->fn);
	struct ir_stmt *r = ir_stmt_new(L->mod->ir, IR_S_RETURN, at);

	if (!next) {
		struct ir_expr *msg = ir_str(L->mod->ir, "all functions exhausted", at);

		lower_eval(L, lower_op1(L, IR_ERROR, msg, at));
		return;
	}
	r->expr = call_function(L, next, L->passed, at, L->func->ret != IR_VOID);
	if (L->func->ret != IR_VOID && !r->expr)
		r->expr = L->func->ret == IR_STR ? ir_str(L->mod->ir, "", at)
						 : ir_const(L->mod->ir, 0, at);
	lower_emit(L, r);
}

/* ---- bodies ---- */

/* `next` needs the arguments as passed, whatever the body did to its parameters. */
static void save_params(struct lower *L)
{
	L->passed = arena_new_array(L->mod->arena, struct ir_expr *, L->func->nparams + 1);
	for (uint32_t i = 0; i < L->func->nparams; i++)
		L->passed[i] = lower_save(L, lower_local(L, i, &L->func->at));
}

bool lower_function_body(struct lower_module *m, const struct ast_function *f)
{
	struct ir_func *func = m->ir->funcs[lower_function(m, f)];
	struct lower L = { .mod = m, .func = func, .fn = f, .tail = &func->body };
	struct ir_stmt *end;

	for (size_t i = 0; i < f->nparams; i++)
		hmput(L.local_of, f->params[i], (uint32_t)i);
	if (hmget(m->next_of, f))
		save_params(&L);
	lower_stmt(&L, f->body);
	end = ir_stmt_new(m->ir, IR_S_RETURN, &f->at);
	if (func->ret == IR_STR)
		end->expr = ir_str(m->ir, "", &f->at);
	else if (func->ret == IR_I64)
		end->expr = ir_const(m->ir, 0, &f->at);
	lower_emit(&L, end);
	hmfree(L.local_of);
	return !L.failed;
}
