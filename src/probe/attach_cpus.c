/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that are one for each processor: the profiling clock, counters that overflow, watched memory of the kernel.
 *
 * An event belongs to its processor: there is none for a processor that is offline, and those of one that goes offline
 * do not come back with it.  So what was armed is remembered, and opened anew on a processor that comes online.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ds.h"

static void close_events(struct event_fds fds)
{
	close(fds.link);
	close(fds.event);
}

/* Opens the events of point number `which` on a processor; 0 or a positive errno. */
static int open_on(struct attachment *a, size_t which, int cpu)
{
	struct cpu_point *p = &a->cpu_points[which];
	struct cpu_event e = { .cpu = cpu };
	int err = attach_event_open(&p->attr, -1, cpu, p->prog_fd, p->point, &e.fds);

	if (!err)
		arrput(a->cpu_events, e);
	return err;
}

/* The same on every processor that is online. */
static int each_online(struct attachment *a, size_t which)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	int first, last, err = 0;

	if (!f)
		return errno;
	while (!err && fscanf(f, "%d", &first) == 1) {
		last = first;
		if (fscanf(f, "-%d", &last) != 1)
			last = first;
		for (int cpu = first; cpu <= last && !err; cpu++) {
			err = open_on(a, which, cpu);
			if (err == ENODEV)	/* it has gone offline by now */
				err = 0;
		}
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
	return err;
}

int attach_on_cpus(struct attachment *a, const struct perf_event_attr *attr, int prog_fd, uint32_t point)
{
	struct cpu_point p = { .attr = *attr, .prog_fd = prog_fd, .point = point };
	size_t before = arrlenu(a->cpu_events);
	int err;

	arrput(a->cpu_points, p);
	err = each_online(a, arrlenu(a->cpu_points) - 1);
	if (!err && arrlenu(a->cpu_events) == before)
		err = ENODEV;
	if (!err)
		return 0;
	while (arrlenu(a->cpu_events) > before)
		close_events(arrpop(a->cpu_events).fds);
	(void)arrpop(a->cpu_points);
	return err;
}

/* Closes the events of a processor. */
static void forget(struct attachment *a, int cpu)
{
	for (size_t i = arrlenu(a->cpu_events); i-- > 0;)
		if (a->cpu_events[i].cpu == cpu) {
			close_events(a->cpu_events[i].fds);
			arrdelswap(a->cpu_events, i);
		}
}

int attach_cpu_online(struct attachment *a, int cpu, uint32_t *point)
{
	int first = 0;

	forget(a, cpu);
	for (size_t i = 0; i < arrlenu(a->cpu_points); i++) {
		int err = open_on(a, i, cpu);

		if (!err || err == ENODEV || first)	/* gone again: it will be told of once more */
			continue;
		first = err;
		*point = a->cpu_points[i].point;
	}
	return first;
}

void attach_cpus_release(struct attachment *a)
{
	for (size_t i = 0; i < arrlenu(a->cpu_events); i++) {
		arrput(a->events, a->cpu_events[i].fds.link);
		arrput(a->events, a->cpu_events[i].fds.event);
	}
	arrfree(a->cpu_events);
	arrfree(a->cpu_points);
}
