/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching a loaded program's points, and letting go of them.
 *
 * Needs only the program description and the file descriptors of the loaded
 * handlers; never the AST or debug information.  What the kernel offers is found by trying it.
 * POINT_BEGIN, _END, _ERROR, _NEVER and _TIMER are the session's and skipped here.
 */
#ifndef PROBE_ATTACH_H
#define PROBE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "ir/program.h"

/*
 * Whether uprobe multi-links work here; tried once, then remembered.  If so, handlers of kind
 * PROG_UPROBE and PROG_URETPROBE must be loaded with expected_attach_type BPF_TRACE_UPROBE_MULTI (48)
 * and attach_request.uprobe_multi be true; else with expected_attach_type 0.
 */
bool attach_has_uprobe_multi(void);
/*
 * The same for kprobe multi-links: handlers of kind PROG_KPROBE and PROG_KRETPROBE are then loaded with
 * expected_attach_type BPF_TRACE_KPROBE_MULTI (42), and attach_request.kprobe_multi is true.
 */
bool attach_has_kprobe_multi(void);
/* Whether there are kprobe perf events. */
bool attach_has_kprobes(void);
/* Whether programs load for the entry of the function with this BTF id of the kernel. */
bool attach_has_fentry(uint32_t btf_id);
/* Whether programs can be linked to netfilter hooks (of IPv4 and IPv6). */
bool attach_has_netfilter_link(void);
/* Whether chains of nf_tables can be made. */
bool attach_has_nf_tables(void);
/* Whether the kernel takes attach cookies with perf-event links (5.15+). */
bool attach_has_perf_cookie(void);

/*
 * The kernel function whose call is the end of a process or thread that still has its memory and its program;
 * NULL: the tracepoint sched_process_exit is (6.16+), or has to do as there are no kprobes.  Tried once.
 */
const char *attach_exit_function(void);

/*
 * By handler: whether its points, functions of the kernel, are to be armed together though there are no multi-links.
 * They have no cookies of their own then, and the handler has to know its point by its address.  The caller frees it;
 * NULL: none.
 */
bool *attach_shared_handlers(const struct program *p);
/* Finds the addresses of their points; before code is generated, which tells points apart by them. */
void attach_place_shared(struct program *p, const bool *shared);
/*
 * By handler: whether its points, returns of few functions, are armed each by itself though there are multi-links,
 * which have room for few calls at a time.  The caller frees it.
 */
bool *attach_alone_handlers(const struct program *p);

struct attach_request {
	const struct program *program;
	const int *handler_fds;		/* by handler index; -1: not a kernel handler */
	bool uprobe_multi;		/* see above */
	bool kprobe_multi;
	const bool *shared;		/* attach_shared_handlers() */
	const bool *alone;		/* attach_alone_handlers(); NULL: none */
	const int *point_fds;		/* by point index, for points with programs of their own; NULL: handler_fds */
	bool (*stopped)(void);		/* NULL, or asked between points: true leaves the others unarmed */
};

/* Why a point could not be armed; one per point that failed. */
struct attach_error {
	uint32_t point;
	int err;			/* positive errno */
	char msg[240];			/* one line */
};

struct attachment;

/* How many points attach_points() will arm one by one: thousands take minutes. */
size_t attach_single(const struct attach_request *rq);
/*
 * Arms every kernel point; the cookie each program sees is the point's index.  Always returns an
 * attachment, also when some or all points failed: *errors (stb_ds array, may be NULL on success,
 * caller arrfree()s) lists these.
 */
struct attachment *attach_points(const struct attach_request *rq, struct attach_error **errors);
struct attach_missed {
	uint64_t hits;			/* that the kernel dropped, because they were within others */
	uint64_t returns;		/* of calls that it had no room for, or within others */
};

/* What it has counted, where it counts. */
struct attach_missed attach_missed(const struct attachment *a);

#define ATTACH_SWITCHES 2

/* A switch of the kernel by which points that are armed do not fire while it is 0. */
struct attach_switch {
	const char *what;	/* "kprobes are" */
	const char *path;
};

/* The first switch that is off, or the next one; NULL: there is none. */
const struct attach_switch *attach_next_off(const struct attach_switch *after);
/* How many points it silences, and the first of them. */
size_t attach_silenced(const struct attach_request *rq, const struct attach_switch *off, uint32_t *first);

/* Number of points armed. */
size_t attach_count(const struct attachment *a);
/*
 * A processor has come online: points that have an event on each get theirs.  0, or the positive errno of the
 * first that could not, and *point.
 */
int attach_cpu_online(struct attachment *a, int cpu, uint32_t *point);
/*
 * Disarms everything, in bulk (well under a second whatever was armed), and frees `a`; NULL is ignored.
 * Where there are no multi-links a background process may go on removing probes for a while: programs
 * can still be hit, so the engine is deactivated first.
 */
void attach_release(struct attachment *a);

#endif
