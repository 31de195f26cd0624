/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record under construction: where its items begin, go on and end.
 *
 * Where an item goes on is known when the code is made, as long as the item is the first of the hit and what was put
 * into it is of one size: its parts are stored at their places then.  Behind a text whose length only the hit knows,
 * and in later items, the place is counted from hdr.wpos.  Masks keep what the verifier does not know in the record.
 */
#include "bpf/gen.h"

#define REC_HDR		((int)sizeof(struct wire_record))
#define ITEM_HEAD	8
#define FAR_BEHIND	(REC_SLACK - 128)	/* of hdr.wpos: more is added to it */
#define ONE_SIZE_MAX	128

struct mem gen_record(struct gen *g)
{
	if (!g->rec.off)
		g->rec = g->rec_size == REC_MIN ? g->rec_near : gen_alloc(g, g->rec_size + REC_SLACK_STACK);
	return g->rec;
}

/* reg = address of the record's byte that is counted in reg */
static void record_addr(struct gen *g, int reg)
{
	em_alui(&g->em, BPF_AND, reg, g->rec_size - 1);
	em_alu(&g->em, BPF_ADD, reg, R6);
	em_alui(&g->em, BPF_ADD, reg, gen_record(g).off);
}

struct out_at gen_out_at(struct gen *g)
{
	if (g->pos.fixed)
		return (struct out_at){ R6, gen_record(g).off + g->pos.off };
	gen_ld(g, R1, gen_hdr(HDR(wpos)));
	record_addr(g, R1);
	return (struct out_at){ R1, g->pos.off };
}

void gen_out_addr(struct gen *g, int dst, struct out_at at, int32_t off)
{
	em_mov(&g->em, dst, at.reg);
	if (at.off + off)
		em_alui(&g->em, BPF_ADD, dst, at.off + off);
}

void gen_out_settle(struct gen *g)
{
	if (g->pos.fixed) {
		gen_sti(g, gen_hdr(HDR(wpos)), g->pos.off);
	} else if (g->pos.off) {
		gen_ld(g, R1, gen_hdr(HDR(wpos)));
		em_alui(&g->em, BPF_ADD, R1, g->pos.off);
		gen_st(g, gen_hdr(HDR(wpos)), R1);
	}
	g->pos = (struct out_pos){ 0 };
}

void gen_out_advance(struct gen *g, int32_t by)
{
	g->pos.off += by;
	if (!g->pos.fixed && g->pos.off >= FAR_BEHIND)
		gen_out_settle(g);
}

void gen_out_advance_r0(struct gen *g)
{
	if (g->pos.fixed) {
		em_alui(&g->em, BPF_ADD, R0, g->pos.off);
	} else {
		gen_ld(g, R1, gen_hdr(HDR(wpos)));
		em_alu(&g->em, BPF_ADD, R0, R1);
		if (g->pos.off)
			em_alui(&g->em, BPF_ADD, R0, g->pos.off);
	}
	gen_st(g, gen_hdr(HDR(wpos)), R0);
	g->pos = (struct out_pos){ 0 };
}

static void store_words(struct gen *g, struct out_at at, uint32_t low, uint32_t high)
{
	em_sti(&g->em, BPF_W, at.reg, at.off, (int32_t)low);
	em_sti(&g->em, BPF_W, at.reg, at.off + 4, (int32_t)high);
}

void gen_out_head(struct gen *g, struct out_at at, enum wire_text what, uint32_t size)
{
	store_words(g, at, size, (uint32_t)what);
}

struct out_mark gen_out_open(struct gen *g, uint32_t size)
{
	struct out_mark m = { .one_size = size && size <= ONE_SIZE_MAX };

	if (m.one_size && !g->pos.fixed && g->pos.off + (int32_t)size >= FAR_BEHIND)
		gen_out_settle(g);
	m.pos = g->pos;
	if (g->pos.fixed || m.one_size)
		return m;
	m.wpos = gen_word(g);
	gen_ld(g, R0, gen_hdr(HDR(wpos)));
	gen_st(g, m.wpos, R0);
	return m;
}

void gen_out_close(struct gen *g, struct out_mark m, enum wire_text what)
{
	struct emit *em = &g->em;
	int head = m.pos.off, body = head + ITEM_HEAD;
	bool fixed = m.pos.fixed;

	if (m.one_size || (fixed && g->pos.fixed)) {
		struct out_at at = gen_out_at(g);

		at.off += head - g->pos.off;
		gen_out_head(g, at, what, (uint32_t)(g->pos.off - body));
		return;
	}
	gen_ld(g, R3, gen_hdr(HDR(wpos)));
	if (!fixed) {
		gen_ld(g, R2, m.wpos);
		em_alu(em, BPF_SUB, R3, R2);
		record_addr(g, R2);
		gen_word_free(g, m.wpos);
	}
	em_alui(em, BPF_ADD, R3, g->pos.off - body);
	if (fixed)
		head += gen_record(g).off;
	em_stx(em, BPF_W, fixed ? R6 : R2, head, R3);
	em_sti(em, BPF_W, fixed ? R6 : R2, head + 4, (int32_t)what);
}

void gen_item_begin(struct gen *g, uint32_t max)
{
	em_label fits = em_new_label(&g->em);
	struct mem rec = gen_record(g);

	gen_need_slot(g);
	g->item_fixed = g->first_item && rec.off + (int32_t)g->rec_size + REC_SLACK <= INT16_MAX;
	g->first_item = false;
	g->pos = (struct out_pos){ .fixed = g->item_fixed, .off = ITEM_HEAD };
	if (g->item_fixed) {
		g->pos.off += REC_HDR;
		return;
	}
	gen_ld(g, R0, gen_hdr(HDR(rpos)));
	em_jcci(&g->em, BPF_JLE, R0, (int64_t)g->rec_size - max, fits);
	gen_call_flush(g);
	gen_ld(g, R0, gen_hdr(HDR(rpos)));
	em_bind(&g->em, fits);
	gen_st(g, gen_hdr(HDR(wpos)), R0);
}

/* The end of the first item, and with it of the record. */
static void end_fixed(struct gen *g, uint32_t kind)
{
	struct out_at head = { R6, gen_record(g).off + REC_HDR };
	struct emit *em = &g->em;

	if (g->pos.fixed) {
		store_words(g, head, kind, (uint32_t)(g->pos.off - REC_HDR));
		gen_sti(g, gen_hdr(HDR(rpos)), g->pos.off);
		return;
	}
	gen_ld(g, R0, gen_hdr(HDR(wpos)));
	if (g->pos.off)
		em_alui(em, BPF_ADD, R0, g->pos.off);
	gen_st(g, gen_hdr(HDR(rpos)), R0);
	em_alui(em, BPF_SUB, R0, REC_HDR);
	em_sti(em, BPF_W, head.reg, head.off, (int32_t)kind);
	em_stx(em, BPF_W, head.reg, head.off + 4, R0);
}

void gen_item_end_r2(struct gen *g)
{
	struct emit *em = &g->em;

	gen_out_settle(g);
	gen_ld(g, R0, gen_hdr(HDR(wpos)));
	gen_ld(g, R1, gen_hdr(HDR(rpos)));
	em_mov(em, R3, R0);
	em_alu(em, BPF_SUB, R3, R1);
	record_addr(g, R1);
	em_stx(em, BPF_W, R1, 0, R2);
	em_stx(em, BPF_W, R1, 4, R3);
	gen_st(g, gen_hdr(HDR(rpos)), R0);
}

void gen_item_end(struct gen *g, uint32_t kind, uint32_t id)
{
	uint32_t head = GEN_ITEM(kind, id);

	if (g->item_fixed) {
		end_fixed(g, head);
		return;
	}
	em_movi(&g->em, R2, (int32_t)head);
	gen_item_end_r2(g);
}
