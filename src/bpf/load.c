/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Program BTF and loading: see load.h. */
#include "bpf/load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/kernel_numbers.h"
#include "base/xalloc.h"
#include "bpf/groups.h"
#include "bpf/kernel.h"
#include "bpf/routines.h"
#include "ir/names_table.h"
#include "rt/rt.h"


/* A global function's FUNC with parameters by signature letters. */
static int add_func(struct btf *b, const char *name, const char *sig, int lng, const int *ptr)
{
	int proto = btf__add_func_proto(b, lng);

	for (const char *s = sig; *s; s++) {
		char pname[2] = { (char)('a' + (s - sig)), 0 };

		btf__add_func_param(b, pname, *s == 'i' ? lng : ptr[(unsigned char)*s]);
	}
	return btf__add_func(b, name, BTF_FUNC_GLOBAL, proto);
}

int load_btf(struct prog_btf *pb, uint32_t slot_size, uint32_t coll_size)
{
	struct btf *b = btf__new_empty();
	int ptr[128] = { 0 }, lng, err;

	*pb = (struct prog_btf){ .fd = -1 };
	if (!b)
		return -ENOMEM;
	lng = btf__add_int(b, "long", 8, BTF_INT_SIGNED);
	ptr['m'] = btf__add_ptr(b, btf__add_struct(b, "rt_mem", slot_size));
	ptr['c'] = btf__add_ptr(b, btf__add_struct(b, "coll", coll_size));
	ptr['d'] = btf__add_ptr(b, btf__add_struct(b, "rt_dfa", sizeof(struct rt_dfa)));
	ptr['t'] = btf__add_ptr(b, btf__add_struct(b, "names_table", sizeof(struct names_table)));
	ptr['r'] = btf__add_ptr(b, btf__add_struct(b, "groups_prog", sizeof(struct groups_prog)));
	ptr['g'] = btf__add_ptr(b, btf__add_struct(b, "groups_search", sizeof(struct groups_search)));
	pb->any = btf__add_func(b, "any", BTF_FUNC_STATIC, btf__add_func_proto(b, 0));
	pb->global = add_func(b, "function", "m", lng, ptr);
	pb->numbers = add_func(b, "of_numbers", "ii", lng, ptr);
	pb->routine = xcalloc(ROUTINE_COUNT, sizeof(*pb->routine));
	for (int i = 0; i < ROUTINE_COUNT; i++)
		pb->routine[i] = add_func(b, routine_table[i].name, routine_table[i].sig, lng, ptr);
	err = btf__load_into_kernel(b);
	if (!err)
		pb->fd = fcntl(btf__fd(b), F_DUPFD_CLOEXEC, 0);
	btf__free(b);
	return err ? err : pb->fd < 0 ? -errno : 0;
}

void load_btf_close(struct prog_btf *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(b->routine);
	*b = (struct prog_btf){ .fd = -1 };
}

static enum bpf_prog_type prog_type(enum prog_kind kind)
{
	switch (kind) {
	case PROG_TRACEPOINT: return BPF_PROG_TYPE_TRACEPOINT;
	case PROG_RAW_TP: return BPF_PROG_TYPE_RAW_TRACEPOINT;
	case PROG_TP_BTF: case PROG_FENTRY: case PROG_FEXIT: case PROG_SYSCALL: case PROG_SYSRET:
		return BPF_PROG_TYPE_TRACING;
	case PROG_PERF_EVENT: return BPF_PROG_TYPE_PERF_EVENT;
	case PROG_NETFILTER: return (enum bpf_prog_type)PROG_TYPE_NETFILTER;
	default: return BPF_PROG_TYPE_KPROBE;
	}
}

static bool needs_btf(const struct emit *em)
{
	return arrlen(em->subprogs) > 1;
}

static int attach_to_btf(const struct load_request *rq, struct bpf_prog_load_opts *o)
{
	int id;

	if (rq->kind != PROG_FENTRY && rq->kind != PROG_FEXIT) {
		o->expected_attach_type = BPF_TRACE_RAW_TP;
		id = kernel_tracepoint_id(rq->target ? rq->target : "");
	} else {
		o->expected_attach_type = rq->kind == PROG_FENTRY ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT;
		id = kernel_function_id(rq->target ? rq->target : "");
	}
	if (id < 0)
		return id;
	o->attach_btf_id = (__u32)id;
	return 0;
}

static void resolve_maps(const struct load_request *rq)
{
	for (ptrdiff_t i = 0; i < arrlen(rq->em->maps); i++)
		rq->em->insns[rq->em->maps[i].insn].imm = rq->map_fds[rq->em->maps[i].map];
}

static int func_id(const struct prog_btf *b, int kind)
{
	switch (kind) {
	case FN_KIND_STATIC: return b->any;
	case FN_KIND_GLOBAL: return b->global;
	case FN_KIND_NUMBERS: return b->numbers;
	default: return b->routine[kind - FN_KIND_ROUTINE];
	}
}

int load_prog(const struct load_request *rq)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .attempts = 1);
	struct bpf_func_info *fi = NULL;
	int fd, err = 0;

	resolve_maps(rq);
	for (ptrdiff_t i = 0; rq->btf && i < arrlen(rq->em->subprogs); i++) {
		const struct em_subprog *s = &rq->em->subprogs[i];
		int id = func_id(rq->btf, s->kind);
		struct bpf_func_info one = { .insn_off = s->insn, .type_id = (__u32)id };

		arrput(fi, one);
	}
	if (rq->btf && needs_btf(rq->em)) {
		o.prog_btf_fd = (__u32)rq->btf->fd;
		o.func_info = fi;
		o.func_info_cnt = (__u32)arrlen(fi);
		o.func_info_rec_size = sizeof(*fi);
	}
	if (rq->sleepable)
		o.prog_flags |= BPF_F_SLEEPABLE;
	if (rq->uprobe_multi && (rq->kind == PROG_UPROBE || rq->kind == PROG_URETPROBE))
		o.expected_attach_type = (enum bpf_attach_type)TRACE_UPROBE_MULTI;
	if (rq->kprobe_multi && (rq->kind == PROG_KPROBE || rq->kind == PROG_KRETPROBE))
		o.expected_attach_type = (enum bpf_attach_type)TRACE_KPROBE_MULTI;
	if (rq->kind == PROG_NETFILTER)
		o.expected_attach_type = (enum bpf_attach_type)ATTACH_NETFILTER;
	if (prog_type(rq->kind) == BPF_PROG_TYPE_TRACING)
		err = attach_to_btf(rq, &o);
	if (rq->log) {
		o.log_level = 1;
		o.log_buf = rq->log;
		o.log_size = (__u32)rq->log_size;
	}
	fd = err ? err : bpf_prog_load(prog_type(rq->kind), rq->name, "GPL", rq->em->insns,
				       (size_t)arrlen(rq->em->insns), &o);
	if (fd < 0 && !err)
		fd = -errno;
	arrfree(fi);
	return fd;
}

/* Requests that several threads work off. */
struct work {
	const struct load_request *const *rq;
	int *fds;
	size_t n;
	_Atomic size_t next;
};

static void *work_off(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = w->next++) < w->n)
		if (w->fds[i] >= 0)
			w->fds[i] = load_prog(w->rq[i]);
	return NULL;
}

void load_progs(const struct load_request *const *rq, size_t n, int *fds)
{
	struct work w = { .rq = rq, .fds = fds, .n = n };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t *helpers = NULL, t;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);	/* signals are for the thread that is there already */
	for (size_t i = 1; i < n && (long)i < cpus && !pthread_create(&t, NULL, work_off, &w); i++)
		arrput(helpers, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work_off(&w);
	for (size_t i = 0; i < arrlenu(helpers); i++)
		pthread_join(helpers[i], NULL);
	arrfree(helpers);
}

int load_plain(struct emit *em, enum prog_kind kind, bool sleepable)
{
	struct load_request rq = { .em = em, .kind = kind, .sleepable = sleepable, .name = "probe" };
	struct prog_btf b = { .fd = -1 };
	int fd;

	if (needs_btf(em)) {
		int err = load_btf(&b, 8, 8);

		if (err)
			return err;
		rq.btf = &b;
	}
	fd = load_prog(&rq);
	load_btf_close(&b);
	return fd;
}
