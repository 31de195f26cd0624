/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that the script serves (procfs probes), and what comes from standard input (input probes). */
#ifndef RUN_FILES_H
#define RUN_FILES_H

#include <poll.h>
#include <stdbool.h>

struct run_session;

#define RUN_FILES_DIR	"/run/bpftap-procfs"	/* below: a directory for each session, then the files */
#define RUN_FILES_FDS	2

/* Serves the program's files and standard input, if it has points for them; -1 after a message. */
int run_files_start(struct run_session *s);
/* Fills what is to be waited for; entries without work have descriptor -1. */
void run_files_poll(const struct run_session *s, struct pollfd fds[RUN_FILES_FDS]);
/* Runs the handlers of what became ready. */
void run_files_serve(struct run_session *s, const struct pollfd fds[RUN_FILES_FDS]);
/* Takes the files away and gives the terminal back. */
void run_files_stop(struct run_session *s);

/* $value of the point that runs, for struct interp_env. */
const char *run_files_value(void *session);
void run_files_value_set(void *session, const char *text, bool append);

#endif
