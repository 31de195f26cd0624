/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probed programs and libraries whose files are replaced, removed or changed, before or while the session runs. */
#ifndef RUN_REPLACED_H
#define RUN_REPLACED_H

#include <stdbool.h>

struct arena;
struct program;
struct run_replaced;
struct run_session;

/* Notes in a program that is to be saved which files, of which builds, its points are in. */
void run_replaced_note(struct program *p, struct arena *a);
/* Leaves out, with a warning, points that do not fit files as they are now.  False: no other is left. */
bool run_replaced_check(struct run_session *s);

/* Watches the files of the session's points.  NULL: there are none, or the kernel gives no watches. */
struct run_replaced *run_replaced_open(const struct run_session *s);
/* To be polled for input; -1 without a watch. */
int run_replaced_fd(const struct run_replaced *r);
/* Reads what happened, and warns of each file once. */
void run_replaced_read(struct run_session *s, struct run_replaced *r);
void run_replaced_close(struct run_replaced *r);

#endif
