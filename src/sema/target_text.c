/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts made of target variables: $x$ and $x$$ ({.a=1, .b="two", .c={...}}), and $$vars, $$parms,
 * $$locals, $$return ("a=0x1 b=0x2").
 *
 * A text is a list of literals and values.  A pretty-printed object that cannot be read becomes
 * "ERROR" as a whole; in $$vars each variable alone becomes "?".
 */
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "sema/target_access.h"

#define MAX_VALUES	32	/* values in one text; the rest is "..." */
#define MAX_LEVELS	32	/* of structs in structs */
#define MAX_POINTERS	16

struct printer {
	struct target_binder *b;
	struct text_part *parts;	/* stb_ds array */
	unsigned values;
	bool deep;
};

static void put_text(struct printer *p, const char *text)
{
	size_t n = arrlenu(p->parts);
	struct text_part part = { .conv = TEXT_LITERAL, .literal = text };

	if (n && p->parts[n - 1].conv == TEXT_LITERAL)
		p->parts[n - 1].literal = arena_printf(p->b->c->ps->arena, "%s%s", p->parts[n - 1].literal, text);
	else
		arrput(p->parts, part);
}

static void put_value(struct printer *p, enum text_conv conv, struct target_access *value, uint64_t max)
{
	struct text_part part = { .conv = conv, .value = value, .max = max };

	p->values++;
	arrput(p->parts, part);
}

static struct target_access *text_done(struct printer *p, const char *on_fault)
{
	struct target_access *a = access_new(p->b, ACCESS_TEXT);

	a->type = AST_STRING;
	a->parts = arena_take_array(p->b->c->ps->arena, p->parts, sizeof(*p->parts), &a->nparts);
	a->on_fault = on_fault;
	return a;
}

static void print_object(struct printer *p, struct target_access *a, const struct dbg_type *t, int level);

static bool is_string(const struct dbg_type *t)
{
	return dbg_type_is_char(t);
}

/* A number, by its own conversion. */
static void print_scalar(struct printer *p, struct target_access *a, enum text_conv conv)
{
	if (access_scalar(p->b, a))
		put_value(p, conv, a, 0);
	else
		put_text(p, "?");
}

static void print_pointer(struct printer *p, struct target_access *a, const struct dbg_type *s, int level)
{
	const struct dbg_type *to = dbg_type_strip(dbg_type_target(s));

	if (is_string(to)) {
		print_scalar(p, a, TEXT_STRING);
		return;
	}
	if (to->kind == DBG_FUNCTION && !level)
		put_text(p, "<function>:");
	print_scalar(p, a, TEXT_POINTER);
}

static void print_array(struct printer *p, struct target_access *a, const struct dbg_type *s, int level)
{
	const struct dbg_type *element = dbg_type_target(s), *e = dbg_type_complete(element);
	uint64_t count;

	if (!p->deep && level) {
		put_text(p, "[...]");
		return;
	}
	while (e->kind == DBG_ARRAY && !is_string(dbg_type_strip(dbg_type_target(e)))) {
		element = dbg_type_target(e);
		e = dbg_type_complete(element);
	}
	if (is_string(e) || e->kind == DBG_ARRAY) {
		static const struct ast_target address = { .addressof = true };
		struct diag *saved = p->b->why;

		if (!dbg_type_count(e->kind == DBG_ARRAY ? e : s, &count))
			count = 0;
		if (access_finish(p->b, a, &address, TARGET_READ))
			put_value(p, TEXT_STRING, a, count);
		else
			put_text(p, "?");
		p->b->why = saved;
		return;
	}
	put_text(p, "[");
	a->ctype = element;
	print_object(p, a, element, level + 1);
	put_text(p, ", ...]");
}

static void print_member(struct printer *p, const struct target_access *object, const struct dbg_member *m,
			 int level)
{
	struct target_access *a = access_fork(p->b, object);
	const struct dbg_type *s = dbg_type_complete(m->type);
	struct arena *arena = p->b->c->ps->arena;

	if (m->name)
		put_text(p, arena_printf(arena, ".%s=", m->name));
	else
		put_text(p, s->kind == DBG_UNION ? "<union>=" : "<class>=");
	if (m->bit_size) {
		a->bit_offset = (uint32_t)m->bit_offset;
		a->bit_size = m->bit_size;
	} else {
		access_step(p->b, a, STEP_OFFSET, (int64_t)(m->bit_offset / 8));
	}
	a->ctype = m->type;
	print_object(p, a, m->type, level + 1);
}

static void print_struct(struct printer *p, struct target_access *a, const struct dbg_type *s, int level)
{
	size_t n;
	const struct dbg_member *m = dbg_type_members(s, &n);

	if ((!p->deep && level) || s->declaration || level > MAX_LEVELS) {
		put_text(p, "{...}");
		return;
	}
	put_text(p, "{");
	for (size_t i = 0; i < n; i++) {
		if (i)
			put_text(p, ", ");
		if (p->values >= MAX_VALUES) {
			put_text(p, "...");
			break;
		}
		print_member(p, a, &m[i], level);
	}
	put_text(p, "}");
}

static void print_object(struct printer *p, struct target_access *a, const struct dbg_type *t, int level)
{
	const struct dbg_type *s = dbg_type_complete(t);

	for (int i = 0; i < MAX_POINTERS && (s->kind == DBG_REFERENCE || s->kind == DBG_RVALUE_REFERENCE); i++) {
		access_step(p->b, a, STEP_DEREF, 0);
		t = dbg_type_target(s);
		s = dbg_type_complete(t);
	}
	a->ctype = t;
	switch (s->kind) {
	case DBG_STRUCT:
	case DBG_UNION:
	case DBG_CLASS:
		print_struct(p, a, s, level);
		break;
	case DBG_ARRAY:
		print_array(p, a, s, level);
		break;
	case DBG_POINTER:
		print_pointer(p, a, s, level);
		break;
	case DBG_INT:
	case DBG_ENUM:
		print_scalar(p, a, s->is_signed ? TEXT_INT : TEXT_UINT);
		break;
	case DBG_BOOL:
		print_scalar(p, a, TEXT_INT);
		break;
	case DBG_CHAR:
		print_scalar(p, a, s->size == 1 ? TEXT_CHAR : s->is_signed ? TEXT_INT : TEXT_UINT);
		break;
	default:
		put_text(p, "?");
	}
}

struct target_access *access_pretty(struct target_binder *b, struct target_access *object, bool deep)
{
	struct printer p = { .b = b, .deep = deep };
	struct target_access *a = access_fork(b, object), *text;
	const struct dbg_type *t = object->ctype, *s = dbg_type_complete(t);

	a->entry = NULL;
	/* what a pointer points to is of interest, however many there are */
	for (int i = 0; i < MAX_POINTERS && s->kind == DBG_POINTER; i++) {
		const struct dbg_type *to = dbg_type_complete(dbg_type_target(s));

		if (is_string(to) || to->kind == DBG_VOID || to->kind == DBG_FUNCTION)
			break;
		access_step(b, a, STEP_DEREF, 0);
		t = dbg_type_target(s);
		s = to;
	}
	print_object(&p, a, t, 0);
	text = text_done(&p, "ERROR");
	text->operands = object->operands;
	text->noperands = object->noperands;
	text->entry = object->entry;
	return text;
}

/* ---- $$vars ---- */

/* "name=value" of one variable. */
static void put_variable(struct printer *p, const char *name, struct target_access *a, const char *pretty)
{
	const struct dbg_type *s = a && a->ctype ? dbg_type_complete(a->ctype) : NULL;

	if (arrlenu(p->parts))
		put_text(p, " ");
	put_text(p, arena_printf(p->b->c->ps->arena, "%s=", name));
	if (!a) {
		put_text(p, "?");
	} else if (pretty && s) {
		put_value(p, TEXT_NESTED, access_pretty(p->b, a, !strcmp(pretty, "$$")), 0);
	} else if (s && (s->kind == DBG_STRUCT || s->kind == DBG_UNION || s->kind == DBG_CLASS)) {
		put_text(p, "{...}");
	} else if (s && s->kind == DBG_ARRAY) {
		put_text(p, "[...]");
	} else if (s) {
		print_scalar(p, a, TEXT_HEX);
	} else {
		put_value(p, TEXT_HEX, a, 0);
	}
}

/* A parameter that the point has by position; NULL: none. */
static struct target_access *parameter_named(struct target_binder *b, const char *name)
{
	const struct probe_point *pt = b->c->point;

	for (size_t i = 0; i < pt->nparams; i++)
		if (pt->params[i].name && !strcmp(pt->params[i].name, name))
			return target_parameter(b, i);
	return NULL;
}

/* Variables in scope; at a return, parameters as they were at the entry. */
static struct target_access *context_vars(struct target_binder *b, bool params, bool locals,
					  const char *pretty)
{
	const struct probe_point *pt = b->c->point, *entry = NULL;
	struct printer p = { .b = b };
	struct target_access *text;
	const struct dbg_var *v;
	size_t n;

	if (pt->scope == PROBE_SCOPE_RETURN) {
		entry = target_entry_of(b);
		pt = entry;
	}
	v = dbg_vars_at(pt->func, pt->pc, &n);
	for (size_t i = 0; i < n; i++) {
		struct target_access *a = NULL;

		if (!v[i].name || !(v[i].is_param ? params : locals) || (v[i].depth && pt->own_scope))
			continue;
		if (v[i].is_param)
			a = parameter_named(b, v[i].name);
		if (!a && (pretty || v[i].loc.kind != DBG_LOC_NONE))
			a = access_of_var(b, &v[i], pt->pc);
		put_variable(&p, v[i].name, a, pretty);
	}
	text = text_done(&p, NULL);
	text->entry = entry;
	return text;
}

static struct target_access *context_return(struct target_binder *b, const char *pretty)
{
	struct printer p = { .b = b };
	const struct probe_point *pt = b->c->point;
	const struct dbg_type *type = pt->func ? dbg_func_return_type(pt->func) :
				      pt->type ? dbg_type_target(pt->type) : NULL;

	if (pt->kind == PROG_SYSRET)
		put_variable(&p, "return", target_syscall_result(b), pretty);
	else if (type && type->kind != DBG_VOID)
		put_variable(&p, "return", target_return_value(b), pretty);
	b->why = NULL;
	return text_done(&p, NULL);
}

/* Arguments of a mark or a system call, by the names they have there. */
static struct target_access *context_arguments(struct target_binder *b, unsigned count)
{
	struct printer p = { .b = b };

	for (unsigned i = 1; i <= count; i++) {
		const char *name = arena_printf(b->c->ps->arena, "$arg%u", i);

		put_variable(&p, name, target_argument(b, i), NULL);
	}
	return text_done(&p, NULL);
}

/* Parameters of the kernel's points. */
static struct target_access *context_parameters(struct target_binder *b, const char *pretty)
{
	const struct probe_point *pt = b->c->point;
	struct printer p = { .b = b };
	struct target_access *text;
	const struct probe_point *entry = NULL;

	for (size_t i = 0; i < pt->nparams; i++) {
		struct target_access *a = pt->params[i].name ? target_parameter(b, i) : NULL;

		if (a && a->entry) {	/* the text as a whole is of the entry */
			entry = a->entry;
			a->entry = NULL;
		}
		if (pt->params[i].name)
			put_variable(&p, pt->params[i].name, a, pretty);
	}
	b->why = NULL;
	text = text_done(&p, NULL);
	text->entry = entry;
	return text;
}

static struct target_access *empty_text(struct target_binder *b)
{
	struct printer p = { .b = b };

	return text_done(&p, NULL);
}

struct target_access *access_context(struct target_binder *b, const char *name, const char *pretty)
{
	const struct probe_point *pt = b->c->point;
	bool vars = !strcmp(name, "vars"), parms = !strcmp(name, "parms"), locals = !strcmp(name, "locals");

	switch (pt->scope) {
	case PROBE_SCOPE_MARK:
		if (vars || parms)
			return context_arguments(b, target_argument_count(b));
		break;
	case PROBE_SCOPE_KERNEL_RETURN:
		if (!strcmp(name, "return"))
			return context_return(b, pretty);
		if (locals)
			return empty_text(b);
		return vars || parms ? context_parameters(b, pretty) : NULL;
	case PROBE_SCOPE_KERNEL:
		if (pt->func && !parms)
			break;
		if (locals)
			return empty_text(b);
		return vars || parms ? context_parameters(b, pretty) : NULL;
	case PROBE_SCOPE_TRACE:
		if (pt->kind == PROG_SYSRET && !strcmp(name, "return"))
			return context_return(b, pretty);
		return vars || parms ? context_parameters(b, pretty) : NULL;
	case PROBE_SCOPE_SYSCALL:
		return parms ? context_arguments(b, target_argument_count(b)) : NULL;
	case PROBE_SCOPE_RETURN:
		if (!strcmp(name, "return"))
			return pt->func ? context_return(b, pretty) : empty_text(b);
		break;
	case PROBE_SCOPE_CODE:
	case PROBE_SCOPE_PLT:
		break;
	default:
		return NULL;
	}
	if (!(vars || parms || locals))
		return NULL;
	if (!pt->func)
		return empty_text(b);	/* no debug information, so none are known */
	return context_vars(b, vars || parms, vars || locals, pretty);
}
