/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perf counters that handlers read: the events in MAP_COUNTERS.
 *
 * With a target, each counter counts what the target's first thread does, which alone may read it; that event stands at
 * every processor's place.  Without one, there is an event for each processor, of all that it does; one that comes
 * online later gets its own then.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "bpf/engine_priv.h"

int counters_create(struct engine *e)
{
	uint32_t n = 0;

	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		if (e->p->points[i].kind == POINT_COUNTER && e->p->points[i].offset >= n)
			n = (uint32_t)e->p->points[i].offset + 1;
	return map_make(e, MAP_COUNTERS, BPF_MAP_TYPE_PERF_EVENT_ARRAY, "counters", 4, 4,
			(n ? n : 1) * e->unit.lo.ncpu_pow2, 0);
}

/* Puts an event at the place of a processor. */
static int put(struct engine *e, const struct prog_point *p, uint32_t cpu, int fd)
{
	uint32_t key = (uint32_t)p->offset * e->unit.lo.ncpu_pow2 + cpu;

	return bpf_map_update_elem(e->map_fds[MAP_COUNTERS], &key, &fd, 0) ? -errno : 0;
}

static int open_event(const struct prog_point *p, pid_t target, int cpu)
{
	struct perf_event_attr attr = { .type = p->perf_type, .size = sizeof(attr), .config = p->perf_config };

	return (int)syscall(SYS_perf_event_open, &attr, target ? target : -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* What a processor counts: 0 or -errno. */
static int open_on(struct engine *e, const struct prog_point *p, uint32_t cpu)
{
	int fd = open_event(p, 0, (int)cpu), err;

	if (fd < 0)
		return errno == ENODEV ? 0 : -errno;	/* not online: see engine_cpu_online() */
	err = put(e, p, cpu, fd);
	close(fd);	/* the map keeps it */
	return err;
}

/* 0 or -errno. */
static int open_counter(struct engine *e, const struct prog_point *p, pid_t target)
{
	int fd = target ? open_event(p, target, -1) : -1, err = 0;

	if (target && fd < 0)
		return -errno;
	for (uint32_t cpu = 0; cpu < e->unit.lo.ncpu && !err; cpu++)
		err = target ? put(e, p, cpu, fd) : open_on(e, p, cpu);
	if (fd >= 0)
		close(fd);
	return err;
}

static int fail(struct engine *e, const struct prog_point *p, int err)
{
	return engine_fail(e, err, "perf counter '%s' of type %u, config %llu: %s", p->name, p->perf_type,
			   (unsigned long long)p->perf_config, err == -ENOENT || err == -EOPNOTSUPP ?
			   "this machine does not count such events" : strerror(-err));
}

static pid_t target_of(const struct engine *e)
{
	int64_t target;

	memcpy(&target, e->vars + VARS_TARGET, sizeof(target));
	return (pid_t)target;
}

int counters_open(struct engine *e)
{
	if (e->map_fds[MAP_COUNTERS] < 0)
		return 0;
	for (size_t i = 0; i < arrlenu(e->p->points); i++) {
		const struct prog_point *p = &e->p->points[i];
		int err = p->kind == POINT_COUNTER ? open_counter(e, p, target_of(e)) : 0;

		if (err)
			return fail(e, p, err);
	}
	return 0;
}

int engine_cpu_online(struct engine *e, uint32_t cpu)
{
	if (e->map_fds[MAP_COUNTERS] < 0 || target_of(e) || cpu >= e->unit.lo.ncpu)
		return 0;
	for (size_t i = 0; i < arrlenu(e->p->points); i++) {
		const struct prog_point *p = &e->p->points[i];
		int err = p->kind == POINT_COUNTER ? open_on(e, p, cpu) : 0;

		if (err)
			return fail(e, p, err);
	}
	return 0;
}
