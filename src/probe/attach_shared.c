/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many functions of the kernel by few events, where there are no kprobe multi-links (Linux before 5.18, Debian's 6.1):
 * which handlers are armed so, and what came of it.
 *
 * A perf event of its own for each kprobe takes long to let go of: the kernel waits for grace periods with a lock held,
 * three times an event.  And each kprobe at a function's first instruction, which belongs to ftrace, makes the kernel
 * go through all that ftrace knows when it is armed and again when it is disarmed.
 *
 * tracefs lets an event have many places.  So the places of a handler become a few events, each armed by one perf event
 * with one link.  Such places have one cookie in common; handlers find their point by its address
 * (engine_options.by_address).
 *
 * The same is done, on every kernel, for returns of few functions: only these events can be told for how many calls
 * at a time they are to have room (.maxactive), and say on every kernel how many went by.
 *
 * Thousands of places take the kernel minutes, during which it heeds no signal: not in the midst of an event, nor while
 * it waits for locks that its optimiser of kprobes holds.  So a process in the background, the armer (attach_armer.c),
 * defines and arms the events; here it is started and listened to.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/traverse.h"
#include "probe/ksyms.h"

#define FOLLOW_MS	100	/* how soon a stopped owner notices, at the latest */

/* NULL: the kernel proper */
static const char *module_of(const struct prog_point *pt)
{
	return strcmp(pt->str[IR_PP_MODULE], "kernel") ? pt->str[IR_PP_MODULE] : NULL;
}

static bool is_shareable(const struct program *p, const struct prog_point *pt)
{
	enum prog_kind kind = p->handlers[pt->handler].kind;

	if (pt->kind != POINT_KFUNC || !pt->name || !pt->str[IR_PP_MODULE])
		return false;
	return kind == PROG_KRETPROBE || (kind == PROG_KPROBE && !module_of(pt));
}

/* A return of a function that can be found. */
static bool is_return(const struct program *p, const struct prog_point *pt)
{
	const struct ksym *sym;
	size_t count;

	if (p->handlers[pt->handler].kind != PROG_KRETPROBE || !is_shareable(p, pt))
		return false;
	sym = pt->address ? NULL : ksyms_find(module_of(pt), pt->name, &count);
	return pt->address || (sym && count == 1 && sym->addr);
}

bool *attach_shared_handlers(const struct program *p)
{
	size_t nh = arrlenu(p->handlers), shared = 0, *good, *all, *returns;
	bool *list, many = !attach_has_kprobe_multi();

	if (!attach_has_kprobe_events())
		return NULL;
	good = xcalloc(nh + 1, sizeof(*good));
	all = xcalloc(nh + 1, sizeof(*all));
	returns = xcalloc(nh + 1, sizeof(*returns));
	list = xcalloc(nh + 1, sizeof(*list));
	for (size_t i = 0; i < arrlenu(p->points); i++) {
		all[p->points[i].handler]++;
		good[p->points[i].handler] += is_shareable(p, &p->points[i]);
		returns[p->points[i].handler] += is_return(p, &p->points[i]);
	}
	for (size_t h = 0; h < nh; h++) {
		list[h] = all[h] && good[h] == all[h] && (all[h] >= SHARE_MANY ? many : returns[h] == all[h]);
		shared += list[h];
	}
	free(returns);
	free(good);
	free(all);
	if (!shared) {
		free(list);
		return NULL;
	}
	return list;
}

void attach_place_shared(struct program *p, const bool *shared)
{
	if (!attach_has_kprobe_multi())
		ksyms_expect_many();
	for (size_t i = 0; shared && i < arrlenu(p->points); i++) {
		struct prog_point *pt = &p->points[i];
		const struct ksym *sym;
		size_t count;

		if (!shared[pt->handler] || pt->address)
			continue;
		sym = ksyms_find(module_of(pt), pt->name, &count);
		pt->address = sym ? sym->addr : 0;
	}
}

/* ---- following the armer ---- */

static bool is_stopped(const struct attach_request *rq)
{
	return rq->stopped && rq->stopped();
}

/* One thing that it tells; false: it is dead. */
static bool hear(int fd, struct attach_error *told)
{
	ssize_t n;

	do
		n = read(fd, told, sizeof(*told));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*told);
}

/* Hears what came of it, until all is armed or the owner is stopped. */
static void follow(struct attachment *a, const struct attach_request *rq, uint32_t first)
{
	struct pollfd p = { .fd = a->sharing.done, .events = POLLIN };

	while (!is_stopped(rq)) {
		struct attach_error told;

		if (poll(&p, 1, FOLLOW_MS) <= 0)
			continue;
		if (!hear(p.fd, &told)) {
			attach_fail(a, first, ECHILD, "the process that arms kprobes was killed");
			return;
		}
		if (told.err == ARMER_END) {
			a->armed += told.point;
			a->shared_armed = true;
			return;
		}
		if (told.err == ARMER_ALONE)
			attach_kernel_function(a, rq, told.point);
		else
			arrput(a->errors, told);
	}
}

static bool looks_at_stack(const struct program *p, uint32_t handler)
{
	bool reached[IR_OP_COUNT] = { false };

	ir_ops_reached(p->ir, p->handlers[handler].body->body, reached);
	return reached[IR_KSTACK_ADDR] || reached[IR_KBACKTRACE] || reached[IR_PRINT_KBT];
}

/* The points by their programs; stb_ds array. */
static struct share *make_shares(const struct attach_request *rq, const uint32_t *points, size_t n)
{
	struct share *shares = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t handler = rq->program->points[points[i]].handler;
		int fd = attach_program(rq, points[i]);
		size_t j = arrlenu(shares);

		while (j > 0 && shares[j - 1].prog_fd != fd)
			j--;
		if (!j) {
			struct share s = { .prog_fd = fd, .number = (unsigned)arrlenu(shares),
					   .is_return = rq->program->handlers[handler].kind == PROG_KRETPROBE,
					   .at_entry = looks_at_stack(rq->program, handler) };

			arrput(shares, s);
			j = arrlenu(shares);
		}
		arrput(shares[j - 1].points, points[i]);
	}
	return shares;
}

void attach_kprobes_shared(struct attachment *a, const struct attach_request *rq, const uint32_t *points, size_t n)
{
	struct share *shares = make_shares(rq, points, n);
	char prefix[ATTACH_PREFIX_SIZE];
	int *programs = NULL;
	struct timespec now;
	pid_t pid = -1;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(prefix, sizeof(prefix), "k%d_%" PRIx64 "_", (int)getpid(),
		 (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	for (size_t i = 0; i < arrlenu(shares); i++)
		arrput(programs, shares[i].prog_fd);
	if (n && !is_stopped(rq))
		pid = attach_aside_start(programs, arrlenu(programs), &a->sharing);
	if (!pid)
		attach_armer_run(rq, shares, prefix, a->sharing);
	if (pid > 0) {
		memcpy(a->prefix, prefix, sizeof(a->prefix));
		follow(a, rq, points[0]);
	}
	for (size_t i = 0; pid < 0 && i < n && !is_stopped(rq); i++)
		attach_kernel_function(a, rq, points[i]);
	for (size_t i = 0; i < arrlenu(shares); i++)
		arrfree(shares[i].points);
	arrfree(shares);
	arrfree(programs);
}

void attach_shared_release(const struct attachment *a)
{
	if (a->prefix[0])
		attach_aside_finish(&a->sharing);
}
