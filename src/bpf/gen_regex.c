/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regular expressions: matching by the automaton's tables; groups are looked for when they are asked for. */
#include "bpf/gen.h"

#include "base/ds.h"
#include "bpf/groups.h"
#include "ir/regex.h"

void gen_match(struct gen *g, const struct ir_expr *e)
{
	struct sref s = gen_str(g, e->args[0]);

	if (g->uses_groups)
		gen_str_copy(g, g->match_subject, s);
	em_map_value(&g->em, R2, g->u->lo.regex_map[e->sym], 0);
	gen_soff(g, R3, s);
	gen_routine(g, ROUTINE_rt_dfa_match);
	if (g->uses_matched) {
		em_mov(&g->em, R1, R0);
		em_alui(&g->em, BPF_MUL, R1, e->sym + 1);
		gen_st(g, gen_hdr(HDR(matched)), R1);
	}
}

/* Number of groups of the regex that matched last. */
void gen_ngroups(struct gen *g, const struct ir_expr *e)
{
	struct mem w = gen_word(g);

	gen_need_slot(g);
	gen_ld(g, R0, gen_hdr(HDR(matched)));
	em_movi(&g->em, R1, -1);
	em_jcci(&g->em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_MATCHED, &e->at, true));
	for (ptrdiff_t i = 0; i < arrlen(g->m->regexes); i++) {
		const struct ir_dfa *d = g->m->regexes[i]->dfa;
		em_label next = em_new_label(&g->em);

		gen_ld(g, R0, gen_hdr(HDR(matched)));
		em_jcci(&g->em, BPF_JNE, R0, i + 1, next);
		gen_sti(g, w, (int32_t)d->ngroups);
		em_bind(&g->em, next);
	}
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* r0 = group number (in `n`) of regex i: its text */
static void gen_group(struct gen *g, const struct ir_expr *e, uint32_t i, struct mem n, struct sref dst)
{
	const struct ir_dfa *d = g->m->regexes[i]->dfa;
	struct emit *em = &g->em;
	em_label inside = em_new_label(em), other = em_new_label(em);

	gen_ld(g, R0, n);
	em_mov(em, R1, R0);
	em_jcci(em, BPF_JLT, R0, d->ngroups, inside);
	em_jcci(em, BPF_JSGE, R0, 0, other);
	em_movi(em, R1, INT64_MAX);
	em_bind(em, other);
	gen_error(g, WERR_MATCHED, &e->at, true);
	em_bind(em, inside);
	gen_ld(g, R0, gen_hdr(HDR(index)));
	em_alui(em, BPF_AND, R0, g->u->lo.ncpu_pow2 * SLOTS_PER_CPU - 1);
	em_alui(em, BPF_MUL, R0, sizeof(struct groups_search));
	em_map_value(em, R3, MAP_GROUPS, 0);
	em_alu(em, BPF_ADD, R3, R0);
	em_map_value(em, R2, g->u->lo.groups_map[i], 0);
	gen_soff(g, R4, g->match_subject);
	gen_ld(g, R5, n);
	gen_routine(g, ROUTINE_bk_groups);
	gen_result(g, dst);
	gen_soff(g, R4, g->match_subject);
	gen_routine(g, ROUTINE_rt_substr);
	gen_cut(g);
}

void gen_matched(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	struct emit *em = &g->em;
	em_label done = em_new_label(em);
	struct mem n;

	n = gen_keep(g, e->args[0]);
	em_mov(em, R1, R0);
	em_alui(em, BPF_XOR, R1, -1);
	gen_ld(g, R0, gen_hdr(HDR(matched)));
	em_jcci(em, BPF_JEQ, R0, 0, gen_error_label(g, WERR_MATCHED, &e->at, true));
	gen_sti(g, dst.at, 0);
	for (uint32_t i = 0; i < (uint32_t)arrlen(g->m->regexes); i++) {
		em_label next = em_new_label(em);

		gen_ld(g, R0, gen_hdr(HDR(matched)));
		em_jcci(em, BPF_JNE, R0, i + 1, next);
		gen_group(g, e, i, n, dst);
		em_jmp(em, done);
		em_bind(em, next);
	}
	em_bind(em, done);
	gen_word_free(g, n);
}
