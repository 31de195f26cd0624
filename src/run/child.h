/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command of -c: forked early, so that its pid is known as target(), held back
 * just before its exec until everything is armed.
 */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct run_child {
	pid_t pid;		/* 0: none */
	int gate;		/* writing a byte lets it go; -1: let go already */
	int failure;		/* read end: errno of a failed exec */
	bool exited;
	int status;		/* of waitpid(2), valid when exited */
};

/*
 * Forks.  The words of `command` are split like a shell does without running anything (quotes,
 * variables, globs); a command with other shell syntax is run by sh -c.  0 or -errno.
 */
int run_child_start(struct run_child *c, const char *command);
/* Lets it exec. 0, or the -errno with which the exec failed. */
int run_child_release(struct run_child *c);
/* Collects its exit if there is one; true once it has exited. */
bool run_child_poll(struct run_child *c);
/* Ends a child that was never let go; asks a running one to end (SIGTERM) and waits a little. */
void run_child_drop(struct run_child *c);
/* Text of a failed exit ("exited with status 3", "exited with signal 9 (Killed)") into buf; false: success. */
bool run_child_failure(const struct run_child *c, char *buf, size_t size);

/* Argument vector for a command line, ended by NULL; the caller frees each word and the array. */
char **run_child_words(const char *command);

#endif
