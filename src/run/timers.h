/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Periodic timers over one timerfd: deadlines lie on an exact grid (start + n * period), so
 * late handling never adds up.  With a random part each interval is
 * period + uniform[-random, +random].
 */
#ifndef RUN_TIMERS_H
#define RUN_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct run_timer {
	int64_t due_ns;			/* CLOCK_MONOTONIC */
	int64_t period_ns, random_ns;
	uint32_t id;			/* the caller's */
	bool once;
};

struct run_timers {
	struct run_timer *heap;		/* stb_ds array, earliest first */
	int fd;				/* timerfd; -1 before the first timer */
	uint64_t seed;
};

int64_t run_clock_ns(void);		/* CLOCK_MONOTONIC */

/* No timers, no descriptor yet. */
void run_timers_init(struct run_timers *t);
/* Adds a timer that fires first at now + period (+ random). */
void run_timers_add(struct run_timers *t, uint32_t id, int64_t now, int64_t period_ns,
		    int64_t random_ns, bool once);
/*
 * The next timer that is due at `now`: its id in *id and when it should have fired in *due; it is
 * moved to its next deadline (or removed, if once).  A timer more than a second behind skips to
 * the present.  False: none due.
 */
bool run_timers_pop(struct run_timers *t, int64_t now, uint32_t *id, int64_t *due);
/* Sets the timerfd to the earliest deadline; 0 or -errno.  t->fd is to be polled. */
int run_timers_arm(struct run_timers *t);
void run_timers_fini(struct run_timers *t);

#endif
