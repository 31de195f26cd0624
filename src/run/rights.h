/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this process may trace, and what is missing if not. */
#ifndef RUN_RIGHTS_H
#define RUN_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * False: kernel probes cannot be used here; `msg` says in one line which capability or kernel
 * setting stands in the way.
 */
bool run_rights_check(char *msg, size_t size);
/* Advice on a load or attach that was refused with -err although the rights are there; "" if none. */
const char *run_rights_advice(int err);

#endif
