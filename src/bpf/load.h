/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Program BTF and loading of generated code; creation of a program's maps. */
#ifndef BPF_LOAD_H
#define BPF_LOAD_H

#include "bpf/emit.h"
#include "ir/program.h"

struct prog_btf {
	int fd;
	int any, global, numbers;	/* ids of FUNCs */
	int *routine;		/* by routine number */
};

/* Builds and loads the BTF that describes all subprograms, for this size of slot and collection. 0 or -errno. */
int load_btf(struct prog_btf *b, uint32_t slot_size, uint32_t coll_size);
void load_btf_close(struct prog_btf *b);

struct load_request {
	struct emit *em;		/* finished */
	enum prog_kind kind;
	bool sleepable, uprobe_multi, kprobe_multi;
	const char *name;
	const char *target;		/* of PROG_TP_BTF, SYSCALL, SYSRET, FENTRY, FEXIT: tracepoint or function */
	const struct prog_btf *btf;
	const int *map_fds;
	char *log;			/* NULL, or gets the verifier's log */
	size_t log_size;
};

/* The program's descriptor or -errno. */
int load_prog(const struct load_request *rq);
/*
 * The same for many, on all processors at once: fds[i] is that of rq[i]; those that are negative already are
 * left out.
 */
void load_progs(const struct load_request *const *rq, size_t n, int *fds);
/* A program without maps and own BTF but for its callbacks. */
int load_plain(struct emit *em, enum prog_kind kind, bool sleepable);

#endif
