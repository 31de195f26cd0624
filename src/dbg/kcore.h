/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/kcore tells of the running kernel. */
#ifndef DBG_KCORE_H
#define DBG_KCORE_H

#include <stdbool.h>
#include <stdint.h>

/* How many bytes the running kernel's code is behind where its file has it; false: not to be found out. */
bool kcore_kernel_offset(uint64_t *offset);

#endif
