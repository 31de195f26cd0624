/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ksyms.c and klists.c share: the table of the kernel's functions. */
#ifndef PROBE_KLISTS_H
#define PROBE_KLISTS_H

struct ksymtable;

/* The table, which is loaded or made when it is first asked for; empty if the kernel hides its symbols. */
struct ksymtable *ksyms_table(void);

#endif
