/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many handlers in one program.  A script like process("P").function("*").call { println($$parms) } has hundreds of
 * different handlers, each a program that the kernel verifies together with the routines it calls, and that needs a
 * link of its own.  Here handlers of one kind become subprograms of a program that chooses by the point's cookie,
 * and share the routines: they load and attach many times faster.  The choice costs a few comparisons per hit.
 *
 * What the kernel verifies is what loading costs, and the routines are verified in every bundle anew; but it verifies
 * programs on different processors at the same time.  So there are as many bundles as processors, if their handlers are
 * worth it, but few: each looks a system call up for itself.  Handlers of system calls that call routines, whose loops
 * are the most work to verify, are in the same bundle as far as possible.
 *
 * Requires finished code of the handlers.  A bundle that the kernel refuses is no error: its handlers
 * are loaded one by one then.  Handlers of system calls are always called by such a program, if it is of one only.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/engine_priv.h"
#include "bpf/routines.h"
#include "bpf/syscalls.h"

#define BUNDLE_MIN		8	/* fewer are better alone */
#define BUNDLE_SUBPROGS		256	/* as many as the kernel takes */
#define BUNDLE_INSNS		60000	/* of its handlers */
#define ROUTINE_WEIGHT		16	/* an instruction of a routine is verified so often, for its loops */
#define BUNDLE_INSNS_MIN	8000	/* as much work as the routines: fewer are not worth a bundle */
#define HANDLER_INSNS		4000	/* larger ones are loaded alone; without routines */
#define BUNDLES_MAX		4
#define SLACK			8	/* this part more than a share, so that nothing is left over */

struct bundle {
	struct engine *e;
	uint32_t *handlers;			/* stb_ds */
	bool syscalls;				/* handlers of system calls */
	struct emit em;
	struct load_request rq;
	int fd;					/* the program, or -errno */
	em_label out;
	em_label routine[ROUTINE_COUNT];	/* of those copied already */
	int *map_fds;				/* stb_ds: as the engine's */
	struct copy {
		const struct emit *from;
		size_t subprog;			/* index in from->subprogs */
		em_label label;
	} *todo;				/* stb_ds: referred to; [done..] not copied yet */
};

static size_t subprog_at(const struct emit *em, int64_t insn)
{
	size_t i = 0;

	while (i + 1 < arrlenu(em->subprogs) && em->subprogs[i + 1].insn <= insn)
		i++;
	return i;
}

static size_t subprog_end(const struct emit *em, size_t i)
{
	return i + 1 < arrlenu(em->subprogs) ? em->subprogs[i + 1].insn : arrlenu(em->insns);
}

static bool subprogs_equal(const struct emit *a, size_t i, const struct emit *b, size_t k);

/* Do instructions n of a and m of b mean the same, in equal places of equal code? */
static bool insns_equal(const struct emit *a, size_t n, const struct emit *b, size_t m)
{
	struct bpf_insn x = a->insns[n], y = b->insns[m];
	bool call = x.code == (BPF_JMP | BPF_CALL) && x.src_reg == BPF_PSEUDO_CALL;
	bool address = x.code == (BPF_LD | BPF_DW | BPF_IMM) && x.src_reg == BPF_PSEUDO_FUNC;
	size_t to = subprog_at(a, (int64_t)n + x.imm + 1), of = subprog_at(b, (int64_t)m + y.imm + 1);

	if (!call && !address)
		return !memcmp(&x, &y, sizeof(x));
	if (x.code != y.code || x.src_reg != y.src_reg || x.dst_reg != y.dst_reg)
		return false;
	return a->subprogs[to].kind == b->subprogs[of].kind &&
	       (a->subprogs[to].kind >= FN_KIND_ROUTINE || subprogs_equal(a, to, b, of));
}

/* Are both the same code? No subprogram reaches itself. */
static bool subprogs_equal(const struct emit *a, size_t i, const struct emit *b, size_t k)
{
	size_t from = a->subprogs[i].insn, at = b->subprogs[k].insn, n = subprog_end(a, i) - from;
	const struct em_map_ref *ra = a->maps, *rb = b->maps;
	const struct em_map_ref *ea = ra + arrlenu(ra), *eb = rb + arrlenu(rb);

	if (subprog_end(b, k) - at != n)
		return false;
	for (size_t j = 0; j < n; j++)
		if (!insns_equal(a, from + j, b, at + j))
			return false;
	while (ra < ea && ra->insn < from)
		ra++;
	while (rb < eb && rb->insn < at)
		rb++;
	for (; ra < ea && ra->insn < from + n; ra++, rb++)
		if (rb == eb || rb->insn - at != ra->insn - from || rb->map != ra->map)
			return false;
	return true;
}

/* Are such subprograms one where their code is equal? */
static bool is_merged(int kind)
{
	return kind == FN_KIND_GLOBAL || kind == FN_KIND_NUMBERS;
}

/* Label of the copy of a subprogram; copied later if it is not yet. */
static em_label label_of(struct bundle *b, const struct emit *from, size_t subprog)
{
	int kind = from->subprogs[subprog].kind;
	struct copy c = { from, subprog, 0 };

	if (kind >= FN_KIND_ROUTINE && b->routine[kind - FN_KIND_ROUTINE])
		return b->routine[kind - FN_KIND_ROUTINE];
	for (size_t i = 0; is_merged(kind) && i < arrlenu(b->todo); i++)
		if (b->todo[i].from->subprogs[b->todo[i].subprog].kind == kind &&
		    subprogs_equal(b->todo[i].from, b->todo[i].subprog, from, subprog))
			return b->todo[i].label;
	for (size_t i = arrlenu(b->todo); kind < FN_KIND_ROUTINE && i-- > 0;)
		if (b->todo[i].from == from && b->todo[i].subprog == subprog)
			return b->todo[i].label;
	c.label = em_new_label(&b->em);
	if (kind >= FN_KIND_ROUTINE)
		b->routine[kind - FN_KIND_ROUTINE] = c.label;
	arrput(b->todo, c);
	return c.label;
}

static void copy_subprog(struct bundle *b, const struct copy *c)
{
	const struct emit *from = c->from;
	size_t first = from->subprogs[c->subprog].insn, end = subprog_end(from, c->subprog), base;

	em_subprog(&b->em, c->label, from->subprogs[c->subprog].kind);
	base = arrlenu(b->em.insns);
	for (size_t i = first; i < end; i++) {
		struct bpf_insn in = from->insns[i];
		bool wide = in.code == (BPF_LD | BPF_DW | BPF_IMM);
		size_t target = subprog_at(from, (int64_t)i + in.imm + 1);

		if (in.code == (BPF_JMP | BPF_CALL) && in.src_reg == BPF_PSEUDO_CALL)
			em_call(&b->em, label_of(b, from, target));
		else if (wide && in.src_reg == BPF_PSEUDO_FUNC)
			em_func_addr(&b->em, in.dst_reg, label_of(b, from, target));
		else if (wide)
			em_raw(&b->em, in), em_raw(&b->em, from->insns[i + 1]);
		else
			em_raw(&b->em, in);
		i += wide;
	}
	for (size_t i = 0; i < arrlenu(from->maps); i++) {
		struct em_map_ref r = from->maps[i];

		if (r.insn < first || r.insn >= end)
			continue;
		r.insn += (uint32_t)(base - first);
		arrput(b->em.maps, r);
	}
}

/* r5 = number of the handler, of those from `lo` below `hi`; what it is called with is in its registers */
static void choose(struct bundle *b, size_t lo, size_t hi)
{
	struct emit *em = &b->em;
	em_label upper = em_new_label(em);

	if (hi - lo == 1) {
		em_call(em, label_of(b, &b->e->gens[b->handlers[lo]].em, 0));
		em_jmp(em, b->out);
		return;
	}
	em_jcci(em, BPF_JGE, R5, (int64_t)(lo + (hi - lo) / 2), upper);
	choose(b, lo, lo + (hi - lo) / 2);
	em_bind(em, upper);
	choose(b, lo + (hi - lo) / 2, hi);
}

/* Main: calls the handler of the point that was hit. */
static void dispatch(struct bundle *b)
{
	struct emit *em = &b->em;

	em_subprog(em, em_new_label(em), FN_KIND_STATIC);
	b->out = em_new_label(em);
	if (b->syscalls) {
		em_map_value(em, R2, MAP_VARS, VARS_ACTIVE);
		em_ldx(em, BPF_W, R2, R2, 0);
		em_jcci(em, BPF_JEQ, R2, 0, b->out);
		syscalls_find(em, b->e->gens[b->handlers[0]].kind, b->out);
		em_mov(em, R0, R7);
	} else {
		em_mov(em, R6, R1);
		em_helper(em, BPF_FUNC_get_attach_cookie);
	}
	em_jcci(em, BPF_JGE, R0, arrlen(b->e->p->points), b->out);
	em_alui(em, BPF_LSH, R0, 1);
	em_map_value(em, R1, MAP_VARS, b->e->unit.lo.bundle_numbers);
	em_alu(em, BPF_ADD, R1, R0);
	em_ldx(em, BPF_H, R5, R1, 0);
	em_mov(em, R1, R6);
	if (b->syscalls) {
		em_mov(em, R2, R7);
		em_mov(em, R3, R8);
	}
	choose(b, 0, arrlenu(b->handlers));
	em_bind(em, b->out);
	em_movi(em, R0, 0);
	em_exit(em);
}

static bool build_code(struct bundle *b)
{
	em_init(&b->em, false);
	dispatch(b);
	for (size_t i = 0; i < arrlenu(b->todo) && !b->em.err; i++) {
		struct copy c = b->todo[i];

		copy_subprog(b, &c);
	}
	return em_finish(&b->em);
}

/* Makes b->rq, b->fd is -errno where that fails.  The request has maps that close_table() closes. */
static void bundle_build(struct bundle *b)
{
	struct engine *e = b->e;
	const struct gen *g = &e->gens[b->handlers[0]];

	b->syscalls = gen_is_syscall(g);
	b->rq = (struct load_request){ .em = &b->em, .kind = g->kind, .sleepable = g->sleepable,
				       .uprobe_multi = e->opt.uprobe_multi, .name = "stap_bundle", .btf = &e->btf };
	b->fd = 0;
	if (b->syscalls) {
		b->fd = e->map_fds[MAP_SYSCALLS] = syscalls_table(e, b->handlers, arrlenu(b->handlers));
		b->rq.target = g->kind == PROG_SYSCALL ? "sys_enter" : "sys_exit";
	}
	if (b->fd >= 0)
		b->fd = build_code(b) ? 0 : -ENOTSUP;
	arrsetlen(b->map_fds, 0);
	for (size_t i = 0; i < arrlenu(e->map_fds); i++)
		arrput(b->map_fds, e->map_fds[i]);
	b->rq.map_fds = b->map_fds;
	e->map_fds[MAP_SYSCALLS] = -1;
}

static void use_program(struct engine *e, const struct bundle *b)
{
	uint16_t *numbers = (uint16_t *)(void *)(e->vars + e->unit.lo.bundle_numbers);
	size_t n = arrlenu(b->handlers);

	for (size_t k = 0; k < n; k++)
		e->fds[b->handlers[k]] = b->fd;
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		for (size_t k = 0; k < n; k++)
			if (e->p->points[i].handler == b->handlers[k]) {
				numbers[i] = (uint16_t)k;
				e->point_fds[i] = b->fd;
			}
	arrput(e->bundle_fds, b->fd);
}

/* What is left of it when it is loaded: the program keeps its maps. */
static void bundle_fini(struct bundle *b)
{
	if (b->syscalls && b->map_fds[MAP_SYSCALLS] >= 0)
		close(b->map_fds[MAP_SYSCALLS]);
	em_fini(&b->em);
	arrfree(b->todo);
	arrfree(b->map_fds);
	arrfree(b->handlers);
}

int bundle_alone(struct engine *e, uint32_t handler)
{
	struct bundle b = { .e = e };
	int err;

	arrput(b.handlers, handler);
	bundle_build(&b);
	if (b.fd >= 0)
		b.fd = load_prog(&b.rq);
	err = b.fd < 0 ? b.fd : 0;
	if (err)
		engine_load_failed(e, handler, &b.rq, err);
	else
		use_program(e, &b);
	bundle_fini(&b);
	return err;
}

/* May both be in one program? */
static bool alike(const struct gen *a, const struct gen *b)
{
	return a->kind == b->kind && a->sleepable == b->sleepable && a->unwind.off == b->unwind.off;
}

/* Instructions without the routines. */
static size_t own_insns(const struct emit *em)
{
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(em->subprogs); i++)
		if (em->subprogs[i].kind < FN_KIND_ROUTINE)
			n += subprog_end(em, i) - em->subprogs[i].insn;
	return n;
}

static bool bundle_takes(const struct engine *e, uint32_t h)
{
	const struct gen *g = &e->gens[h];

	return e->generated[h] && e->fds[h] < 0 && own_insns(&g->em) <= HANDLER_INSNS &&
	       (g->kind == PROG_UPROBE || g->kind == PROG_URETPROBE || gen_is_syscall(g));
}

/* Is there an equal function in a handler of the set? */
static bool is_shared(const struct engine *e, const uint32_t *set, const struct emit *em, size_t subprog)
{
	for (size_t i = 0; is_merged(em->subprogs[subprog].kind) && i < arrlenu(set); i++) {
		const struct emit *o = &e->gens[set[i]].em;

		for (size_t k = 0; k < arrlenu(o->subprogs); k++)
			if (o->subprogs[k].kind == em->subprogs[subprog].kind && subprogs_equal(o, k, em, subprog))
				return true;
	}
	return false;
}

static bool calls_routines(const struct emit *em)
{
	for (size_t i = 0; i < arrlenu(em->subprogs); i++)
		if (em->subprogs[i].kind >= FN_KIND_ROUTINE)
			return true;
	return false;
}

/* What is in a bundle: subprograms, and how many instructions there are to verify. */
struct load {
	size_t subprogs, insns;
	bool routine[ROUTINE_COUNT];
};

/* A handler more than those of the set. */
static void add_load(const struct engine *e, const uint32_t *set, uint32_t handler, struct load *l)
{
	const struct emit *em = &e->gens[handler].em;

	for (size_t i = 0; i < arrlenu(em->subprogs); i++) {
		int kind = em->subprogs[i].kind;

		if (kind >= FN_KIND_ROUTINE) {
			if (l->routine[kind - FN_KIND_ROUTINE])
				continue;
			l->subprogs++;
			l->insns += ROUTINE_WEIGHT * (subprog_end(em, i) - em->subprogs[i].insn);
			l->routine[kind - FN_KIND_ROUTINE] = true;
		} else if (!is_shared(e, set, em, i)) {
			l->subprogs++;
			l->insns += subprog_end(em, i) - em->subprogs[i].insn;
		}
	}
}

/* How many instructions of handlers are one bundle's share. */
static size_t share(const struct engine *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct load all = { 0 };
	uint32_t *set = NULL;
	size_t n;

	for (uint32_t h = 0; h < arrlenu(e->p->handlers); h++)
		if (bundle_takes(e, h)) {
			add_load(e, set, h, &all);
			arrput(set, h);
		}
	arrfree(set);
	n = all.insns / (size_t)(cpus < 1 ? 1 : cpus > BUNDLES_MAX ? BUNDLES_MAX : cpus);
	n += n / SLACK;
	return n < BUNDLE_INSNS_MIN ? BUNDLE_INSNS_MIN : n > BUNDLE_INSNS ? BUNDLE_INSNS : n;
}

/* The handlers as bundles take them: of system calls those first that call routines.  The caller frees it. */
static uint32_t *ordered(const struct engine *e)
{
	uint32_t *order = NULL;

	for (int late = 0; late < 2; late++)
		for (uint32_t h = 0; h < arrlenu(e->p->handlers); h++)
			if (bundle_takes(e, h) &&
			    late == (gen_is_syscall(&e->gens[h]) && !calls_routines(&e->gens[h].em)))
				arrput(order, h);
	return order;
}

/* May handler k go into a bundle that is as large as that then? */
static bool fits(const struct engine *e, uint32_t k, const struct load *l, size_t most)
{
	if (gen_is_syscall(&e->gens[k]) && calls_routines(&e->gens[k].em))
		most += most / 2;
	return l->subprogs <= BUNDLE_SUBPROGS && l->insns <= most;
}

/* The handlers of the bundle that order[at] begins; marks them in `seen`. */
static uint32_t *collect(const struct engine *e, const uint32_t *order, size_t at, const uint32_t *rank, size_t most,
			 bool *seen)
{
	struct load l = { .subprogs = 1 };	/* main */
	uint32_t *set = NULL, h = order[at];

	for (size_t i = at; i < arrlenu(order); i++) {
		uint32_t k = order[i];

		if (seen[k] || !alike(&e->gens[h], &e->gens[k]) || rank[h] != rank[k])
			continue;
		if (gen_is_syscall(&e->gens[k]) && !syscalls_disjoint(e, set, arrlenu(set), k))
			continue;
		add_load(e, set, k, &l);
		if (arrlenu(set) && !fits(e, k, &l, most))
			break;
		seen[k] = true;
		arrput(set, k);
	}
	return set;
}

static void load_all(struct engine *e, struct bundle *bundles)
{
	const struct load_request **rq = NULL;
	int *fds = NULL;

	for (size_t i = 0; i < arrlenu(bundles); i++) {
		bundle_build(&bundles[i]);
		arrput(rq, &bundles[i].rq);
		arrput(fds, bundles[i].fd);
	}
	load_progs(rq, arrlenu(rq), fds);
	for (size_t i = 0; i < arrlenu(bundles); i++) {
		bundles[i].fd = fds[i];
		if (fds[i] >= 0)
			use_program(e, &bundles[i]);
		bundle_fini(&bundles[i]);
	}
	arrfree(rq);
	arrfree(fds);
}

void bundles_load(struct engine *e)
{
	bool *seen = xcalloc(arrlenu(e->p->handlers) + 1, sizeof(*seen));
	uint32_t *rank = syscalls_ranks(e), *order = ordered(e);
	struct bundle *bundles = NULL;
	size_t most = share(e);

	for (size_t i = 0; i < arrlenu(order); i++) {
		struct bundle b = { .e = e };

		if (!seen[order[i]])
			b.handlers = collect(e, order, i, rank, most, seen);
		if (arrlenu(b.handlers) >= (gen_is_syscall(&e->gens[order[i]]) ? 1 : BUNDLE_MIN))
			arrput(bundles, b);
		else
			arrfree(b.handlers);
	}
	load_all(e, bundles);
	arrfree(bundles);
	arrfree(order);
	free(seen);
	free(rank);
}

bool bundle_owns(const struct engine *e, int fd)
{
	for (size_t i = 0; i < arrlenu(e->bundle_fds); i++)
		if (e->bundle_fds[i] == fd)
			return true;
	return false;
}

void bundles_close(struct engine *e)
{
	for (size_t i = 0; i < arrlenu(e->bundle_fds); i++)
		close(e->bundle_fds[i]);
	arrfree(e->bundle_fds);
}
