/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending by signal.  The first SIGINT, SIGTERM, SIGHUP or SIGQUIT asks the session to end (end
 * probes run); a second one ends the process at once, whatever it is doing: the kernel
 * then closes what was armed.  SIGUSR2 asks for the next output file.
 */
#ifndef RUN_STOP_H
#define RUN_STOP_H

#include <signal.h>
#include <stdbool.h>

/* Number of the signal that asked for the end, 0: none yet. */
extern volatile sig_atomic_t run_stop_signal;
/* SIGUSR2 came; who switches the file resets it. */
extern volatile sig_atomic_t run_stop_switch;

/*
 * Installs the handlers, ignores SIGPIPE.  Returns a descriptor that becomes readable when a signal
 * for the end or SIGUSR2 arrived or a child changed its state (SIGCHLD); -errno on failure.
 */
int run_stop_install(void);
/* Empties the descriptor. */
void run_stop_clear(int fd);
/* What is done before a second signal ends the process: system calls only, it is a signal's handler.  NULL: nothing. */
void run_stop_last(void (*fn)(void));
/* Gives a forked child the dispositions that stap itself was started with. */
void run_stop_child(void);
/* Restores the dispositions and closes the descriptor. */
void run_stop_remove(int fd);

#endif
