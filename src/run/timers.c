/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers: a binary heap of deadlines, the earliest of which the timerfd waits for. */
#include "run/timers.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"

#define NSEC		1000000000LL
#define TIMERS_BEHIND	NSEC		/* later than this: skip to the present */
#define TIMERS_MIN_NS	1000		/* no period shorter than this is kept */

int64_t run_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

void run_timers_init(struct run_timers *t)
{
	*t = (struct run_timers){ .fd = -1 };
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uint64_t)run_clock_ns();
	t->seed |= 1;
}

static uint64_t timers_random(struct run_timers *t)
{
	t->seed ^= t->seed << 13;
	t->seed ^= t->seed >> 7;
	t->seed ^= t->seed << 17;
	return t->seed;
}

/* Length of the next interval. */
static int64_t timers_interval(struct run_timers *t, const struct run_timer *e)
{
	int64_t ns = e->period_ns;

	if (e->random_ns > 0)
		ns += (int64_t)(timers_random(t) % (2 * (uint64_t)e->random_ns + 1)) - e->random_ns;
	return ns < TIMERS_MIN_NS ? TIMERS_MIN_NS : ns;
}

static void timers_swap(struct run_timers *t, size_t a, size_t b)
{
	struct run_timer tmp = t->heap[a];

	t->heap[a] = t->heap[b];
	t->heap[b] = tmp;
}

static bool timers_before(const struct run_timer *a, const struct run_timer *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->id < b->id;
}

static void timers_sift_down(struct run_timers *t, size_t i)
{
	size_t n = arrlenu(t->heap);

	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (timers_before(&t->heap[c], &t->heap[least]))
				least = c;
		if (least == i)
			return;
		timers_swap(t, i, least);
		i = least;
	}
}

void run_timers_add(struct run_timers *t, uint32_t id, int64_t now, int64_t period_ns,
		    int64_t random_ns, bool once)
{
	struct run_timer e = { .period_ns = period_ns, .random_ns = random_ns, .id = id,
			       .once = once };
	size_t i = arrlenu(t->heap);

	e.due_ns = now + timers_interval(t, &e);
	arrput(t->heap, e);
	while (i > 0 && timers_before(&t->heap[i], &t->heap[(i - 1) / 2])) {
		timers_swap(t, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

bool run_timers_pop(struct run_timers *t, int64_t now, uint32_t *id, int64_t *due)
{
	struct run_timer *e = t->heap;

	if (!arrlenu(t->heap) || e->due_ns > now)
		return false;
	*id = e->id;
	*due = e->due_ns;
	if (e->once) {
		*e = arrlast(t->heap);
		arrsetlen(t->heap, arrlenu(t->heap) - 1);
	} else {
		e->due_ns += timers_interval(t, e);
		if (now - e->due_ns > TIMERS_BEHIND) {
			int64_t missed = (now - e->due_ns) / (e->period_ns > 0 ? e->period_ns : 1);

			e->due_ns += missed * e->period_ns;
		}
	}
	if (arrlenu(t->heap))
		timers_sift_down(t, 0);
	return true;
}

int run_timers_arm(struct run_timers *t)
{
	struct itimerspec its = { 0 };

	if (!arrlenu(t->heap))
		return 0;
	if (t->fd < 0) {
		t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (t->fd < 0)
			return -errno;
	}
	its.it_value.tv_sec = t->heap[0].due_ns / NSEC;
	its.it_value.tv_nsec = t->heap[0].due_ns % NSEC;
	return timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &its, NULL) ? -errno : 0;
}

void run_timers_fini(struct run_timers *t)
{
	arrfree(t->heap);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
