/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own record of processes: one software dummy event per CPU that reports mappings,
 * execs, forks and exits of every process into a small ring.  Opened only for scripts
 * that need user symbols or stacks.
 */
#ifndef RUN_SIDEBAND_H
#define RUN_SIDEBAND_H

#include "run/procs.h"

struct run_sideband;

/* NULL and errno when the kernel refuses: symbols then come from /proc alone. */
struct run_sideband *run_sideband_open(void);
/* A processor has come online, whose records are wanted from now on; 0 or a positive errno. */
int run_sideband_cpu_online(struct run_sideband *sb, int cpu);
/* Feeds all events not yet read, in time order, into ps. */
void run_sideband_drain(struct run_sideband *sb, struct run_procs *ps);
/* Number of events that the kernel could not store. */
uint64_t run_sideband_lost(const struct run_sideband *sb);
void run_sideband_close(struct run_sideband *sb);

#endif
