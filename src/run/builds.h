/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The builds of probed programs and libraries that a saved program was made for. */
#ifndef RUN_BUILDS_H
#define RUN_BUILDS_H

#include <stdbool.h>

struct arena;
struct program;
struct run_session;

/* Notes in a program that is to be saved which files, of which builds, its points are in. */
void run_builds_note(struct program *p, struct arena *a);
/* Leaves out, with a warning, points that do not fit files as they are now.  False: no other is left. */
bool run_builds_check(struct run_session *s);

#endif
