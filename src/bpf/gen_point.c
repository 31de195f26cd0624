/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the probe point that was hit: its row in MAP_POINTS, and the bias of its module. */
#include "bpf/gen.h"

#include "base/ds.h"

/* r0 = row of the probe point in MAP_POINTS, or jumps */
static void gen_point_row(struct gen *g, em_label none)
{
	struct emit *em = &g->em;

	gen_need_slot(g);
	gen_ld(g, R1, gen_hdr(HDR(cookie)));
	em_jcci(em, BPF_JGE, R1, arrlen(g->p->points), none);
	em_alui(em, BPF_MUL, R1, g->u->lo.points_stride);
	em_map_value(em, R0, MAP_POINTS, 0);
	em_alu(em, BPF_ADD, R0, R1);
}

void gen_point_int(struct gen *g, const struct ir_expr *e)
{
	em_label none = em_new_label(&g->em);
	struct mem w = gen_word(g);

	gen_sti(g, w, 0);
	if (arrlen(g->p->points) && e->imm >= 0 && e->imm < g->u->lo.npoint_ints) {
		gen_point_row(g, none);
		em_ldx(&g->em, BPF_DW, R0, R0, (int)(g->u->lo.points_int + 8 * e->imm));
		gen_st(g, w, R0);
		em_bind(&g->em, none);
	}
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* The probed module's bias follows from the probed address; others' from the map that the run fills. */
void gen_module_bias(struct gen *g, const struct ir_expr *e)
{
	struct emit *em = &g->em;
	em_label other = em_new_label(em), done = em_new_label(em);
	const struct mem *ip = gen_ctx_saved(g, IR_PROBE_ADDR, 0);
	struct mem w = gen_word(g), key = gen_word(g);
	bool own = g->kind == PROG_UPROBE || (g->kind == PROG_URETPROBE && gen_has(g, ENGINE_FUNC_IP));

	if (own && ip && arrlen(g->p->points)) {
		gen_point_row(g, other);
		em_ldx(em, BPF_DW, R1, R0, LAYOUT_POINT_MODULE);
		em_jcci(em, BPF_JNE, R1, e->imm, other);
		em_ldx(em, BPF_DW, R1, R0, LAYOUT_POINT_ADDR);
		gen_ld(g, R0, *ip);
		em_alu(em, BPF_SUB, R0, R1);
		gen_st(g, w, R0);
		em_jmp(em, done);
		em_bind(em, other);
	}
	g->u->wants_bias = true;
	em_helper(em, BPF_FUNC_get_current_pid_tgid);
	em_alui(em, BPF_RSH, R0, 32);
	em_movi(em, R1, (int64_t)((uint64_t)e->imm << 32));
	em_alu(em, BPF_OR, R0, R1);
	gen_st(g, key, R0);
	em_map_fd(em, R1, MAP_BIAS);
	gen_map_key(g, key);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_NO_CONTEXT, &e->at, false));
	em_ldx(em, BPF_DW, R0, R0, 0);
	gen_st(g, w, R0);
	em_bind(em, done);
	gen_ld(g, R0, w);
	gen_word_free(g, key);
	gen_word_free(g, w);
}

void gen_point_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	em_label none = em_new_label(&g->em);
	uint32_t mark = gen_buf_mark(g);
	struct sref t = gen_buf(g);

	gen_sti(g, t.at, 0);
	if (arrlen(g->p->points) && e->imm >= 0 && e->imm < IR_PP_COUNT) {
		gen_point_row(g, none);
		em_mov(&g->em, R3, R0);
		em_alui(&g->em, BPF_ADD, R3, g->u->lo.points_str[e->imm]);
		em_movi(&g->em, R2, g->u->lo.points_bound);
		gen_addr(g, R1, t.at);
		em_helper(&g->em, BPF_FUNC_probe_read_kernel);
		em_bind(&g->em, none);
		if (t.bound > g->u->lo.points_bound)
			t.bound = g->u->lo.points_bound;
	}
	gen_str_copy(g, dst, t);
	gen_buf_release(g, mark);
}

void gen_point_at_address(struct gen *g)
{
	struct emit *em = &g->em;
	em_label found = em_new_label(em), done = em_new_label(em);

	gen_func_ip(g);
	em_alui(em, BPF_LSH, R0, 16);
	em_alui(em, BPF_RSH, R0, 16);
	em_movi(em, R1, (int64_t)layout_place(g->handler, 0));
	em_alu(em, BPF_OR, R0, R1);
	em_stx(em, BPF_DW, R10, STACK_COOKIE, R0);
	em_map_key(em, MAP_PLACES, R10, STACK_COOKIE);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JNE, R0, 0, found);
	em_movi(em, R0, -1);
	em_jmp(em, done);
	em_bind(em, found);
	em_ldx(em, BPF_W, R0, R0, 0);
	em_bind(em, done);
}
