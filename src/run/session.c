/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session: phases, and the order of things as SystemTap has it.
 *
 *   begin probes, one after the other by priority, before anything else fires;
 *   then kernel points are armed, timers started, the -c command let go;
 *   exit(), an end signal, the command's exit or -T stop the session: everything is disarmed, what the
 *   kernel still holds is handed out, then the end probes run - or, after errors, the error probes.
 */
#include "run/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "base/xalloc.h"
#include "dbg/kernelfile.h"
#include "interp/memstore.h"
#include "interp/plainstore.h"
#include "run/background.h"
#include "run/builds.h"
#include "run/loop.h"
#include "run/priv.h"
#include "run/replaced.h"
#include "run/rights.h"
#include "run/stop.h"
#include "run/uevents.h"
#include "run/stackwalk.h"

#define SESSION_NICE	-10
#define RECORD_BYTES	(16u << 20)	/* of a session's output that -F keeps in memory */
#define SESSION_SLOW_ARMING 1000	/* points of links of their own: a millisecond or more each */

struct run_session *run_session_create(struct program *p, const struct run_options *o,
				       struct diag_sink *diag)
{
	struct run_session *s = xcalloc(1, sizeof(*s));

	s->prog = p;
	s->opt = *o;
	if (!s->opt.max_frames || s->opt.max_frames > RUN_WALK_MAX)
		s->opt.max_frames = RUN_WALK_MAX;
	s->diag = diag;
	s->stop_fd = s->uevents_fd = -1;
	s->child = (struct run_child){ .gate = -1, .failure = -1 };
	s->timing = xcalloc(arrlenu(p->points) + 1, sizeof(*s->timing));
	run_timers_init(&s->timers);
	return s;
}

/* A base that was looked up (prog_place.base, prog_point.base): one behind the other they are mostly the same. */
struct known_base {
	const char *base;	/* NULL: none yet */
	uint64_t at;
};

/* Makes it the one that is known; false and *e: the kernel does not have it. */
static bool find_base(struct known_base *known, const char *base, struct dbg_error *e)
{
	if (known->base && !strcmp(known->base, base))
		return true;
	known->base = NULL;
	if (!dbg_kernel_base(base, &known->at, e))
		return false;
	known->base = base;
	return true;
}

/* Where the kernel has what handlers read of its memory; -1 and *e: it has not all of it. */
static int find_places(struct run_session *s, struct dbg_error *e)
{
	struct known_base known = { .base = NULL };

	for (size_t i = 0; i < arrlenu(s->prog->places); i++) {
		struct prog_place *p = &s->prog->places[i];

		if (p->found)
			continue;
		if (!find_base(&known, p->base, e))
			return -1;
		p->address = known.at + p->offset;
		p->found = true;
	}
	return 0;
}

int run_session_build(struct run_session *s)
{
	struct engine_options eo = { .show_log = s->opt.verbose > 0 };
	struct dbg_error e;
	int rc;

	if (!run_builds_check(s)) {
		run_error(s, "no probe point is left");
		return -ENOENT;
	}
	find_places(s, &e);	/* the code has the addresses; it may also only be looked at, for another kernel */

	if (!run_needs_kernel(s->prog))
		return 0;
	eo.uprobe_multi = attach_has_uprobe_multi();
	eo.kprobe_multi = attach_has_kprobe_multi();
	s->shared = attach_shared_handlers(s->prog);
	eo.by_address = s->shared;
	s->alone = attach_alone_handlers(s->prog);
	eo.no_multi = s->alone;
	eo.max_frames = s->opt.max_frames;
	eo.unwind_rows = run_feed_collect(s);
	s->engine = engine_create(s->prog, &eo);
	rc = engine_prepare(s->engine);
	if (rc)
		run_error(s, "%s", engine_error(s->engine));
	return rc;
}

void run_session_list(const struct run_session *s, FILE *out)
{
	if (s->engine)
		engine_list(s->engine, out);
}

size_t run_session_code(const struct run_session *s, size_t *instructions)
{
	size_t handlers = 0;

	*instructions = 0;
	for (uint32_t i = 0; s->engine && i < arrlenu(s->prog->handlers); i++) {
		if (s->prog->handlers[i].kind == PROG_USER)
			continue;
		handlers++;
		*instructions += engine_insn_count(s->engine, i);
	}
	return handlers;
}

void run_session_detach(struct run_session *s, int ready, const char *record)
{
	s->ready_fd = ready;
	s->record = record;
}

static int session_open_output(struct run_session *s)
{
	int rc = 0;

	if (s->record) {
		s->sink = run_sink_open_ring(s->prog->limits.buffer_bytes ? s->prog->limits.buffer_bytes
									   : RECORD_BYTES);
		s->recorder = run_recorder_open(s->record, s->sink);
		if (!s->recorder) {
			rc = -errno;
			run_error(s, "Couldn't make %s/%s: %s", RUN_RECORDER_DIR, s->record,
				  rc == -EADDRINUSE ? "a session of this name runs already" : strerror(-rc));
		}
		return rc;
	}
	s->sink = run_sink_open(s->opt.output, s->opt.rotate_bytes, s->opt.rotate_count);
	if (!s->sink) {
		rc = -errno;
		run_error(s, "Couldn't open output file %s: %s", s->opt.output, strerror(-rc));
	}
	return rc;
}

int run_session_prepare(struct run_session *s)
{
	char msg[256];
	int rc;

	/* Scripts know the process that runs them by SystemTap's name, and leave it out by that. */
	prctl(PR_SET_NAME, "stapio");
	s->wants_symbols = run_wants_symbols(s->prog);
	if (run_needs_kernel(s->prog) && !run_rights_check(msg, sizeof(msg))) {
		run_error(s, "%s", msg);
		return -EPERM;
	}
	rc = run_stop_install();
	if (rc < 0) {
		run_error(s, "cannot set up signal handling: %s", strerror(-rc));
		return rc;
	}
	s->stop_fd = rc;
	rc = session_open_output(s);
	if (rc)
		return rc;
	s->prog->target = s->opt.target;
	if (s->opt.target && kill(s->opt.target, 0) && errno == ESRCH) {
		run_error(s, "Target process %d does not exist", (int)s->opt.target);
		return -ESRCH;
	}
	if (s->opt.command) {
		rc = run_child_start(&s->child, s->opt.command);
		if (rc) {
			run_error(s, "Couldn't start the command: %s", strerror(-rc));
			return rc;
		}
		s->prog->target = s->child.pid;
	}
	return 0;
}

/* Address spaces must be known from before the first hit, so that nothing is missed in between. */
static void session_start_symbols(struct run_session *s)
{
	run_symbols_start(s);
	if (engine_wants_bias(s->engine))
		run_bias_watch(s);
	run_feed_watch(s);
	s->sideband = run_sideband_open();
	if (!s->sideband)
		run_warn(s, "mappings of processes cannot be followed (%s); symbols of processes which ended "
			    "may be unknown", strerror(errno));
	run_procs_read_all(s->procs);
}

static int session_load_engine(struct run_session *s)
{
	int rc = engine_load(s->engine);

	if (rc) {
		run_error(s, "%s%s", engine_error(s->engine), run_rights_advice(-rc));
		return rc;
	}
	/* The rings must be read also when the traced programs keep every processor busy. */
	s->nice = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, s->nice < SESSION_NICE ? s->nice : SESSION_NICE);
	s->store = engine_store(s->engine);
	if (s->prog->target)
		engine_target_set(s->engine, s->prog->target);
	if (s->opt.target)
		run_existing_targets(s);
	run_feed_load(s);
	if (s->wants_symbols)
		session_start_symbols(s);
	if ((s->prog->target || s->wants_symbols) && procfs_has_own_ids())
		run_warn(s, "stap runs in a pid namespace of its own, but events carry the kernel's process ids: -c, -x and "
			    "target() will not match, and addresses of programs stay without names; start it in the namespace "
			    "of the host");
	return 0;
}

/* Finds where the kernel's code is now, and makes sure that what handlers read of its memory was found. */
static int place_kernel(struct run_session *s)
{
	struct known_base known = { .base = NULL };
	struct dbg_error e;

	if (find_places(s, &e)) {
		run_error(s, "cannot read the kernel's memory: %s", e.msg);
		return -1;
	}
	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		struct prog_point *p = &s->prog->points[i];

		if (!p->base || p->address)
			continue;
		if (!find_base(&known, p->base, &e)) {
			run_error(s, "cannot probe '%s': %s", p->name ? p->name : p->base, e.msg);
			return -1;
		}
		p->address = known.at + p->offset;
	}
	if (s->shared)
		attach_place_shared(s->prog, s->shared);
	return 0;
}

int run_session_load(struct run_session *s)
{
	int rc = place_kernel(s) ? -ENOENT : s->engine ? session_load_engine(s) : 0;

	if (rc)
		return rc;
	if (!s->engine) {
		s->store = memstore_create(s->prog->ir);
		s->own_store = true;
	}
	run_user_env(s, &s->env);
	if (s->engine && plainstore_wanted(s->prog->ir))
		s->view = plainstore_create(s->store, &s->env.defer);
	s->interp = interp_create(s->prog, s->view ? s->view : s->store, &s->env);
	return 0;
}

static bool session_is_stopped(void)
{
	return run_stop_signal != 0;
}

/* Says which points could not be armed; none: no other was, so that the session fails. */
static void report_unarmed(struct run_session *s, const struct attach_error *errors, size_t n, bool none)
{
	size_t alike = 0;

	for (size_t i = 0; i < n; i++) {
		const struct prog_point *p = &s->prog->points[errors[i].point];
		const char *name = p->str[IR_PP_FULL] ? p->str[IR_PP_FULL] : "";

		if (none && i == 0)
			run_error(s, "probe %s registration error: %s%s", name, errors[i].msg,
				  run_rights_advice(errors[i].err));
		else if (none && errors[i].err == errors[0].err)
			alike++;
		else
			run_warn(s, "probe %s registration error: %s", name, errors[i].msg);
	}
	if (alike)
		run_warn(s, "%zu more probe points could not be registered for the same reason", alike);
}

/* Says which points do not fire because the kernel is told so. */
static void report_silenced(struct run_session *s, const struct attach_request *rq)
{
	for (const struct attach_switch *off = attach_next_off(NULL); off; off = attach_next_off(off)) {
		uint32_t first = 0;
		size_t n = attach_silenced(rq, off, &first);
		const char *name = n ? s->prog->points[first].str[IR_PP_FULL] : NULL;
		char more[64] = "";

		if (n > 1)
			snprintf(more, sizeof(more), " and %zu more probe points", n - 1);
		if (n)
			run_warn(s, "%s switched off: probe %s%s will not fire; write 1 to %s, and start the script again",
				 off->what, name ? name : "", more, off->path);
	}
}

/* Arms the kernel points.  Points that fail are reported; if none is left the session fails. */
static void session_arm(struct run_session *s)
{
	struct attach_request rq = { .program = s->prog,
				     .handler_fds = engine_handler_fds(s->engine),
				     .point_fds = engine_point_fds(s->engine),
				     .kprobe_multi = attach_has_kprobe_multi(),
				     .uprobe_multi = attach_has_uprobe_multi(),
				     .shared = s->shared,
				     .alone = s->alone,
				     .stopped = session_is_stopped };
	struct attach_error *errors = NULL;
	size_t single = attach_single(&rq);
	bool none;

	report_silenced(s, &rq);
	if (single >= SESSION_SLOW_ARMING)
		run_warn(s, "this kernel arms the %zu probe points one by one, which takes a while", single);
	s->attached = attach_points(&rq, &errors);
	if (run_stop_signal) {
		arrfree(errors);
		s->state = RUN_STOPPING;
		return;
	}
	none = attach_count(s->attached) == 0 && arrlenu(errors) > 0;
	report_unarmed(s, errors, arrlenu(errors), none);
	arrfree(errors);
	if (none) {
		s->state = RUN_ERROR;
		return;
	}
	run_existing_watch(s);
	if (engine_activate(s->engine)) {
		run_error(s, "%s", engine_error(s->engine));
		s->state = RUN_ERROR;
	}
}

static void session_release_child(struct run_session *s)
{
	int rc;

	if (!s->opt.command || s->state != RUN_RUNNING)
		return;
	rc = run_child_release(&s->child);
	if (rc) {
		run_error(s, "Couldn't execute \"%s\": %s", s->opt.command, strerror(-rc));
		run_exit_request(s);
	}
}

/* Nothing fires any more; what the kernel holds is handed out. */
static void session_disarm(struct run_session *s)
{
	if (!s->engine)
		return;
	engine_deactivate(s->engine);
	s->missed = attach_missed(s->attached);
	attach_release(s->attached);
	s->attached = NULL;
	run_drain(s, UINT64_MAX);
}

static void session_report_child(struct run_session *s)
{
	char how[128];

	if (run_child_poll(&s->child) && run_child_failure(&s->child, how, sizeof(how))) {
		run_warn(s, "Child process %s", how);
		s->failed = true;
	}
}

/* The kernel's symbols take long to read: not where a handler holds locks for which hits in the kernel wait in vain. */
static void session_read_kernel_symbols(struct run_session *s)
{
	if (!run_names_kernel_while_hit(s->prog))
		return;
	run_symbols_start(s);
	run_symb_read_kernel(s->symb);
}

int run_session_run(struct run_session *s)
{
	s->state = RUN_STARTING;
	s->uevents_fd = run_uevents_open(s);
	s->replaced = run_replaced_open(s);
	run_user_kind(s, POINT_BEGIN, RUN_STARTING);
	if (s->state == RUN_STARTING && run_stop_signal)
		s->state = RUN_STOPPING;
	if (s->state == RUN_STARTING && s->engine) {
		session_read_kernel_symbols(s);
		session_arm(s);
	}
	if (s->state == RUN_STARTING && run_files_start(s))
		s->state = RUN_ERROR;
	if (s->state == RUN_STARTING) {
		s->state = RUN_RUNNING;
		run_loop_timers(s);
		run_existing_report(s);
		/* Only now, so that whoever waits for what begin prints finds everything armed. */
		run_drain(s, (uint64_t)run_clock_ns());
		run_sink_flush(s->sink);
		session_release_child(s);
		if (s->ready_fd && s->state == RUN_RUNNING) {
			run_background_ready(s->ready_fd);
			s->ready_fd = 0;
		}
		run_loop(s);
	}
	session_disarm(s);
	run_files_stop(s);
	session_report_child(s);
	run_child_drop(&s->child);
	if (s->state == RUN_RUNNING)
		s->state = RUN_STOPPING;
	run_user_kind(s, POINT_END, RUN_STOPPING);
	run_user_kind(s, POINT_ERROR, RUN_ERROR);
	run_drain(s, UINT64_MAX);
	run_report(s);
	run_loop_check_output(s);
	return s->failed ? 1 : 0;
}

void run_session_destroy(struct run_session *s)
{
	if (!s)
		return;
	interp_destroy(s->interp);
	wiretext_destroy(s->wiretext);
	attach_release(s->attached);
	if (s->view)
		s->view->ops->destroy(s->view);
	if (s->own_store)
		s->store->ops->destroy(s->store);
	engine_destroy(s->engine);
	free(s->shared);
	free(s->alone);
	run_child_drop(&s->child);
	run_sideband_close(s->sideband);
	run_symb_destroy(s->symb);
	kernel_reader_destroy(s->reader);
	run_procs_destroy(s->procs);
	run_feed_destroy(s);
	run_timers_fini(&s->timers);
	for (size_t i = 0; i < arrlenu(s->pending); i++)
		free(s->pending[i].text);
	arrfree(s->pending);
	run_recorder_close(s->recorder);
	run_sink_close(s->sink);
	out_buf_free(&s->text);
	shfree(s->warned);
	free(s->timing);
	run_replaced_close(s->replaced);
	if (s->uevents_fd >= 0)
		close(s->uevents_fd);
	if (s->stop_fd >= 0)
		run_stop_remove(s->stop_fd);
	free(s);
}
