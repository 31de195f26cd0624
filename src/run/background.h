/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions that go on in the background (-F).
 *
 * run_background_fork() is called between the phases build and prepare; the child goes on with the session, and the
 * parent waits until everything is armed or has failed.  Without -o the output is kept in memory, the latest part of
 * it, and a recorder hands it to whoever connects to the session's socket.
 */
#ifndef RUN_BACKGROUND_H
#define RUN_BACKGROUND_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_sink;
struct run_recorder;

#define RUN_RECORDER_DIR	"/run/bpftap"
#define RUN_RECORDER_FDS	2
#define RUN_RECORDER_QUIT	'q'	/* what a client sends to end the session */

struct run_background {
	pid_t pid;		/* of the child; 0: this is the child */
	int ready;		/* in the child: for run_background_ready() */
	int status;		/* in the parent: exit status of a child that ended early, -1: it goes on */
};

/* Forks; the parent returns once run_background_ready() was called or the child has ended. 0 or -errno. */
int run_background_fork(struct run_background *b);
/* Everything is armed: the parent may go; from here on the standard descriptors lead nowhere. */
void run_background_ready(int ready);

/*
 * Serves the contents of a sink with a ring under RUN_RECORDER_DIR/NAME; NULL and errno on failure (EADDRINUSE: a
 * session of this name runs).  The sink stays the caller's.
 */
struct run_recorder *run_recorder_open(const char *name, struct run_sink *sink);
/* Fills what is to be waited for; entries without work have descriptor -1. */
void run_recorder_poll(struct run_recorder *r, struct pollfd fds[RUN_RECORDER_FDS]);
/* Takes connections and commands and hands out what is new; true: a client wants the session to end. */
bool run_recorder_serve(struct run_recorder *r);
/* Hands out the rest, waiting a little for a slow client, and takes the socket away. */
void run_recorder_close(struct run_recorder *r);

/* The client: copies the output of the session NAME (unless `quit`, which ends it at once) to standard output
 * until that ends.  SIGINT and SIGTERM end the session, SIGQUIT leaves it.  The exit status. */
int run_recorder_follow(const char *name, bool quit);

#endif
