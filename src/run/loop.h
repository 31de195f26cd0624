/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop of a running session: signals, command, timers, kernel records. */
#ifndef RUN_LOOP_H
#define RUN_LOOP_H

struct run_session;

/* Starts the timers of the program and of -T. */
void run_loop_timers(struct run_session *s);
/* Serves events until the session leaves the running state. */
void run_loop(struct run_session *s);
/* Flushes the output; reports a failure of it, once, and ends the session. */
void run_loop_check_output(struct run_session *s);

#endif
