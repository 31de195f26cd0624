/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking things up in BTF by name: types, functions, variables, tracepoints, enumerators.
 *
 * The first names are searched for one by one; for more an index is built.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "dbg/btf_priv.h"

#define FEW_LOOKUPS 4

static struct btf_type own_type(const struct btf_file *b, uint32_t i)
{
	struct btf_type t;

	memcpy(&t, b->types.p + b->offset[i], sizeof(t));
	return t;
}

/* Chains run from the lowest id to the highest. */
static void index_names(struct dbg_module *m)
{
	struct btf_file *b = m->btf;
	uint32_t n = (uint32_t)arrlen(b->offset);

	for (b->nheads = 1; b->nheads < n;)
		b->nheads *= 2;
	b->heads = xcalloc(b->nheads, sizeof(*b->heads));
	b->next = xcalloc((size_t)n + 1, sizeof(*b->next));
	for (uint32_t i = n; i-- > 0;) {
		struct btf_type t = own_type(b, i);
		const char *s = t.name_off ? btfrec_str(m, t.name_off) : NULL;
		uint32_t *head = s ? &b->heads[hash_text(s) & (b->nheads - 1)] : NULL;

		if (head) {
			b->next[i] = *head;
			*head = i + 1;
		}
	}
}

static bool is_named(struct dbg_module *m, uint32_t i, const char *name, uint32_t kinds)
{
	struct btf_type t = own_type(m->btf, i);
	const char *s = t.name_off && (kinds & (1u << BTF_INFO_KIND(t.info))) ? btfrec_str(m, t.name_off) : NULL;

	return s && *s == *name && strcmp(s, name) == 0;
}

/* First id of m itself (not its base) with the name and one of the kinds in the mask; 0: none. */
static uint32_t find_id(struct dbg_module *m, const char *name, uint32_t kinds)
{
	struct btf_file *b = m->btf;

	if (!b->heads && b->lookups++ >= FEW_LOOKUPS)
		index_names(m);
	if (b->heads) {
		for (uint32_t i = b->heads[hash_text(name) & (b->nheads - 1)]; i; i = b->next[i - 1])
			if (is_named(m, i - 1, name, kinds))
				return b->first_id + i - 1;
		return 0;
	}
	for (uint32_t i = 0; i < (uint32_t)arrlen(b->offset); i++)
		if (is_named(m, i, name, kinds))
			return b->first_id + i;
	return 0;
}

static const struct dbg_type *find_kinds(struct dbg_module *m, const char *name, uint32_t kinds)
{
	for (; m && m->btf; m = m->btf->base) {
		uint32_t id = find_id(m, name, kinds);

		if (id)
			return btfrec_type(m, id);
	}
	return NULL;
}

const struct dbg_type *btftype_find(struct dbg_module *m, const char *name)
{
	static const struct {
		const char *word;
		uint32_t kinds;
	} words[] = {
		{ "struct ", 1u << BTF_KIND_STRUCT },
		{ "union ", 1u << BTF_KIND_UNION },
		{ "enum ", 1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64 },
	};
	const struct dbg_type *t;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i].word);

		if (strncmp(name, words[i].word, n) == 0)
			return find_kinds(m, name + n, words[i].kinds);
	}
	t = find_kinds(m, name, 1u << BTF_KIND_TYPEDEF | 1u << BTF_KIND_INT | 1u << BTF_KIND_FLOAT);
	return t ? t : find_kinds(m, name, words[0].kinds | words[1].kinds | words[2].kinds);
}

const char **btftype_names(struct dbg_module *m, const char *glob)
{
	const uint32_t kinds = 1u << BTF_KIND_STRUCT | 1u << BTF_KIND_UNION | 1u << BTF_KIND_TYPEDEF |
			       1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64;
	const char **out = NULL;

	for (uint32_t i = 0; i < (uint32_t)arrlen(m->btf->offset); i++) {
		struct btf_type t = own_type(m->btf, i);
		const char *s = kinds & (1u << BTF_INFO_KIND(t.info)) ? btfrec_name(m, t.name_off) : NULL;

		if (s && dwfunc_glob(glob, s))
			arrput(out, s);
	}
	return out;
}

bool btf_enumerator(struct dbg_module *m, const char *name, int64_t *value)
{
	for (; m && m->btf; m = m->btf->base) {
		for (uint32_t i = 0; i < (uint32_t)arrlen(m->btf->offset); i++) {
			struct btf_type t = own_type(m->btf, i);
			const struct dbg_enumerator *e;
			size_t n;

			if (BTF_INFO_KIND(t.info) != BTF_KIND_ENUM && BTF_INFO_KIND(t.info) != BTF_KIND_ENUM64)
				continue;
			e = dbg_type_enumerators(btfrec_type(m, m->btf->first_id + i), &n);
			for (size_t k = 0; k < n; k++)
				if (!strcmp(e[k].name, name)) {
					*value = e[k].value;
					return true;
				}
		}
	}
	return false;
}

static struct dbg_btf_func make_func(struct dbg_module *m, uint32_t id, const struct rec *r)
{
	return (struct dbg_btf_func){
		.name = btfrec_name(m, r->t.name_off), .type = btfrec_type(m, r->t.type), .id = id,
		.global = BTF_INFO_VLEN(r->t.info) == BTF_FUNC_GLOBAL,
	};
}

bool dbg_btf_func(struct dbg_module *m, const char *name, struct dbg_btf_func *out)
{
	uint32_t id = m->btf ? find_id(m, name, 1u << BTF_KIND_FUNC) : 0;
	struct rec r;

	if (!id || !btfrec_get(m, id, &r))
		return false;
	*out = make_func(m, id, &r);
	return true;
}

const struct dbg_param *dbg_btf_tracepoint(struct dbg_module *m, const char *name, size_t *n)
{
	const struct dbg_param *p;
	const struct dbg_type *t;
	struct dbg_btf_func caller;
	size_t ncaller;
	char full[256];

	*n = 0;
	snprintf(full, sizeof(full), "btf_trace_%s", name);
	t = m->btf ? find_kinds(m, full, 1u << BTF_KIND_TYPEDEF) : NULL;
	if (!t)
		return NULL;
	t = dbg_type_strip(t);
	if (t->kind == DBG_POINTER)
		t = dbg_type_strip(dbg_type_target(t));
	p = dbg_type_params(t, n, NULL);
	/* types of functions have no names of parameters; the function that calls the probes has */
	snprintf(full, sizeof(full), "__traceiter_%s", name);
	if (dbg_btf_func(m, full, &caller)) {
		const struct dbg_param *named = dbg_type_params(caller.type, &ncaller, NULL);

		if (ncaller == *n)
			p = named;
	}
	if (!*n)
		return NULL;
	--*n;			/* void *__data */
	return p + 1;
}

/* Is the variable in the section of per-CPU ones? */
static bool var_per_cpu(struct dbg_module *m, uint32_t id)
{
	uint32_t sec = find_id(m, ".data..percpu", 1u << BTF_KIND_DATASEC);
	struct rec r;

	if (!sec || !btfrec_get(m, sec, &r))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(r.t.info); i++) {
		uint32_t var = cur_u32(&r.c);

		if (var == id)
			return true;
		cur_skip(&r.c, sizeof(struct btf_var_secinfo) - sizeof(var));
	}
	return false;
}

const struct dbg_type *dbg_btf_var(struct dbg_module *m, const char *name, bool *per_cpu)
{
	uint32_t id = m->btf ? find_id(m, name, 1u << BTF_KIND_VAR) : 0;
	struct rec r;

	if (!id || !btfrec_get(m, id, &r))
		return NULL;
	*per_cpu = var_per_cpu(m, id);
	return btfrec_type(m, r.t.type);
}

bool dbg_btf_offset(struct dbg_module *m, const char *type, const char *path, uint64_t *offset,
		    uint64_t *size)
{
	const struct dbg_type *t = dbg_type_find(m, type);
	struct dbg_member mem = { 0 };
	uint64_t bits = 0;
	char name[128];

	if (!t)
		return false;
	while (*path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name))
			return false;
		memcpy(name, path, n);
		name[n] = 0;
		if (!dbg_type_member(t, name, &mem))
			return false;
		bits += mem.bit_offset;
		t = mem.type;
		path += n + (path[n] == '.');
	}
	*offset = bits / 8;
	*size = dbg_type_sizeof(t);
	return true;
}
