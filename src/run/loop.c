/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop.  Records are handed out in order of time, so always up to a little
 * before now: a handler that began earlier on another CPU may not have delivered yet.
 */
#include "run/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include "base/ds.h"
#include "run/background.h"
#include "run/priv.h"
#include "run/replaced.h"
#include "run/stop.h"
#include "run/uevents.h"

#define LOOP_MS		1000000LL
#define LOOP_DRAIN_NS	(40 * LOOP_MS)	/* rings are looked at so often in any case */
#define LOOP_LAG_NS	(4 * LOOP_MS)	/* how long a handler may take to deliver */
#define LOOP_PRUNE_NS	(5000 * LOOP_MS)
#define LOOP_SKIPS_NS	(200 * LOOP_MS)
#define LOOP_TIMEOUT_ID	UINT32_MAX	/* the timer of -T */

/* What is waited for, in this order; the files' and the recorder's come behind. */
enum { LOOP_STOP, LOOP_TIMERS, LOOP_ENGINE, LOOP_UEVENTS, LOOP_REPLACED, LOOP_FDS };

struct loop {
	int64_t drain_at, prune_at, skips_at;
	bool held;		/* the engine wants a drain, which the lag delays */
};

void run_loop_timers(struct run_session *s)
{
	int64_t now = run_clock_ns();

	for (uint32_t i = 0; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		if (p->kind == POINT_TIMER)
			run_timers_add(&s->timers, i, now, p->period_ns, p->random_ns, false);
	}
	if (s->opt.timeout_ns)
		run_timers_add(&s->timers, LOOP_TIMEOUT_ID, now, (int64_t)s->opt.timeout_ns, 0, true);
}

void run_loop_check_output(struct run_session *s)
{
	int rc = run_sink_flush(s->sink);

	if (!rc || s->output_failed)
		return;
	s->output_failed = true;
	run_error(s, "Couldn't write to %s: %s", run_sink_name(s->sink), strerror(-rc));
	run_exit_request(s);
}

static void loop_signals(struct run_session *s)
{
	run_stop_clear(s->stop_fd);
	if (run_stop_signal)
		run_exit_request(s);
	if (run_stop_switch) {
		run_stop_switch = 0;
		run_sink_switch(s->sink);
	}
	if (s->child.pid && run_child_poll(&s->child))
		run_exit_request(s);
	/* Commands of system() that ended; the child of -c is collected above. */
	if (!s->child.pid || s->child.exited)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
}

static void loop_timers(struct run_session *s)
{
	int64_t now = run_clock_ns(), due;
	uint32_t id;

	while (s->state == RUN_RUNNING && !run_stop_signal &&
	       run_timers_pop(&s->timers, now, &id, &due)) {
		if (id == LOOP_TIMEOUT_ID)
			run_exit_request(s);
		else
			run_user_point(s, id);
	}
}

/* Whatever is due at regular intervals. */
static void loop_periodic(struct run_session *s, struct loop *l, int64_t now)
{
	if (now >= l->drain_at) {
		run_drain(s, (uint64_t)(now - LOOP_LAG_NS));
		l->drain_at = now + LOOP_DRAIN_NS;
		l->held = false;
	}
	if (now >= l->skips_at) {
		run_check_skipped(s);
		l->skips_at = now + LOOP_SKIPS_NS;
	}
	if (s->sideband && now >= l->prune_at) {
		run_procs_prune(s->procs, (uint64_t)(now - LOOP_PRUNE_NS));
		l->prune_at = now + LOOP_PRUNE_NS;
	}
}

/* Milliseconds to the next periodic work, -1: none. */
static int loop_timeout(const struct run_session *s, const struct loop *l)
{
	int64_t left;

	if (!s->engine)
		return -1;
	left = l->drain_at - run_clock_ns();
	return left <= 0 ? 0 : (int)((left + LOOP_MS - 1) / LOOP_MS);
}

/* Waits for something to do; false: it cannot be waited for. */
static bool loop_wait(struct run_session *s, const struct loop *l, struct pollfd *p)
{
	nfds_t nfds = LOOP_FDS;
	int rc = run_timers_arm(&s->timers);

	p[LOOP_STOP] = (struct pollfd){ .fd = s->stop_fd, .events = POLLIN };
	p[LOOP_TIMERS] = (struct pollfd){ .fd = s->timers.fd, .events = POLLIN };
	p[LOOP_ENGINE] = (struct pollfd){ .fd = s->engine && !l->held ? engine_poll_fd(s->engine) : -1,
					  .events = POLLIN };
	p[LOOP_UEVENTS] = (struct pollfd){ .fd = s->uevents_fd, .events = POLLIN };
	p[LOOP_REPLACED] = (struct pollfd){ .fd = run_replaced_fd(s->replaced), .events = POLLIN };
	if (s->files) {
		run_files_poll(s, p + nfds);
		nfds += RUN_FILES_FDS;
	}
	if (s->recorder) {
		run_recorder_poll(s->recorder, p + nfds);
		nfds += RUN_RECORDER_FDS;
	}
	if (!rc && (poll(p, nfds, loop_timeout(s, l)) >= 0 || errno == EINTR))
		return true;
	run_error(s, "waiting for events failed: %s", strerror(rc ? -rc : errno));
	return false;
}

void run_loop(struct run_session *s)
{
	struct loop l = { .drain_at = run_clock_ns() + LOOP_DRAIN_NS };

	while (s->state == RUN_RUNNING) {
		struct pollfd p[LOOP_FDS + RUN_FILES_FDS + RUN_RECORDER_FDS] = { { 0 } };

		if (!loop_wait(s, &l, p)) {
			s->state = RUN_ERROR;
			break;
		}
		if (p[LOOP_STOP].revents)
			loop_signals(s);
		if (s->recorder && run_recorder_serve(s->recorder))
			run_exit_request(s);
		if (s->files)
			run_files_serve(s, p + LOOP_FDS);
		if (p[LOOP_UEVENTS].revents)
			run_uevents_read(s, s->uevents_fd);
		if (p[LOOP_REPLACED].revents)
			run_replaced_read(s, s->replaced);
		loop_timers(s);
		if (s->engine && p[LOOP_ENGINE].revents) {
			/* Now, and again for what the lag leaves behind. */
			int64_t now = run_clock_ns();

			run_drain(s, (uint64_t)(now - LOOP_LAG_NS));
			l.drain_at = now + LOOP_LAG_NS + LOOP_MS;
			l.held = true;
		}
		if (s->engine)
			loop_periodic(s, &l, run_clock_ns());
		run_loop_check_output(s);
	}
}
