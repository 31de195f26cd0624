/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of attaching; for src/probe/attach*.c alone. */
#ifndef PROBE_ATTACH_PRIV_H
#define PROBE_ATTACH_PRIV_H

#include <linux/perf_event.h>
#include <sys/types.h>

#include "probe/attach.h"

/* A perf event and what links a program to it. */
struct event_fds {
	int link, event;
};

/* A point that has an event on each processor, and one of these. */
struct cpu_point {
	struct perf_event_attr attr;
	int prog_fd;
	uint32_t point;
};
struct cpu_event {
	int cpu;
	struct event_fds fds;
};

/* A link in which the kernel counts what it dropped. */
struct counted_link {
	int fd;
	bool is_return;
};

/* A process in the background, seen from either side: it ends, letting go, at the end of `go`; then `done` does. */
struct attach_aside {
	int go, done;
};

#define ATTACH_PREFIX_SIZE 48

/* What is armed.  All attach_...() of points add to it what is to be closed, or an error. */
struct attachment {
	int *fds;			/* stb_ds array: links of tracepoints; closing them disarms */
	int *events;			/* stb_ds array: links of uprobes, perf events: each is slow to close */
	struct cpu_point *cpu_points;	/* stb_ds array */
	struct cpu_event *cpu_events;	/* stb_ds array */
	int nf_tables;			/* socket that owns our table, 0: none; closing it removes the table */
	struct attach_aside sharing;	/* the process that has the shared events; go: 0: none */
	char prefix[ATTACH_PREFIX_SIZE];	/* of the names of the shared events, empty: none */
	bool shared_armed;		/* all of these; else the kernel may be busy with them, its locks held */
	struct counted_link *counted;	/* stb_ds array: some of the links above */
	size_t armed;
	struct attach_error *errors;	/* stb_ds array */
};

/* Notes that a point cannot be armed: a positive errno, and the message. */
void attach_fail(struct attachment *a, uint32_t point, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The loaded program of a point. */
int attach_program(const struct attach_request *rq, uint32_t point);

/* attach_multi.c: the uprobes of a program, some links; one for each (handler, file, process). */
void attach_uprobes_multi(struct attachment *a, const struct attach_request *rq, const uint32_t *points,
			  size_t n);

/* attach_perf.c: one point through perf events. */
void attach_uprobe_perf(struct attachment *a, const struct attach_request *rq, uint32_t point);
void attach_tracepoint(struct attachment *a, const struct attach_request *rq, uint32_t point,
		       const char *category, const char *event);
/* Entry of a kernel function. */
void attach_kprobe(struct attachment *a, const struct attach_request *rq, uint32_t point, const char *function);
/* Whether a kprobe can be made there. */
bool attach_can_kprobe(const char *function);
void attach_profile(struct attachment *a, const struct attach_request *rq, uint32_t point);
/* Opens, links and enables a perf event; 0 or a positive errno.  attach_event() adds it to the attachment. */
int attach_event_open(struct perf_event_attr *attr, pid_t pid, int cpu, int prog_fd, uint32_t point,
		      struct event_fds *fds);
int attach_event(struct attachment *a, struct perf_event_attr *attr, pid_t pid, int cpu, int prog_fd,
		 uint32_t point);
/* Reads one number from a file of sysfs or tracefs, as scanf would. */
bool attach_read_number(const char *path, const char *format, unsigned *v);

/*
 * attach_cpus.c: an event on each processor that is online, and on those that come online later; 0 or a positive errno.
 */
int attach_on_cpus(struct attachment *a, const struct perf_event_attr *attr, int prog_fd, uint32_t point);
/* Hands the events over to a->events. */
void attach_cpus_release(struct attachment *a);

/* attach_watch.c */
void attach_watch(struct attachment *a, const struct attach_request *rq, uint32_t point);

/* attach_netfilter.c: a link of its own to a hook, or a chain of nf_tables and a kprobe */
void attach_netfilter(struct attachment *a, const struct attach_request *rq, uint32_t point);

/* attach_kernel.c: a raw or BTF tracepoint; a kernel function by what its handler is; all kprobes as few links. */
void attach_raw_tracepoint(struct attachment *a, const struct attach_request *rq, uint32_t point,
			   const char *name);
/* A program with handlers of system calls is attached once, for its first point. */
void attach_syscall(struct attachment *a, const struct attach_request *rq, uint32_t point);
void attach_kernel_function(struct attachment *a, const struct attach_request *rq, uint32_t point);
/* The attributes of a perf event that is a kprobe at the function's entry; false: the kernel has none. */
bool attach_kprobe_attr(struct perf_event_attr *attr, const char *function);
/* Why a function cannot be probed, as far as the error and the kernel's lists tell. */
const char *attach_function_problem(const char *function, int err);
/* Loads a program that returns 0 at once; its descriptor or -1 and errno. */
int attach_trivial_program(uint32_t type, uint32_t attach_type, uint32_t btf_id);
void attach_kprobes_multi(struct attachment *a, const struct attach_request *rq, const uint32_t *points,
			  size_t n);

/* attach_missed.c: the link of a kprobe, by itself or of many */
void attach_note_link(struct attachment *a, int fd, bool is_return);

/* Opens the event of tracefs and links the program to it; 0 or a positive errno, ENOENT: there is none of this name. */
int attach_tracefs_event(struct attachment *a, const char *category, const char *event, int prog_fd, uint32_t point);
/* attach_shared.c: the kprobes of handlers that attach_shared_handlers() has */
void attach_kprobes_shared(struct attachment *a, const struct attach_request *rq, const uint32_t *points, size_t n);
void attach_shared_release(const struct attachment *a);

#define SHARE_MANY	8	/* points of a handler: fewer are better armed alone */

/* Points that share a program. */
struct share {
	int prog_fd;
	bool is_return;
	bool at_entry;		/* the kernel's stack is looked at, which its unwinder finds from the entry only */
	uint32_t *points;	/* stb_ds array */
	unsigned number;
};

/*
 * attach_armer.c.  What the armer tells, struct attach_error by struct attach_error through `done`: the error of a
 * point, or as `err` one of these, which say what `point` is.
 */
enum { ARMER_ALONE = -1, ARMER_END = -2 };	/* a point that must be armed by itself; last: how many are armed */
/* Whether kprobes can be defined as events of tracefs; tried once. */
bool attach_has_kprobe_events(void);
/* In the process that attach_aside_start() has made, its last call: defines and arms the shares, tells, and waits. */
void attach_armer_run(const struct attach_request *rq, const struct share *shares, const char *prefix,
		      struct attach_aside owner) __attribute__((noreturn));

/*
 * attach_aside.c: starts a process with these descriptors only; as fork() does.  It is nobody's child, and signals
 * do not end it.
 */
pid_t attach_aside_start(const int *fds, size_t n, struct attach_aside *aside);
/* In that process, its last call: waits for the end of `go`, closes events (stb_ds array), removes definitions. */
void attach_aside_end(int go, const int *events, int definitions, char *const *removals) __attribute__((noreturn));
/* Has the process let go, and waits for it a little. */
void attach_aside_finish(const struct attach_aside *aside);
/* Has such a process close events (stb_ds array) that are slow to close; false: could not. */
bool attach_close_aside(const int *events);

#endif
