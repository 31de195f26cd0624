/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/kcore tells of the running kernel. */
#ifndef DBG_KCORE_H
#define DBG_KCORE_H

#include <stdint.h>

/* Run-time address of the running kernel's symbol _text, where its code begins; 0: not to be found out. */
uint64_t kcore_text(void);

#endif
