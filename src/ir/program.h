/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program description: all that the compile half hands to the run half.
 * It is self-contained and can be written to a file and read back (the saved
 * object of pass 4); it knows neither AST nor debug information.
 */
#ifndef IR_PROGRAM_H
#define IR_PROGRAM_H

#include "ir/ir.h"

/* Kind of program a kernel handler becomes, or PROG_USER: run by the user engine. */
enum prog_kind {
	PROG_USER,		/* begin, end, error, timers */
	PROG_UPROBE,		/* context: pt_regs */
	PROG_URETPROBE,
	PROG_TRACEPOINT,	/* perf tracepoint record */
	PROG_RAW_TP,		/* u64 args[] */
	PROG_TP_BTF,		/* u64 args[], BTF-typed */
	PROG_PERF_EVENT,	/* bpf_perf_event_data */
	PROG_KPROBE, PROG_KRETPROBE, PROG_FENTRY, PROG_FEXIT,	/* kernel functions */
	PROG_KINSN,		/* any instruction of the kernel; context: pt_regs */
	PROG_NETFILTER,		/* bpf_nf_ctx: hook state, packet; its result is the verdict */
	PROG_SYSCALL, PROG_SYSRET,	/* entry and exit of system calls: u64 args[] of sys_enter, sys_exit */
	PROG_KIND_COUNT
};

/* When and where a probe point fires: what arming it (probe/attach.h) needs. */
enum point_kind {
	POINT_BEGIN, POINT_END, POINT_ERROR, POINT_NEVER,
	POINT_TIMER,		/* period_ns, random_ns */
	POINT_PROFILE,		/* perf_type, perf_config, freq_hz; 0: period_ns */
	POINT_UPROBE,		/* path, offset, ref_ctr; kind PROG_URETPROBE: at return */
	POINT_PROCESS_BEGIN, POINT_PROCESS_END, POINT_THREAD_BEGIN, POINT_THREAD_END,
	POINT_PROCESS_SYSCALL, POINT_PROCESS_SYSCALL_RETURN,	/* path or pid select the process */
	POINT_TRACEPOINT,	/* name "category:event" or raw tracepoint name */
	POINT_KFUNC,		/* kernel function: name or address */
	POINT_SYSCALL,		/* entry of a system call: syscall_nr, syscall_ia32; kind PROG_SYSRET: its exit */
	POINT_PERF,		/* perf_type, perf_config, period or freq_hz */
	POINT_COUNTER,		/* perf_type, perf_config; offset: the number by which handlers read it; never hit */
	POINT_WATCH,		/* address, offset: length, perf_type: HW_BREAKPOINT_*; pid, 0: the kernel's memory */
	POINT_NETFILTER,	/* nf; kind PROG_NETFILTER: its own link, else a chain of nf_tables that calls `name` */
	POINT_FILE,		/* file `name` of the session's directory is read or written: file */
	POINT_INPUT,		/* a character or a line comes from standard input: file.lines */
	POINT_KIND_COUNT
};

/* A hook of netfilter, by the kernel's numbers. */
struct prog_nf {
	uint32_t pf, hook;
	int32_t priority;
};

/* A file whose contents a handler makes (read) or takes (write). */
struct prog_file {
	bool write, lines;
	uint32_t umask;
	uint64_t size;		/* at most so many bytes are read; 0: MAXSTRINGLEN */
};

struct prog_point {
	enum point_kind kind;
	uint32_t handler;	/* index into program.handlers */
	bool at_start;		/* .begin: also for what runs already, by the user engine ... */
	uint32_t start_handler;	/* ... with this handler, which does not choose processes */
	struct span at;
	const char *str[IR_PP_COUNT];	/* pp(), ppfunc(), ... ; NULL reads as "" */
	int64_t *ints;		/* stb_ds array: POINT_INT constants */
	const char *path;	/* ELF file the point is in, as opened (absolute) */
	uint64_t offset;	/* file offset of the probed instruction */
	uint64_t address;	/* its link-time virtual address; of kernel code the run-time one, 0: by name */
	uint64_t ref_ctr;	/* file offset of the semaphore, 0: none */
	const char *base;	/* kernel code: "BUILD-ID/MODULE/SYMBOL" that the address is `offset` behind, wherever
				 * that is when the program runs; NULL: the address is final */
	int32_t pid;		/* only this process; 0: any */
	const char *name;	/* tracepoint, kernel function */
	int32_t syscall_nr;	/* number of the system call, -1: all that no other point of the handler has */
	bool syscall_ia32;	/* of the 32-bit interface */
	int64_t period_ns, random_ns, freq_hz;
	uint32_t perf_type;
	uint64_t perf_config;
	struct prog_nf nf;
	struct prog_file file;
	int64_t priority;	/* begin(N), end(N): ascending order */
	int32_t maxactive;
};

struct prog_handler {
	enum prog_kind kind;
	struct ir_func *body;
	bool sleepable;		/* reads user memory: wants bpf_copy_from_user */
	uint64_t hash;		/* of body and kind, for merging; private to program.c */
};

/* A module whose symbols and unwind tables are wanted (probed, -d, --ldd). */
struct prog_module {
	const char *path;
	const char *build_id;	/* hex or NULL */
	uint64_t ino;		/* of a saved program: of the file then; 0: not known */
};

/* A probe point of the script in kernel modules: one that is loaded later is not probed, but told of. */
struct prog_late {
	const char *module;	/* glob */
	const char *function;	/* glob; NULL: any */
	const char *point;	/* as the user wrote it, about */
};

/* A place in the kernel's memory that handlers use. */
struct prog_place {
	const char *base;	/* "BUILD-ID/MODULE/SYMBOL"; no build id: of any build */
	uint64_t offset;	/* behind it */
	uint64_t address;	/* found when the program is run ... */
	bool found;		/* ... by a kernel that has it */
};

/* Tunables, from -D and the command line; see program_limits_default(). */
struct prog_limits {
	uint32_t maxstringlen, maxmapentries, maxaction, maxaction_interruptible, maxnesting,
		maxtrylock, maxerrors, maxskipped;
	uint32_t kretactive;	/* calls that a return by kretprobe has room for; 0: as attach_armer.c has it */
	uint64_t buffer_bytes;	/* -s: of each CPU's ring */
	bool suppress_time_limits;
};

struct program {
	struct ir_module *ir;
	struct prog_handler *handlers;	/* stb_ds arrays */
	struct prog_point *points;	/* the index is the attach cookie */
	struct prog_module *modules;
	struct prog_place *places;
	struct prog_late *late;
	struct prog_limits limits;
	bool timing;			/* -t */
	int32_t target;			/* -x PID, else 0 (set before arming for -c) */
};

/* An empty program with an empty IR module, both in the arena. */
struct program *program_create(struct arena *a);
void program_limits_default(struct prog_limits *l);
/* Adds a handler (or finds one with equal kind and body) and returns its index. */
uint32_t program_handler_add(struct program *p, enum prog_kind kind, struct ir_func *body);
/* Adds a place (or finds it) and returns its index, the number of IR_KPLACE. */
uint32_t program_place_add(struct program *p, const char *base, uint64_t offset);

/* A handler runs once for an event: two points of one system call with the same handler get two, equal ones. */
void program_split_syscalls(struct program *p);

/* Saved object: 0 or -errno. */
int program_save(const struct program *p, const char *path);
struct program *program_load(struct arena *a, const char *path, const char **err);

#endif
