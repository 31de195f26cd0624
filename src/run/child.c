/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command of -c.  Two pipes: the gate, on which the child waits before its
 * exec (it ends if we die first), and one closed by a successful exec that otherwise
 * carries errno.
 */
#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "base/xalloc.h"
#include "run/stop.h"

#define CHILD_GRACE_MS 300	/* how long a command that was asked to end is waited for */

char **run_child_words(const char *command)
{
	static const char *const shell[] = { "sh", "-c" };
	wordexp_t w = { 0 };
	char **argv;
	size_t n = 0;
	int rc = wordexp(command, &w, WRDE_NOCMD | WRDE_UNDEF);

	argv = xcalloc((rc == 0 ? w.we_wordc : 0) + 4, sizeof(*argv));
	if (rc == 0 && w.we_wordc > 0) {
		for (; n < w.we_wordc; n++)
			argv[n] = xstrdup(w.we_wordv[n]);
	} else {
		for (; n < 2; n++)
			argv[n] = xstrdup(shell[n]);
		argv[n] = xstrdup(command);
	}
	if (rc == 0 || rc == WRDE_NOSPACE)
		wordfree(&w);
	return argv;
}

/* In the child, so that $$ in the command is its own number: waits for the gate, then becomes the command. */
static void child_main(const char *command, int gate, int failure)
{
	char **argv = run_child_words(command), go;
	ssize_t n;
	int err;

	do {
		n = read(gate, &go, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
	run_stop_child();
	execvp(argv[0], argv);
	err = errno;
	/* Not a program: perhaps a word that the shell itself knows. */
	if (err == ENOENT && !strchr(argv[0], '/'))
		execlp("sh", "sh", "-c", command, (char *)NULL);
	n = write(failure, &err, sizeof(err));
	(void)n;	/* nobody left to tell */
	_exit(127);
}

int run_child_start(struct run_child *c, const char *command)
{
	int gate[2], failure[2], err;
	pid_t pid;

	*c = (struct run_child){ .gate = -1, .failure = -1 };
	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(failure, O_CLOEXEC)) {
		err = errno;
		close(gate[0]);
		close(gate[1]);
		return -err;
	}
	pid = fork();
	err = errno;
	if (pid == 0) {
		close(gate[1]);
		close(failure[0]);
		child_main(command, gate[0], failure[1]);
	}
	close(gate[0]);
	close(failure[1]);
	if (pid < 0) {
		close(gate[1]);
		close(failure[0]);
		return -err;
	}
	c->pid = pid;
	c->gate = gate[1];
	c->failure = failure[0];
	return 0;
}

int run_child_release(struct run_child *c)
{
	int err = 0;
	ssize_t n;

	if (c->gate < 0)
		return 0;
	n = write(c->gate, "", 1);
	(void)n;	/* a child already dead is found by run_child_poll() */
	close(c->gate);
	c->gate = -1;
	do {
		n = read(c->failure, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	close(c->failure);
	c->failure = -1;
	return n == (ssize_t)sizeof(err) ? -err : 0;
}

bool run_child_poll(struct run_child *c)
{
	int status;

	if (c->pid > 0 && !c->exited && waitpid(c->pid, &status, WNOHANG) == c->pid) {
		c->exited = true;
		c->status = status;
	}
	return c->exited;
}

void run_child_drop(struct run_child *c)
{
	bool held = c->gate >= 0;

	if (held)
		close(c->gate);
	if (c->failure >= 0)
		close(c->failure);
	c->gate = c->failure = -1;
	if (c->pid <= 0 || run_child_poll(c))
		return;
	if (held) {	/* ends by itself, its gate being closed */
		while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
			;
		c->exited = true;
	} else {
		kill(c->pid, SIGTERM);
		for (int i = 0; i < CHILD_GRACE_MS && !run_child_poll(c); i++)
			usleep(1000);
	}
}

bool run_child_failure(const struct run_child *c, char *buf, size_t size)
{
	if (!c->exited)
		return false;
	if (WIFSIGNALED(c->status)) {
		snprintf(buf, size, "exited with signal %d (%s)", WTERMSIG(c->status),
			 strsignal(WTERMSIG(c->status)));
		return true;
	}
	if (WIFEXITED(c->status) && WEXITSTATUS(c->status)) {
		snprintf(buf, size, "exited with status %d", WEXITSTATUS(c->status));
		return true;
	}
	return false;
}
