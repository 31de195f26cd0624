/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perf counters that handlers read: the events in MAP_COUNTERS.
 *
 * With a target, each counter counts what the target's first thread does, which alone may read it; that event stands at
 * every processor's place.  Without one, there is an event for each processor, of all that it does.
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

/* 0 or -errno. */
static int open_counter(struct engine *e, const struct prog_point *p, pid_t target)
{
	struct perf_event_attr attr = { .type = p->perf_type, .size = sizeof(attr), .config = p->perf_config };
	int fd = -1, err = 0;

	for (uint32_t cpu = 0; cpu < e->unit.lo.ncpu && !err; cpu++) {
		uint32_t key = (uint32_t)p->offset * e->unit.lo.ncpu_pow2 + cpu;

		if (fd < 0 || !target)
			fd = (int)syscall(SYS_perf_event_open, &attr, target ? target : -1, target ? -1 : (int)cpu, -1,
					  PERF_FLAG_FD_CLOEXEC);
		if (fd < 0 && !target && errno == ENODEV)	/* a processor that is not there */
			continue;
		if (fd < 0 || bpf_map_update_elem(e->map_fds[MAP_COUNTERS], &key, &fd, 0))
			err = -errno;
		if (!target && fd >= 0)	/* the map keeps it */
			close(fd);
	}
	if (target && fd >= 0)
		close(fd);
	return err;
}

int counters_open(struct engine *e)
{
	int64_t target;
	int err;

	if (e->map_fds[MAP_COUNTERS] < 0)
		return 0;
	memcpy(&target, e->vars + VARS_TARGET, sizeof(target));
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++) {
		const struct prog_point *p = &e->p->points[i];

		err = p->kind == POINT_COUNTER ? open_counter(e, p, (pid_t)target) : 0;
		if (err)
			return engine_fail(e, err, "perf counter '%s' of type %u, config %llu: %s", p->name,
					   p->perf_type, (unsigned long long)p->perf_config, err == -ENOENT || err == -EOPNOTSUPP ?
					   "this machine does not count such events" : strerror(-err));
	}
	return 0;
}
