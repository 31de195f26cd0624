/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scalar globals: memory of vars; one atomic instruction each, or under the handler's lock. */
#include "bpf/gen.h"

static void gen_gstore(struct gen *g, const struct ir_expr *e)
{
	const struct ir_global *gl = g->m->globals[e->sym];
	struct global_place *pl = &g->u->lo.globals[e->sym];
	uint32_t mark = gen_buf_mark(g);
	struct sref s;

	if (gl->type == IR_I64) {
		gen_expr(g, e->args[0]);
		gen_line(g, R1, e->sym);
		em_stx(&g->em, BPF_DW, R1, LINE_VALUE, R0);
		return;
	}
	s = gen_buf(g);
	if (s.bound > gl->bound)
		s.bound = gl->bound;
	gen_str_to(g, e->args[0], s);
	gen_vars(g, R1, pl->str);
	em_movi(&g->em, R2, round8(gl->bound));
	gen_addr(g, R3, s.at);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	gen_buf_release(g, mark);
}

static void gen_clear_scalar(struct gen *g, const struct ir_expr *e)
{
	const struct ir_global *gl = g->m->globals[e->sym];
	struct global_place *pl = &g->u->lo.globals[e->sym];

	if (gl->type == IR_I64) {
		gen_line(g, R1, e->sym);
		em_sti(&g->em, BPF_DW, R1, LINE_VALUE, 0);
	} else {
		gen_vars(g, R1, pl->str);
		em_sti(&g->em, BPF_DW, R1, 0, 0);
	}
}

bool gen_glob_i64(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_GLOAD:
		gen_line(g, R0, e->sym);
		em_ldx(&g->em, BPF_DW, R0, R0, LINE_VALUE);
		return true;
	case IR_GSTORE:
		gen_gstore(g, e);
		return true;
	case IR_GADD:
		gen_expr(g, e->args[0]);
		gen_line(g, R1, e->sym);
		em_atomic(&g->em, BPF_DW, BPF_ADD | BPF_FETCH, R1, LINE_VALUE, R0);
		return true;
	case IR_ACLEAR:
		if (g->m->globals[e->sym]->is_array || g->m->globals[e->sym]->type == IR_STAT)
			return false;
		gen_clear_scalar(g, e);
		return true;
	default:
		return false;
	}
}

/* gload of a string */
void gen_glob_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	uint32_t mark = gen_buf_mark(g), bound = g->m->globals[e->sym]->bound;
	struct sref t = dst;

	if (dst.bound < bound || dst.at.frame)
		t = gen_buf(g);
	gen_addr(g, R1, t.at);
	em_movi(&g->em, R2, round8(bound));
	gen_vars(g, R3, g->u->lo.globals[e->sym].str);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	if (t.at.off != dst.at.off || t.at.frame != dst.at.frame) {
		t.bound = bound;
		gen_str_copy(g, dst, t);
	}
	gen_buf_release(g, mark);
}
