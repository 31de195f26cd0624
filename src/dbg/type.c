/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types: what does not depend on where they came from.
 *
 * Every walk through targets is bounded by MAX_CHAIN, so cyclic descriptions end.
 */
#include "dbg/type.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MAX_CHAIN 64
#define MAX_NEST  32		/* anonymous members and base classes */
#define MAX_NAME  4096

static const struct dbg_type unknown_type = { .kind = DBG_UNSPECIFIED };

const struct dbg_type *module_void_type(struct dbg_module *m)
{
	if (!m->void_type) {
		m->void_type = arena_new(m->arena, struct dbg_type);
		m->void_type->kind = DBG_VOID;
		m->void_type->module = m;
	}
	return m->void_type;
}

struct dbg_type *type_new(struct dbg_module *m, enum dbg_type_kind kind,
			  const struct dbg_type_ops *ops, uint64_t ref)
{
	struct dbg_type *t = arena_new(m->arena, struct dbg_type);

	t->kind = kind;
	t->module = m;
	t->ops = ops;
	t->ref = ref;
	return t;
}

/* ---- accessors ---- */

const struct dbg_type *dbg_type_target(const struct dbg_type *t)
{
	const struct dbg_type *r = t->ops && t->ops->target ? t->ops->target(t) : NULL;

	if (r)
		return r;
	return t->module ? module_void_type(t->module) : &unknown_type;
}

const struct dbg_member *dbg_type_members(const struct dbg_type *t, size_t *n)
{
	*n = 0;
	if (!t->ops || !t->ops->members ||
	    (t->kind != DBG_STRUCT && t->kind != DBG_UNION && t->kind != DBG_CLASS))
		return NULL;
	return t->ops->members(t, n);
}

const struct dbg_enumerator *dbg_type_enumerators(const struct dbg_type *t, size_t *n)
{
	*n = 0;
	return t->kind == DBG_ENUM && t->ops && t->ops->enumerators ? t->ops->enumerators(t, n)
								    : NULL;
}

const struct dbg_param *dbg_type_params(const struct dbg_type *t, size_t *n, bool *variadic)
{
	*n = 0;
	if (variadic)
		*variadic = false;
	return t->kind == DBG_FUNCTION && t->ops && t->ops->params ? t->ops->params(t, n, variadic)
								   : NULL;
}

bool dbg_type_count(const struct dbg_type *t, uint64_t *count)
{
	return t->kind == DBG_ARRAY && t->ops && t->ops->count && t->ops->count(t, count);
}

static bool is_qualifier(enum dbg_type_kind k)
{
	return k == DBG_CONST || k == DBG_VOLATILE || k == DBG_RESTRICT || k == DBG_ATOMIC;
}

const struct dbg_type *dbg_type_strip(const struct dbg_type *t)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		if (!is_qualifier(t->kind) && t->kind != DBG_TYPEDEF)
			return t;
		t = dbg_type_target(t);
	}
	return &unknown_type;
}

static const char *tag_word(enum dbg_type_kind k)
{
	switch (k) {
	case DBG_STRUCT:
		return "struct";
	case DBG_UNION:
		return "union";
	case DBG_CLASS:
		return "class";
	case DBG_ENUM:
		return "enum";
	default:
		return NULL;
	}
}

const struct dbg_type *dbg_type_complete(const struct dbg_type *t)
{
	const struct dbg_type *def;
	char name[512];

	t = dbg_type_strip(t);
	if (!t->declaration || !t->name || !t->module || !tag_word(t->kind))
		return t;
	snprintf(name, sizeof(name), "%s %s", tag_word(t->kind), t->name);
	def = dbg_type_find(t->module, name);
	return def && !def->declaration ? def : t;
}

uint64_t dbg_type_sizeof(const struct dbg_type *t)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		uint64_t n;

		t = dbg_type_complete(t);
		if (t->size || t->kind != DBG_ARRAY)
			return t->size;
		if (!dbg_type_count(t, &n))
			return 0;
		/* an array whose size was not given: elements times count */
		return n <= UINT32_MAX ? n * dbg_type_sizeof(dbg_type_target(t)) : 0;
	}
	return 0;
}

bool dbg_type_is_signed(const struct dbg_type *t)
{
	return dbg_type_strip(t)->is_signed;
}

bool dbg_type_is_char(const struct dbg_type *t)
{
	t = dbg_type_strip(t);
	return t->kind == DBG_CHAR && t->size == 1;
}

static bool member_in(const struct dbg_type *t, const char *name, struct dbg_member *out,
		      int depth)
{
	const struct dbg_member *mem;
	size_t n;

	if (depth > MAX_NEST)
		return false;
	t = dbg_type_complete(t);
	mem = dbg_type_members(t, &n);
	for (size_t i = 0; i < n; i++)
		if (mem[i].name && !mem[i].is_base && strcmp(mem[i].name, name) == 0) {
			*out = mem[i];
			return true;
		}
	for (size_t i = 0; i < n; i++)
		if ((!mem[i].name || mem[i].is_base) &&
		    member_in(mem[i].type, name, out, depth + 1)) {
			out->bit_offset += mem[i].bit_offset;
			return true;
		}
	return false;
}

bool dbg_type_member(const struct dbg_type *t, const char *name, struct dbg_member *out)
{
	return member_in(t, name, out, 0);
}

const struct dbg_type *dbg_type_find(struct dbg_module *m, const char *name)
{
	if (m->btf)
		return btftype_find(m, name);
	return dbg_module_debug(m, NULL) == 0 ? dwtype_find(m, name) : NULL;
}

/* ---- spelling ---- */

struct spelling {
	FILE *out;
	int budget;		/* types left to print: bounds cyclic and huge spellings */
};

static void spell(struct spelling *s, const struct dbg_type *t);

static void spell_params(struct spelling *s, const struct dbg_type *t)
{
	const struct dbg_param *p;
	bool variadic;
	size_t n;

	p = dbg_type_params(t, &n, &variadic);
	if (!n)
		fputs(variadic ? "..." : "void", s->out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputs(", ", s->out);
		spell(s, p[i].type);
	}
	if (n && variadic)
		fputs(", ...", s->out);
}

/* Strips pointers and qualifiers down to a function type; NULL if there is none below. */
static const struct dbg_type *function_below(const struct dbg_type *t)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		if (t->kind == DBG_FUNCTION)
			return t;
		if (!is_qualifier(t->kind) && t->kind != DBG_POINTER && t->kind != DBG_ARRAY &&
		    t->kind != DBG_REFERENCE && t->kind != DBG_RVALUE_REFERENCE)
			return NULL;
		t = dbg_type_target(t);
	}
	return NULL;
}

static void spell_name(struct spelling *s, const struct dbg_type *t)
{
	const char *tag = tag_word(t->kind);

	if (tag)
		fprintf(s->out, "%s %s", tag, t->name ? t->name : "{...}");
	else if (t->kind == DBG_VOID)
		fputs("void", s->out);
	else
		fputs(t->name ? t->name : "<unknown>", s->out);
}

/* A va_list parameter: the compilers' own array type, decayed. */
static bool is_va_list(const struct dbg_type *t)
{
	const struct dbg_type *to = t->kind == DBG_POINTER ? dbg_type_target(t) : t;

	return to != t && to->kind == DBG_STRUCT && to->name &&
	       strcmp(to->name, "__va_list_tag") == 0;
}

/* Everything before a function's parameter list, or the whole spelling if there is none. */
static void spell_left(struct spelling *s, const struct dbg_type *t)
{
	static const char *const suffix[] = {
		[DBG_POINTER] = "*", [DBG_REFERENCE] = "&", [DBG_RVALUE_REFERENCE] = "&&",
		[DBG_ARRAY] = "[]", [DBG_CONST] = " const", [DBG_VOLATILE] = " volatile",
		[DBG_RESTRICT] = " restrict", [DBG_ATOMIC] = " _Atomic",
	};

	if (--s->budget < 0)
		return;
	if (is_va_list(t)) {
		fputs("va_list", s->out);
		return;
	}
	switch (t->kind) {
	case DBG_POINTER: case DBG_REFERENCE: case DBG_RVALUE_REFERENCE: case DBG_ARRAY:
	case DBG_CONST: case DBG_VOLATILE: case DBG_RESTRICT: case DBG_ATOMIC:
		if (t->name && t->kind != DBG_ARRAY) {
			fputs(t->name, s->out);	/* a named pointer: the producer's own type */
			break;
		}
		spell_left(s, dbg_type_target(t));
		/* one [] however many dimensions */
		if (t->kind != DBG_ARRAY || dbg_type_target(t)->kind != DBG_ARRAY)
			fputs(suffix[t->kind], s->out);
		break;
	case DBG_FUNCTION:
		spell(s, dbg_type_target(t));
		fputs(" (", s->out);
		break;
	default:
		spell_name(s, t);
	}
}

static void spell(struct spelling *s, const struct dbg_type *t)
{
	const struct dbg_type *f = function_below(t);

	spell_left(s, t);
	if (f && s->budget > 0) {
		fputs(") (", s->out);
		spell_params(s, f);
		fputs(")", s->out);
	}
}

const char *dbg_type_name(struct arena *a, const struct dbg_type *t)
{
	char *text = NULL;
	const char *r;
	size_t len;
	struct spelling s = { .out = xmemstream(&text, &len), .budget = 256 };

	spell(&s, t);
	fclose(s.out);
	r = arena_strndup(a, text, len < MAX_NAME ? len : MAX_NAME);
	free(text);
	return r;
}
