/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code generation: memory of a hit, temporaries, routine calls, soft errors. */
#include "bpf/gen.h"

#include <string.h>

#include "base/ds.h"

#define STACK_MAX	400	/* bytes of stack of a handler without a slot */
#define FN_WORDS	32	/* temporaries of functions */
#define FN_BUFS		4
#define FN_BUF_MAX	1024

bool gen_has(const struct gen *g, enum engine_feature f)
{
	return !(g->u->without >> f & 1) && engine_has(f);
}

void gen_need_slot(struct gen *g)
{
	if (!g->slot) {
		g->want_slot = true;
		em_fail(&g->em, "needs a context slot");
	}
}

struct mem gen_alloc(struct gen *g, uint32_t size)
{
	struct mem m = { .off = g->top };

	size = round8(size);
	if (g->slot) {
		g->top += (int32_t)size;
		return m;
	}
	g->top -= (int32_t)size;
	if (g->top < -STACK_MAX)
		gen_need_slot(g);
	m.off = g->top;
	return m;
}

/* Few are needed: what does not fit is taken where gen_word() and gen_buf() find it. */
void gen_fn_temps(struct gen *g)
{
	for (int i = 0; i < FN_WORDS; i++)
		arrput(g->fn_temps.words, gen_alloc(g, 8));
	for (int i = 0; i < FN_BUFS && g->m->maxstr <= FN_BUF_MAX; i++)
		arrput(g->fn_temps.bufs, gen_alloc(g, round8(g->m->maxstr) + 8));
}

struct mem gen_word(struct gen *g)
{
	struct mem w;

	if (g->words_used == (uint32_t)arrlen(g->temps.words)) {
		w = gen_alloc(g, 8);
		arrput(g->temps.words, w);
	}
	return g->temps.words[g->words_used++];
}

void gen_word_free(struct gen *g, struct mem w)
{
	g->words_used--;
}

struct mem gen_keep(struct gen *g, const struct ir_expr *e)
{
	struct mem w;

	gen_expr(g, e);
	w = gen_word(g);
	gen_st(g, w, R0);
	return w;
}

struct sref gen_buf(struct gen *g)
{
	struct mem m;

	gen_need_slot(g);
	if (g->bufs_used == (uint32_t)arrlen(g->temps.bufs)) {
		m = gen_alloc(g, round8(g->m->maxstr) + 8);
		arrput(g->temps.bufs, m);
	}
	return (struct sref){ g->temps.bufs[g->bufs_used++], g->m->maxstr };
}

uint32_t gen_buf_mark(const struct gen *g)
{
	return g->bufs_used;
}

void gen_buf_release(struct gen *g, uint32_t mark)
{
	g->bufs_used = mark;
}

struct sref gen_pool_bytes(struct gen *g, const char *name, const void *p, size_t len)
{
	struct unit *u = g->u;
	ptrdiff_t i = shgeti(u->pool_index, name);
	uint32_t off, size = round8((uint32_t)len + 1);

	gen_need_slot(g);
	g->uses_sizes = true;
	if (i >= 0) {
		off = u->pool_index[i].value;
	} else {
		off = (uint32_t)arrlen(u->pool);
		memset(arraddnptr(u->pool, size), 0, size);
		memcpy(u->pool + off, p, len);
		shput(u->pool_index, name, off);
	}
	return (struct sref){ { .off = (int32_t)(SLOT_B + u->pool_base + off) }, (uint32_t)len + 1 };
}

struct sref gen_pool(struct gen *g, const char *s, size_t len)
{
	return gen_pool_bytes(g, arena_strndup(g->m->arena, s, len), s, len);
}

struct mem gen_hdr(int off)
{
	return (struct mem){ .off = off };
}

static int base(struct gen *g, struct mem at)
{
	return at.frame ? R9 : g->slot ? R6 : R10;
}

void gen_ld(struct gen *g, int dst, struct mem at)
{
	if (at.off <= INT16_MAX) {
		em_ldx(&g->em, BPF_DW, dst, base(g, at), at.off);
	} else {
		gen_addr(g, dst, at);
		em_ldx(&g->em, BPF_DW, dst, dst, 0);
	}
}

void gen_st(struct gen *g, struct mem at, int src)
{
	if (at.off <= INT16_MAX) {
		em_stx(&g->em, BPF_DW, base(g, at), at.off, src);
	} else {
		gen_addr(g, R5, at);
		em_stx(&g->em, BPF_DW, R5, 0, src);
	}
}

void gen_sti(struct gen *g, struct mem at, int32_t v)
{
	if (at.off <= INT16_MAX) {
		em_sti(&g->em, BPF_DW, base(g, at), at.off, v);
	} else {
		gen_addr(g, R5, at);
		em_sti(&g->em, BPF_DW, R5, 0, v);
	}
}

void gen_addr(struct gen *g, int dst, struct mem at)
{
	em_mov(&g->em, dst, base(g, at));
	if (at.off)
		em_alui(&g->em, BPF_ADD, dst, at.off);
}

void gen_map_key(struct gen *g, struct mem key)
{
	gen_addr(g, R2, key);
	g->keys_alone |= g->slot && g->alone;
}

int gen_fn_kind(const struct gen *g)
{
	return g->together ? FN_KIND_STATIC : FN_KIND_GLOBAL;
}

void gen_soff(struct gen *g, int dst, struct sref s)
{
	if (!s.at.frame) {
		em_movi(&g->em, dst, s.at.off - SLOT_B);
		return;
	}
	gen_ld(g, dst, gen_hdr(HDR(sp)));
	em_alui(&g->em, BPF_MUL, dst, g->frame_size);
	em_alui(&g->em, BPF_ADD, dst, g->frame_area.off + s.at.off - SLOT_B);
}

struct mem gen_arg(int n)
{
	return (struct mem){ .off = (int32_t)offsetof(struct rt_mem, arg) + 8 * n };
}

void gen_result(struct gen *g, struct sref dst)
{
	gen_soff(g, R2, dst);
	em_movi(&g->em, R3, dst.bound);
}

void gen_vars(struct gen *g, int dst, uint32_t off)
{
	em_map_value(&g->em, dst, MAP_VARS, off);
}

void gen_line(struct gen *g, int dst, uint32_t global)
{
	gen_vars(g, dst, g->u->lo.globals[global].line);
}

struct tmp gen_push(struct gen *g)
{
	struct tmp t = { 0 };

	if (!(g->regs_used & 1)) {
		t.reg = R7;
		g->regs_used |= 1;
	} else if (!(g->regs_used & 2)) {
		t.reg = R8;
		g->regs_used |= 2;
	} else {
		t.word = gen_word(g);
		gen_st(g, t.word, R0);
		return t;
	}
	em_mov(&g->em, t.reg, R0);
	return t;
}

void gen_pop(struct gen *g, struct tmp t, int reg)
{
	if (t.reg) {
		g->regs_used &= ~(t.reg == R7 ? 1u : 2u);
		em_mov(&g->em, reg, t.reg);
	} else {
		gen_ld(g, reg, t.word);
		gen_word_free(g, t.word);
	}
}

void gen_routine(struct gen *g, int routine)
{
	gen_need_slot(g);
	if (!g->routine[routine])
		g->routine[routine] = em_new_label(&g->em);
	em_mov(&g->em, R1, R6);
	em_call(&g->em, g->routine[routine]);
}

static uint32_t gen_site(struct gen *g, const struct span *at)
{
	struct span *sites = g->u->sites;

	for (ptrdiff_t i = arrlen(sites); i-- > 0;)
		if (!memcmp(&sites[i], at, sizeof(*at)))
			return (uint32_t)i;
	arrput(g->u->sites, *at);
	return (uint32_t)arrlen(g->u->sites) - 1;
}

em_label gen_error_label(struct gen *g, uint32_t code, const struct span *at, bool with_arg)
{
	struct err_stub s = { .catch = g->catch, .code = code, .site = gen_site(g, at),
			      .has_arg = with_arg };

	em_will_use(&g->em, g->catch);
	for (ptrdiff_t i = 0; i < arrlen(g->stubs); i++)
		if (g->stubs[i].catch == s.catch && g->stubs[i].code == code &&
		    g->stubs[i].site == s.site && g->stubs[i].has_arg == with_arg)
			return g->stubs[i].label;
	s.label = em_new_label(&g->em);
	arrput(g->stubs, s);
	return s.label;
}

void gen_error(struct gen *g, uint32_t code, const struct span *at, bool with_arg)
{
	em_jmp(&g->em, gen_error_label(g, code, at, with_arg));
}

/* Where an error is noted: in the slot's header, or on the stack of a handler without slot. */
static struct mem error_word(struct gen *g, int off, struct mem stack)
{
	if (g->slot)
		return gen_hdr(off);
	return stack;
}

/* The out-of-line parts of all error sites of this subprogram; what runs here does not fall through. */
void gen_stubs(struct gen *g)
{
	for (ptrdiff_t i = 0; i < arrlen(g->stubs); i++) {
		struct err_stub s = g->stubs[i];

		em_bind(&g->em, s.label);
		if (s.has_arg)
			gen_st(g, error_word(g, HDR(err_arg), g->stack_arg), R1);
		else
			gen_sti(g, error_word(g, HDR(err_arg), g->stack_arg), 0);
		em_movi(&g->em, R1, (int64_t)((uint64_t)s.site << 32 | s.code));
		gen_st(g, error_word(g, HDR(err_code), g->stack_err), R1);
		em_jmp(&g->em, s.catch);
	}
	arrsetlen(g->stubs, 0);
}
