/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of the kernel's interface for eBPF that older headers lack. */
#ifndef BASE_KERNEL_NUMBERS_H
#define BASE_KERNEL_NUMBERS_H

/* enum bpf_attach_type */
#define TRACE_KPROBE_MULTI	42
#define ATTACH_NETFILTER	45
#define TRACE_UPROBE_MULTI	48

/* enum bpf_prog_type */
#define PROG_TYPE_NETFILTER	32

#endif
