/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Features of the kernel that a run shall do without, as if they were not there: for tests of what takes
 * their place.
 */
#ifndef BASE_WITHOUT_H
#define BASE_WITHOUT_H

#include <stdbool.h>

/* Whether the environment variable BPFTAP_WITHOUT, a list of names and commas, has this name. */
bool without(const char *feature);

#endif
