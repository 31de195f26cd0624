/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routines that only kernel handlers need, written as those of src/rt: global functions, strings by
 * their offset in the slot, loops bounded or by bpf_loop, state that differs by path in memory.
 */
#ifndef BPF_KERN_KERN_H
#define BPF_KERN_KERN_H

#include "bpf/slot.h"
#include "rt/mem.h"

static long (*const bpf_probe_read_kernel)(void *dst, uint32_t size, const void *src) = (void *)113;
static long (*const bpf_probe_read_user)(void *dst, uint32_t size, const void *src) = (void *)112;
static long (*const bpf_loop)(uint32_t n, void *cb, void *ctx, uint64_t flags) = (void *)181;

#endif
