/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probed programs and libraries whose files are replaced, removed or changed while the session runs. */
#ifndef RUN_REPLACED_H
#define RUN_REPLACED_H

struct run_replaced;
struct run_session;

/* Watches the files of the session's points.  NULL: there are none, or the kernel gives no watches. */
struct run_replaced *run_replaced_open(const struct run_session *s);
/* To be polled for input; -1 without a watch. */
int run_replaced_fd(const struct run_replaced *r);
/* Reads what happened, and warns of each file once. */
void run_replaced_read(struct run_session *s, struct run_replaced *r);
void run_replaced_close(struct run_replaced *r);

#endif
