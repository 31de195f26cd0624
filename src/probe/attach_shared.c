/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many functions of the kernel by few events, where there are no kprobe multi-links (Linux before 5.18, Debian's 6.1).
 *
 * A perf event of its own for each kprobe takes long to let go of: the kernel waits for grace periods with a lock held,
 * three times an event.  And each kprobe at a function's first instruction, which belongs to ftrace, makes the kernel
 * go through all that ftrace knows when it is armed and again when it is disarmed.
 *
 * tracefs lets an event have many places.  So the places of a handler become a few events, each armed by one perf event
 * with one link.  And they lie behind the instruction of ftrace where they can (ktext.h), so that arming one is
 * writing a byte.  Such places have one cookie in common; handlers find their point by its address
 * (engine_options.by_address).
 *
 * The same is done, on every kernel, for returns of few functions: only these events can be told for how many calls
 * at a time they are to have room (.maxactive), and say on every kernel how many went by.
 *
 * Thousands of places take the kernel minutes, during which it heeds no signal: not in the midst of an event, nor while
 * it waits for locks that its optimiser of kprobes holds.  So a process in the background (attach_aside.c) defines and
 * arms the events.  It tells its owner what came of it, keeps the events, and lets go of them when the owner does or
 * ends in whatever way.
 *
 * Unlike perf events, definitions stay when that process is killed.  Each holds a lock on the file of definitions; who
 * comes when there is no other removes what was left.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/without.h"
#include "base/xalloc.h"
#include "ir/traverse.h"
#include "probe/ksyms.h"
#include "probe/ktext.h"
#include "probe/tracefs.h"

#define SYSTEM		"bpftap"
#define MIN_POINTS	8	/* of a handler: fewer are better armed alone */
#define MAX_ACTIVE	4096	/* the kernel takes no more */
#define FOLLOW_MS	100	/* how soon a stopped owner notices, at the latest */
#define EVENT_PLACES	512	/* defining one takes time by the number of those that the event has */

static int open_events(int flags)
{
	char path[PATH_MAX];

	if (!tracefs_path())
		return -1;
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs_path());
	return open(path, flags | O_CLOEXEC);
}

static bool can_share(void)
{
	static int known = -1;
	int fd;

	if (known >= 0)
		return known;
	known = 0;
	if (without("kprobe_events") || !attach_has_kprobes())
		return false;
	fd = open_events(O_WRONLY | O_APPEND);
	known = fd >= 0;
	if (fd >= 0)
		close(fd);
	return known;
}

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

	if (!can_share())
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
		list[h] = all[h] && good[h] == all[h] && (all[h] >= MIN_POINTS ? many : returns[h] == all[h]);
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

/* ---- definitions ---- */

/* Removes what sessions left that were killed. */
static void remove_left(int fd)
{
	int list = open_events(O_RDONLY);
	FILE *f = list >= 0 ? fdopen(list, "r") : NULL;
	struct { char *key; bool value; } *names = NULL;	/* shmap */
	char line[512];

	sh_new_strdup(names);
	while (f && fgets(line, sizeof(line), f)) {
		char *name = strstr(line, ":" SYSTEM "/"), *end = name ? strchr(name, ' ') : NULL;

		if (!end)
			continue;
		*end = '\0';
		shput(names, name, true);
	}
	if (f)
		fclose(f);
	for (size_t i = 0; i < shlenu(names); i++) {
		int n = snprintf(line, sizeof(line), "-%s", names[i].key);

		if (write(fd, line, (size_t)n) != n)	/* in use, then: it stays */
			continue;
	}
	shfree(names);
}

/* The file of definitions, locked; 0: cannot be had. */
static int begin_definitions(void)
{
	int fd = open_events(O_WRONLY | O_APPEND);

	if (fd < 0)
		return 0;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		remove_left(fd);
	flock(fd, LOCK_SH);
	return fd;
}

/* Points that share a program. */
struct share {
	int prog_fd;
	bool is_return;
	bool at_entry;		/* the kernel's stack is looked at, which its unwinder finds from the entry only */
	uint32_t *points;	/* stb_ds array */
	unsigned number;
};

/* What the process in the background has. */
struct armer {
	struct attachment *a;		/* its own: the events, errors, and how many are armed */
	const struct attach_request *rq;
	struct attach_aside owner;	/* where it hears of its owner's end, and tells what came of it */
	int definitions;		/* the locked file */
	char **removals;		/* stb_ds array: what removes the events, allocated */
};

/* What it tells: an error of a point, or one of these with a number instead. */
enum { TOLD_ALONE = -1, TOLD_END = -2 };	/* the point must be armed by itself; so many points are armed */

/* How many calls can wait for their returns: as many as SystemTap lets, if not said; many functions take less each. */
static int room_for(const struct program *p, const struct share *s, const struct prog_point *pt)
{
	int n = 6 * (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (pt->maxactive > 0)
		return pt->maxactive < MAX_ACTIVE ? pt->maxactive : MAX_ACTIVE;
	if (p->limits.kretactive)
		return (int)p->limits.kretactive;
	if (arrlenu(s->points) >= MIN_POINTS)
		n /= 3;
	return n > 15 ? n : 15;
}

static char letter_of(const struct share *s)
{
	return s->is_return ? 'r' : 'p';
}

/* One place of an event; 0 or a positive errno. */
static int define_at(const struct armer *m, const struct share *s, size_t event, uint32_t point, unsigned offset)
{
	const struct prog_point *pt = &m->rq->program->points[point];
	char line[256], active[16] = "";
	int n;

	if (s->is_return)
		snprintf(active, sizeof(active), "%d", room_for(m->rq->program, s, pt));
	/* the argument makes it another than the rest: the kernel refuses two places that look the same */
	n = snprintf(line, sizeof(line), "%c%s:" SYSTEM "/%s%c%u_%zu 0x%" PRIx64 " n=\\%u:u32\n",
		     letter_of(s), active, m->a->prefix, letter_of(s), s->number, event, pt->address + offset, point);
	return write(m->definitions, line, (size_t)n) == n ? 0 : errno;
}

static bool define(const struct armer *m, const struct share *s, size_t event, uint32_t point)
{
	const struct prog_point *pt = &m->rq->program->points[point];
	unsigned offset = s->is_return || s->at_entry || !pt->address ? 0 : ktext_entry(pt->name, pt->address);
	int err = pt->address ? define_at(m, s, event, point, offset) : ENOENT;

	if (err && offset)
		err = define_at(m, s, event, point, 0);
	if (err)
		attach_fail(m->a, point, err, "kprobe of %s: %s", pt->name, attach_function_problem(pt->name, err));
	return !err;
}

/* ---- arming ---- */

static bool owner_stopped(const struct armer *m)
{
	struct pollfd p = { .fd = m->owner.go };

	return poll(&p, 1, 0) > 0;
}

static void tell(const struct armer *m, const struct attach_error *e)
{
	if (write(m->owner.done, e, sizeof(*e)) < 0)	/* nobody listens any more */
		return;
}

static void tell_number(const struct armer *m, int what, size_t number)
{
	tell(m, &(struct attach_error){ .err = what, .point = (uint32_t)number });
}

/* The event with the places of these points. */
static void arm(struct armer *m, const struct share *s, size_t event, const uint32_t *points)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1,
					.sample_type = PERF_SAMPLE_RAW, .wakeup_events = 1 };
	char path[PATH_MAX];
	unsigned id;

	if (!arrlenu(points))
		return;
	arrput(m->removals, xasprintf("-:" SYSTEM "/%s%c%u_%zu\n", m->a->prefix, letter_of(s), s->number, event));
	snprintf(path, sizeof(path), "%s/events/" SYSTEM "/%s%c%u_%zu/id", tracefs_path(), m->a->prefix,
		 letter_of(s), s->number, event);
	if (owner_stopped(m))
		return;
	if (attach_read_number(path, "%u", &id)) {
		attr.config = id;
		if (!attach_event(m->a, &attr, -1, 0, s->prog_fd, points[0])) {
			m->a->armed += arrlenu(points);
			return;
		}
	}
	for (size_t i = 0; i < arrlenu(points); i++)	/* one of them cannot be armed */
		tell_number(m, TOLD_ALONE, points[i]);
}

/*
 * Places are dealt out to the events in turn: the kernel looks for an event's first place from the first of all, and
 * then goes through those of the event.
 */
static void share_attach(struct armer *m, const struct share *s)
{
	size_t n = arrlenu(s->points), events = (n + EVENT_PLACES - 1) / EVENT_PLACES;
	uint32_t **defined = xcalloc(events, sizeof(*defined));

	for (size_t i = 0; i < n && !owner_stopped(m); i++)
		if (define(m, s, i % events, s->points[i]))
			arrput(defined[i % events], s->points[i]);
	for (size_t i = 0; i < events; i++) {
		arm(m, s, i, defined[i]);
		arrfree(defined[i]);
	}
	free(defined);
}

/* The process in the background. */
static void __attribute__((noreturn)) run_armer(struct armer *m, const struct share *shares)
{
	m->definitions = begin_definitions();
	for (size_t i = 0; i < arrlenu(shares); i++) {
		if (m->definitions)
			share_attach(m, &shares[i]);
		for (size_t j = 0; !m->definitions && j < arrlenu(shares[i].points); j++)
			tell_number(m, TOLD_ALONE, shares[i].points[j]);
	}
	for (size_t i = 0; i < arrlenu(m->a->errors); i++)
		tell(m, &m->a->errors[i]);
	tell_number(m, TOLD_END, m->a->armed);
	attach_aside_end(m->owner.go, m->a->events, m->definitions, m->removals);
}

/* ---- the owner ---- */

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
		if (told.err == TOLD_END) {
			a->armed += told.point;
			a->shared_armed = true;
			return;
		}
		if (told.err == TOLD_ALONE)
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
	struct attachment own = { .armed = 0 };
	int *programs = NULL;
	struct timespec now;
	pid_t pid = -1;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(own.prefix, sizeof(own.prefix), "k%d_%" PRIx64 "_", (int)getpid(),
		 (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	for (size_t i = 0; i < arrlenu(shares); i++)
		arrput(programs, shares[i].prog_fd);
	if (n && !is_stopped(rq))
		pid = attach_aside_start(programs, arrlenu(programs), &a->sharing);
	if (!pid)
		run_armer(&(struct armer){ .a = &own, .rq = rq, .owner = a->sharing }, shares);
	if (pid > 0) {
		memcpy(a->prefix, own.prefix, sizeof(a->prefix));
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
