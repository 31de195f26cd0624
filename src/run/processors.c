/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors that come online while the session runs.  Maps and rings have room for all that are possible from the
 * start; what is missing are the perf events, which are made for one processor each.
 */
#include "run/processors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "run/priv.h"

bool run_processors_wanted(const struct run_session *s)
{
	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		if (p->kind == POINT_PROFILE || p->kind == POINT_PERF || p->kind == POINT_COUNTER ||
		    (p->kind == POINT_WATCH && p->pid <= 0))
			return true;
	}
	return s->sideband;
}

/* Points, counters, and the news of processes. */
static void open_events(struct run_session *s, int cpu)
{
	uint32_t point;
	int err = s->attached ? attach_cpu_online(s->attached, cpu, &point) : 0;

	if (err)
		run_warn(s, "processor %d came online, where probe %s cannot be armed: %s", cpu,
			 s->prog->points[point].str[IR_PP_FULL], strerror(err));
	if (s->attached && engine_cpu_online(s->engine, (uint32_t)cpu))
		run_warn(s, "processor %d came online: %s", cpu, engine_error(s->engine));
	err = s->sideband ? run_sideband_cpu_online(s->sideband, cpu) : 0;
	if (err && err != ENODEV)
		run_warn(s, "processor %d came online, where mappings of processes cannot be followed: %s", cpu,
			 strerror(err));
}

void run_processor_online(struct run_session *s, const char *number)
{
	char *end;
	unsigned long cpu;

	errno = 0;
	cpu = strtoul(number, &end, 10);
	if (end != number && !*end && !errno && cpu <= INT16_MAX)
		open_events(s, (int)cpu);
}
