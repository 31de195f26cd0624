/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers of system calls: how their program finds the point that a call is.
 *
 * The kernel has one event for all calls to enter and one for all to exit.  A program with the handlers of many
 * calls (bundle.c) looks the number up in a table of its own: the point by number and interface, or
 * nothing, which costs a call that no one probes a few instructions.
 */
#ifndef BPF_SYSCALLS_H
#define BPF_SYSCALLS_H

#include "bpf/engine_priv.h"

#define SYSCALL_NUMBERS	544	/* larger ones count as the last, which no call has */
#define SYSCALL_NONE	510	/* calls of other architectures (tools/syscalls): never made */

/*
 * socketcall and ipc of the 32-bit interface are many calls in one: call N of socketcall has the number
 * SOCKETCALL_BASE + N here, of ipc IPC_BASE + N, which no other call has.
 */
#define SOCKETCALL_BASE		480
#define IPC_BASE		512

/* One table: index of the point and 1, 0 for none. */
struct syscall_table {
	struct { uint32_t native, ia32; } point[SYSCALL_NUMBERS];
};

/* Can the handlers of the set and this one be in one program?  Each call has at most one point there. */
bool syscalls_disjoint(const struct engine *e, const uint32_t *set, size_t n, uint32_t handler);
/*
 * By handler: how many points of others come before one of its own for the same call, at most.  Handlers of one program
 * have one rank, so that those of a call run in the order of the script.  The caller frees it.
 */
uint32_t *syscalls_ranks(const struct engine *e);
/* The table of a program with these handlers: descriptor of a map, or -errno. */
int syscalls_table(const struct engine *e, const uint32_t *handlers, size_t n);
/*
 * Start of such a program, r1 = context: r6 = context, r7 = index of the point, r8 = 1 for the 32-bit
 * interface (r9 is used); jumps to `out` if there is no point.
 */
void syscalls_find(struct emit *em, enum prog_kind kind, em_label out);

#endif
