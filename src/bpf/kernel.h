/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the running kernel that the code generator needs, from its BTF. */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include <stdbool.h>

struct emit;

/* Byte offset of a member of a struct ("task_struct", "tgid"), through anonymous members; -1: none. */
int kernel_offset(const char *type, const char *member);
/* BTF id of a function of the kernel, -ENOENT: BTF does not describe it. */
int kernel_function_id(const char *name);
/* BTF id of a tracepoint's type, likewise. */
int kernel_tracepoint_id(const char *name);
/* r0 = inode number, or device, of the current task's program by loads through typed pointers; 0: none. */
void kernel_walk_image(struct emit *em, bool device);
/* Rate of the time stamp counter in MHz (1000 where there is none: then cycles are ns). */
unsigned kernel_tsc_mhz(void);

#endif
