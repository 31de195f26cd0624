/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the kernel, read from this process by a program that it runs for that. */
#ifndef BPF_READER_H
#define BPF_READER_H

#include <stddef.h>
#include <stdint.h>

struct kernel_reader;

/* NULL: the kernel does not let us. */
struct kernel_reader *kernel_reader_create(void);
void kernel_reader_destroy(struct kernel_reader *r);
/* Copies n bytes from a kernel address.  0 or -EFAULT. */
int kernel_reader_read(struct kernel_reader *r, uint64_t addr, void *buf, size_t n);
/* Address of the calling thread's task_struct. */
uint64_t kernel_reader_task(struct kernel_reader *r);

#endif
