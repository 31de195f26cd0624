/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session, for the files of src/run that share it. */
#ifndef RUN_PRIV_H
#define RUN_PRIV_H

#include "bpf/engine.h"
#include "bpf/reader.h"
#include "interp/interp.h"
#include "interp/wiretext.h"
#include "out/format.h"
#include "probe/attach.h"
#include "run/child.h"
#include "run/expand.h"
#include "run/files.h"
#include "run/procs.h"
#include "run/session.h"
#include "run/sideband.h"
#include "run/sink.h"
#include "run/symb.h"
#include "run/timers.h"

/* As SystemTap's session states: handlers run only in the state that their point asks for. */
enum run_state { RUN_STARTING, RUN_RUNNING, RUN_STOPPING, RUN_ERROR };

/* Output of a user handler, waiting for older kernel records. */
struct run_pending {
	uint64_t time_ns;
	char *text;
	size_t len;
};

/* Times of a point that runs in the user engine. */
struct run_timing {
	uint64_t hits, sum, min, max;
	double sum_sq;
};

struct run_session {
	struct program *prog;
	struct run_options opt;
	struct diag_sink *diag;
	enum run_state state;

	struct engine *engine;		/* NULL: the script needs nothing of the kernel */
	struct attachment *attached;
	bool *shared;			/* attach_shared_handlers() */
	bool *alone;			/* attach_alone_handlers() */
	struct attach_missed missed;	/* attach_missed(), as it was let go */
	struct ir_store *store;		/* the engine's, or with own_store ours */
	bool own_store;
	struct ir_store *view;		/* what the user engine sees of it; NULL: all as it is */
	struct interp *interp;
	struct interp_env env;
	uint32_t current;		/* point whose user handler runs */
	struct run_timing *timing;	/* by point; user handlers */

	struct run_sink *sink;
	int ready_fd;			/* -F: to be told that everything is armed; 0: nobody is */
	const char *record;		/* -F without -o: name of the session; NULL: none */
	struct run_recorder *recorder;	/* hands the output out; NULL: none */
	int uevents_fd;			/* run_uevents_open() */
	struct run_replaced *replaced;	/* files of points; NULL: none */
	struct run_files *files;	/* procfs and input probes; NULL: none */
	struct run_pending *pending;	/* stb_ds array, by time */
	struct out_buf text;		/* one handler's output being put together */
	struct run_child child;
	struct run_timers timers;
	int stop_fd;
	int nice;			/* our priority before session_load_engine() raised it */

	struct run_procs *procs;	/* these four: NULL until symbols are asked for */
	struct run_symb *symb;
	struct run_sideband *sideband;
	struct run_expand expand;
	struct wiretext *wiretext;	/* NULL: no record yet */
	struct out_defer record_defer;	/* how records' texts are made */
	bool wants_symbols;		/* set by prepare */

	struct kernel_reader *reader;	/* NULL: not asked for yet, or no_reader */
	bool no_reader;

	struct run_feed *feed;		/* NULL: no handler walks user stacks or looks at names */

	uint64_t errors, skipped;	/* soft errors; hits of user handlers skipped for want of a lock */
	uint64_t given_up;		/* hits of user handlers that ended without memory for an element */
	struct { char *key; char value; } *warned;	/* shmap: warnings already shown */
	bool failed;			/* exit status 1 */
	bool output_failed;		/* the output's failure was reported */
	bool quiet;			/* session is over: records are counted, not shown */
};

/* ---- report.c: messages ---- */

/* "ERROR: ..." and "WARNING: ..." on standard error, after all output so far. */
void run_error(struct run_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void run_warn(struct run_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A soft error ended a handler: reports, counts, and ends the session beyond MAXERRORS. */
void run_soft_error(struct run_session *s, const char *line);
/* Hit report (-t) on the output, then the warnings about errors, skips and losses. */
void run_report(struct run_session *s);
/* Ends the session if too many hits were skipped. */
void run_check_skipped(struct run_session *s);

/* ---- record.c: kernel records ---- */

/* One record: output into s->text and on to the sink, errors, requests. */
void run_record(struct run_session *s, const struct wire_record *r);
/* Makes symbols available; does nothing the second time. */
void run_symbols_start(struct run_session *s);
/* Appends print_usyms() / print_syms() of a list of addresses. */
void run_print_syms(struct run_session *s, const char *addrs, size_t len, int64_t imm, pid_t tgid,
		    struct out_buf *b);

/* ---- user.c: handlers in this process ---- */

/* The environment of the user engine for this session. */
void run_user_env(struct run_session *s, struct interp_env *env);
/* Runs one point's user handler, timing it. */
void run_user_point(struct run_session *s, uint32_t point);
/* Runs what the point does for a process that runs already. */
void run_user_start(struct run_session *s, uint32_t point, const struct interp_subject *subject);
/* Runs all points of a kind in order of priority, as long as the session is in `state`. */
void run_user_kind(struct run_session *s, enum point_kind kind, enum run_state state);
/* Does what system() and its like ask for: kind is enum ir_service. */
void run_user_service(struct run_session *s, int64_t kind, const char *text);
/* exit() was called, wherever. */
void run_exit_request(struct run_session *s);

/* ---- needs.c ---- */

/* Whether points of the kind fire between begin and end. */
bool run_is_timely(enum point_kind kind);
/* Whether a kernel handler may walk user stacks. */
bool run_wants_unwind(const struct program *p);
/* Whether a kernel handler looks at names of addresses. */
bool run_wants_names(const struct program *p);
/* Whether a kernel handler may ask for user symbols, stacks or load addresses. */
bool run_wants_symbols(const struct program *p);
/* Whether a handler that runs here, while those in the kernel are hit, names addresses of the kernel. */
bool run_names_kernel_while_hit(const struct program *p);

/* ---- bias.c ---- */

/* From here on the engine learns of every mapping of the program's modules. */
void run_bias_watch(struct run_session *s);
/* Where a module of the program is loaded in a process now: 0 or -ENOENT. */
int run_bias_of(struct run_session *s, pid_t tgid, int64_t module, int64_t *bias);

/* ---- existing.c: processes that run already ---- */

/* The descendants that the target has already count as its own. */
void run_existing_targets(struct run_session *s);
/* Call before activation: from here on it is known which processes the kernel reports. */
void run_existing_watch(struct run_session *s);
/* Runs the handlers of .begin points for all other processes, and ends the watch. */
void run_existing_report(struct run_session *s);

/* ---- feed.c: rules for the kernel's walks of user stacks, names of addresses ---- */

/* Builds the tables of the files known beforehand; how many rows the engine needs room for, 0: any. */
uint32_t run_feed_collect(struct run_session *s);
/* Gives them to the engine, which is loaded. */
void run_feed_load(struct run_session *s);
/* From here on the mappings of the probed programs' processes count too. */
void run_feed_watch(struct run_session *s);
/* Adds what walks met without knowing it. */
void run_feed_poll(struct run_session *s);
void run_feed_destroy(struct run_session *s);

/* ---- drain.c: merging outputs by time ---- */

/* Output of a user handler, made now. */
void run_output(struct run_session *s, const char *text, size_t len);
/* Hands on everything older than `until` (CLOCK_MONOTONIC), in order of time. */
void run_drain(struct run_session *s, uint64_t until);

#endif
