/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following ->member and [index] through the types of the program, as C would, and deciding how the
 * object at the end is read.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "sema/target_access.h"

#define STEP_CHUNK	8	/* steps grow by this many */
#define MAX_NESTING	16	/* of anonymous members */

const struct dbg_func *access_function(const struct target_access *a)
{
	const struct dbg_func *f = a->func;

	while (f && f->is_inline)
		f = dbg_func_parent(f);
	return f;
}

void access_step(struct target_binder *b, struct target_access *a, enum access_step_kind kind, int64_t n)
{
	if (kind == STEP_OFFSET && !n)
		return;
	if (!(a->nsteps % STEP_CHUNK)) {
		struct access_step *s = arena_new_array(b->c->ps->arena, struct access_step,
							a->nsteps + STEP_CHUNK);

		if (a->nsteps)
			memcpy(s, a->steps, a->nsteps * sizeof(*s));
		a->steps = s;
	}
	a->steps[a->nsteps++] = (struct access_step){ .kind = kind, .n = n };
}

struct target_access *access_fork(struct target_binder *b, const struct target_access *a)
{
	struct target_access *f = arena_memdup(b->c->ps->arena, a, sizeof(*a));
	size_t room = (a->nsteps / STEP_CHUNK + 1) * STEP_CHUNK;

	f->steps = arena_new_array(b->c->ps->arena, struct access_step, room);
	if (a->nsteps)
		memcpy(f->steps, a->steps, a->nsteps * sizeof(*a->steps));
	return f;
}

static const char *access_text(struct arena *arena, const struct ast_access *x)
{
	switch (x->kind) {
	case ACCESS_MEMBER:
		return arena_printf(arena, "->%s", x->member);
	case ACCESS_LITERAL:
		return arena_printf(arena, "[%" PRId64 "]", x->number);
	case ACCESS_INDEX:
		return "[...]";
	default:
		return x->member ? x->member : "";
	}
}

static const char *type_text(struct target_binder *b, const struct dbg_type *t)
{
	return dbg_type_name(b->c->ps->arena, t);
}

static bool is_aggregate(const struct dbg_type *t)
{
	return t->kind == DBG_STRUCT || t->kind == DBG_UNION || t->kind == DBG_CLASS;
}

/* References read as what they refer to. */
static const struct dbg_type *through_references(struct target_binder *b, struct target_access *a,
						 const struct dbg_type *t)
{
	const struct dbg_type *s = dbg_type_complete(t);

	for (int i = 0; i < MAX_NESTING && (s->kind == DBG_REFERENCE || s->kind == DBG_RVALUE_REFERENCE); i++) {
		access_step(b, a, STEP_DEREF, 0);
		t = dbg_type_target(s);
		s = dbg_type_complete(t);
	}
	return t;
}

static bool invalid_access(struct target_binder *b, const struct ast_access *x, const struct dbg_type *t)
{
	struct arena *arena = b->c->ps->arena;
	const struct dbg_type *s = dbg_type_strip(t);

	if (s->kind == DBG_FUNCTION)
		access_fail(b, "invalid-access", &x->at, "%s: unexpected type tag 21", type_text(b, s));
	else if (s->kind == DBG_POINTER)
		access_fail(b, "invalid-access", &x->at, "invalid access '%s' vs '%s'", access_text(arena, x),
			    type_text(b, t));
	else if (s->kind == DBG_ARRAY)
		access_fail(b, "invalid-access", &x->at, "invalid access '%s' for array type",
			    access_text(arena, x));
	else
		access_fail(b, "invalid-access", &x->at, "invalid access '%s' vs. %s", access_text(arena, x),
			    type_text(b, s));
	return false;
}

/* Names of all members, those of anonymous ones included. */
static const char **member_names(const struct dbg_type *t, const char **names, int depth)
{
	size_t n;
	const struct dbg_member *m = dbg_type_members(t, &n);

	for (size_t i = 0; i < n; i++) {
		if (m[i].name)
			arrput(names, m[i].name);
		else if (depth < MAX_NESTING)
			names = member_names(dbg_type_complete(m[i].type), names, depth + 1);
	}
	return names;
}

/* What the kernel only declares, a loaded module may define; else the type itself. */
static const struct dbg_type *defined_elsewhere(struct target_binder *b, const struct dbg_type *s)
{
	struct dbg_module *m = dbg_btf_kernel_of_type(type_text(b, s));
	const struct dbg_type *found = m ? dbg_type_find(m, type_text(b, s)) : NULL;

	return found ? dbg_type_complete(found) : s;
}

static bool walk_member(struct target_binder *b, struct target_access *a, const struct ast_access *x,
			const struct dbg_type **t)
{
	const struct dbg_type *s = dbg_type_complete(*t);
	struct dbg_member m;

	if (s->kind == DBG_POINTER) {
		const struct dbg_type *pointee = dbg_type_complete(dbg_type_target(s));

		if (pointee->kind == DBG_VOID)
			return invalid_access(b, x, *t);
		access_step(b, a, STEP_DEREF, 0);
		*t = dbg_type_target(s);
		s = pointee;
	}
	if (!is_aggregate(s))
		return invalid_access(b, x, *t);
	if (s->declaration && a->kernel)
		s = defined_elsewhere(b, s);
	if (s->declaration) {
		access_fail(b, "unresolved-type", &x->at, "unresolved %s", type_text(b, s));
		return false;
	}
	if (!dbg_type_member(s, x->member, &m)) {
		const char **names = member_names(s, NULL, 0);

		access_fail(b, "no-member", &x->at, "unable to find member '%s' for %s (alternatives: %s)",
			    x->member, type_text(b, s),
			    probe_similar(b->c->ps->arena, x->member, names, arrlenu(names), arrlenu(names)));
		arrfree(names);
		return false;
	}
	if (m.bit_size) {
		access_step(b, a, STEP_OFFSET, 0);
		a->bit_offset = (uint32_t)m.bit_offset;
		a->bit_size = m.bit_size;
	} else {
		access_step(b, a, STEP_OFFSET, (int64_t)(m.bit_offset / 8));
	}
	*t = m.type;
	return true;
}

static uint32_t operand_add(struct target_access *a, struct arena *arena, struct ast_expr *e)
{
	struct ast_expr **list = arena_new_array(arena, struct ast_expr *, a->noperands + 1);

	if (a->noperands)
		memcpy(list, a->operands, a->noperands * sizeof(*list));
	list[a->noperands] = e;
	a->operands = list;
	return (uint32_t)a->noperands++;
}

static bool walk_index(struct target_binder *b, struct target_access *a, const struct ast_access *x,
		       const struct dbg_type **t, bool element)
{
	const struct dbg_type *s = dbg_type_strip(*t);
	int64_t size;

	if (s->kind == DBG_ARRAY) {
		*t = dbg_type_target(s);
	} else if (s->kind == DBG_POINTER && !element) {
		if (dbg_type_strip(dbg_type_target(s))->kind == DBG_VOID)
			return invalid_access(b, x, *t);
		access_step(b, a, STEP_DEREF, 0);
		*t = dbg_type_target(s);
	} else if (!element) {
		return invalid_access(b, x, *t);
	}
	size = (int64_t)dbg_type_sizeof(dbg_type_complete(*t));
	if (!size) {
		access_fail(b, "unknown-size", &x->at, "unknown size of '%s'", type_text(b, *t));
		return false;
	}
	if (x->kind == ACCESS_LITERAL) {
		access_step(b, a, STEP_OFFSET, size * x->number);
	} else {
		access_step(b, a, STEP_INDEX, size);
		a->steps[a->nsteps - 1].operand = operand_add(a, b->c->ps->arena, x->index);
	}
	return true;
}

bool access_walk(struct target_binder *b, struct target_access *a, const struct ast_target *t,
		 const struct dbg_type *type, bool element)
{
	for (size_t i = 0; i < t->naccesses; i++) {
		const struct ast_access *x = &t->accesses[i];
		bool ok = true;

		if (a->bit_size)
			return invalid_access(b, x, type);
		type = through_references(b, a, type);
		if (x->kind == ACCESS_MEMBER)
			ok = walk_member(b, a, x, &type);
		else if (x->kind == ACCESS_LITERAL || x->kind == ACCESS_INDEX)
			ok = walk_index(b, a, x, &type, element && !i);
		if (!ok)
			return false;
	}
	a->ctype = through_references(b, a, type);
	return true;
}

/* ---- can the location be read at all? ---- */

/* Do the callers say what they would have passed?  For a number by itself all must. */
static bool removed_parameter_known(const struct target_access *a, int64_t param)
{
	const struct dbg_func *f = access_function(a);
	size_t n = 0;
	bool all = false;

	return f && dbg_entry_params(f, param, &n, &all) && n > 0 && n <= ACCESS_MAX_CALLERS && (all || a->partial);
}

#define XMM(n) "it is in the vector register xmm" #n ", which eBPF programs cannot read"

/* Why a register cannot be read: what the kernel saves of a process are the general ones. */
static const char *register_problem(int64_t reg)
{
	static const char *const xmm[] = {
		XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
		XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
	};

	if (reg <= DBG_RIP)
		return NULL;
	if (reg >= DBG_XMM0 && reg <= DBG_XMM15)
		return xmm[reg - DBG_XMM0];
	return "it is in a register that eBPF programs cannot read";
}

/* What a probe cannot compute of a location program; NULL: nothing. */
static const char *ops_problem(const struct target_access *a, const struct dbg_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (ops[i].op) {
		case DBG_OP_REG:
			if (ops[i].a > DBG_RIP && ops[i].a != DBG_FSBASE)
				return register_problem(ops[i].a);
			break;
		case DBG_OP_ENTRY_REG:
			if (!a->func || ops[i].a > DBG_RIP)
				return "it needs a value from the function's entry";
			break;
		case DBG_OP_ENTRY_PARAM:
			if (!removed_parameter_known(a, ops[i].a))
				return "the compiler removed the parameter";
			break;
		case DBG_OP_TLS:
			return "the library does not tell where its thread-local variables are";
		case DBG_OP_MOD:
		case DBG_OP_UDIV:
		case DBG_OP_SKIP:
		case DBG_OP_BRA:
			return "its location is computed in a way that is not supported";
		default:
			break;
		}
	}
	return NULL;
}

/* The same for the bits [lo, hi) of a location. */
static const char *loc_problem(const struct target_access *a, const struct dbg_loc *loc, uint64_t lo,
			       uint64_t hi)
{
	const char *why = NULL;
	uint64_t pos = 0;

	switch (loc->kind) {
	case DBG_LOC_MEMORY:
	case DBG_LOC_VALUE:
		return ops_problem(a, loc->ops, loc->nops);
	case DBG_LOC_REGISTER:
		return register_problem(loc->reg);
	case DBG_LOC_BYTES:
		return NULL;
	case DBG_LOC_PIECES:
		for (size_t i = 0; i < loc->npieces && !why; pos += loc->pieces[i++].bit_size)
			if (pos < hi && pos + loc->pieces[i].bit_size > lo)
				why = loc_problem(a, &loc->pieces[i].loc, 0, 8);
		return why ? why : pos < hi ? "part of it is not described" : NULL;
	default:
		return "it was optimized out";
	}
}

/* Whether what the access reads of its base can be had; false: b->why says why not. */
static bool base_readable(struct target_binder *b, const struct target_access *a, uint64_t size)
{
	const struct dbg_loc *loc = &a->loc;
	int64_t off = 0;
	uint64_t lo, hi;
	size_t i;
	const char *why;

	if (a->base != BASE_LOC)
		return true;
	for (i = 0; i < a->nsteps && a->steps[i].kind == STEP_OFFSET; i++)
		off += a->steps[i].n;
	if (i < a->nsteps && a->steps[i].kind == STEP_DEREF) {
		size = 8;
		if (loc->kind == DBG_LOC_POINTER && loc->npieces) {
			off = loc->offset;
			loc = &loc->pieces[0].loc;
		}
	} else if (i < a->nsteps && loc->kind != DBG_LOC_MEMORY) {
		access_fail(b, "no-index", &b->e->at, "an array that is not in memory needs a constant index");
		return false;
	}
	lo = 8 * (uint64_t)off;
	hi = lo + 8 * size;
	if (i == a->nsteps && a->bit_size) {
		lo += a->bit_offset;
		hi = lo + a->bit_size;
	}
	why = off < 0 && loc->kind != DBG_LOC_MEMORY ? "it is not in memory" : loc_problem(a, loc, lo, hi);
	if (why)
		access_fail(b, "not-accessible", &b->e->at, "not accessible at this address (pc: 0x%" PRIx64
			    ") [man error::dwarf] (%s)", a->pc, why);
	return !why;
}

/* ---- the object at the end ---- */

/* Where a message about the whole access points: its last part. */
static const struct span *last_place(struct target_binder *b, const struct ast_target *t)
{
	for (size_t i = t->naccesses; i > 0; i--)
		if (t->accesses[i - 1].kind != ACCESS_PRETTY)
			return &t->accesses[i - 1].at;
	return &b->e->at;
}

static bool in_memory(const struct target_access *a)
{
	if (a->base == BASE_OPERAND || (a->base == BASE_LOC && a->loc.kind == DBG_LOC_MEMORY))
		return true;
	for (size_t i = 0; i < a->nsteps; i++)
		if (a->steps[i].kind == STEP_DEREF)
			return true;
	return false;
}

static bool aggregate_named(struct target_binder *b, const struct span *at, const struct dbg_type *s)
{
	const char **names = member_names(s, NULL, 0), *first = NULL;

	for (size_t i = 0; i < arrlenu(names); i++)
		if (!first || strcmp(names[i], first) < 0)
			first = names[i];
	access_fail(b, "struct-accessed", at, "'%s'%s is being accessed instead of a member%s%s%s",
		    type_text(b, s), target_type_place(b->c->ps->arena, s), first ? " such as '->" : "",
		    first ? first : "", first ? "'" : "");
	arrfree(names);
	return false;
}

static bool finish_address(struct target_binder *b, struct target_access *a, unsigned use)
{
	if (use & TARGET_WRITE) {
		access_fail(b, "write-address", &b->e->at, "cannot write to member address");
		return false;
	}
	if (a->bit_size) {
		access_fail(b, "bitfield-address", &b->e->at, "cannot take the address of a bit field");
		return false;
	}
	if (a->base == BASE_SDT) {
		access_fail(b, "sdt-address", &b->e->at, "cannot take address of sdt variable");
		return false;
	}
	if (!in_memory(a)) {
		access_fail(b, "no-address", &b->e->at, "cannot take address of %s",
			    a->loc.kind == DBG_LOC_REGISTER ? "object in register" : "computed value");
		return false;
	}
	a->kind = ACCESS_ADDRESS;
	a->type = AST_LONG;
	return base_readable(b, a, 1);
}

static bool size_supported(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool finish_write(struct target_binder *b, struct target_access *a, const struct dbg_type *s)
{
	if (!b->c->ps->guru) {
		access_fail(b, "write-guru", &b->e->at,
			    "write to target variable not permitted; need stap -g");
		return false;
	}
	if (s->kind == DBG_FLOAT) {
		access_fail(b, "write-float", &b->e->at, "cannot assign yet to %u-bit float",
			    (unsigned)(8 * s->size));
		return false;
	}
	if (a->kernel || a->entry) {
		access_fail(b, "write-place", &b->e->at, "cannot write to this target variable");
		if (a->kernel)
			diag_hint(b->c->ps->diag, b->why,
				  "eBPF programs cannot write the kernel's memory and registers");
		return false;
	}
	if (!in_memory(a) && a->loc.kind != DBG_LOC_REGISTER) {
		access_fail(b, "write-computed", &b->e->at, "cannot write to a computed value");
		return false;
	}
	return true;
}

bool access_finish(struct target_binder *b, struct target_access *a, const struct ast_target *t, unsigned use)
{
	const struct dbg_type *s = dbg_type_complete(a->ctype);
	const struct span *at = last_place(b, t);
	uint64_t size = dbg_type_sizeof(s);

	a->type = AST_LONG;
	if (t->addressof)
		return finish_address(b, a, use);
	if (is_aggregate(s))
		return aggregate_named(b, at, s);
	if (s->kind == DBG_ARRAY) {
		if (use & TARGET_WRITE) {
			access_fail(b, "write-array", &b->e->at, "cannot write to array address");
			return false;
		}
		return finish_address(b, a, use);
	}
	if (s->kind == DBG_FUNCTION)
		return finish_address(b, a, use);
	if (s->kind == DBG_VOID) {
		access_fail(b, "void", at, "'%s' has no value", type_text(b, a->ctype));
		return false;
	}
	if (!size_supported(size)) {
		if (size > 8)
			access_fail(b, "wide", &b->e->at, "cannot process >64-bit values");
		else
			access_fail(b, "odd-size", &b->e->at, "unknown size of '%s'", type_text(b, a->ctype));
		return false;
	}
	a->kind = ACCESS_FETCH;
	a->size = (uint32_t)size;
	a->is_signed = s->kind != DBG_FLOAT && dbg_type_is_signed(s);
	if (!base_readable(b, a, size))
		return false;
	return !(use & TARGET_WRITE) || finish_write(b, a, s);
}

bool access_scalar(struct target_binder *b, struct target_access *a)
{
	static const struct ast_target plain;
	struct diag *saved = b->why;
	bool ok;

	a->partial = true;
	ok = access_finish(b, a, &plain, TARGET_READ);

	b->why = saved;
	return ok;
}
