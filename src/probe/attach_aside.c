/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes in the background, for what the kernel takes long to do, so that nobody waits for it at a prompt.
 *
 * Closing a perf event of a uprobe or tracepoint, and its link, waits for grace periods of the kernel (some
 * 100 ms) with a global lock held, so hundreds of them take a minute, from however many threads.  A
 * process in the background, which shares them, lets go of them last and with the grace periods
 * expedited, and the caller waits for it only a moment.  The programs may be hit until it is done.
 *
 * It holds two ends of pipes: at the end of `go` it is to let go, at the end of `done` it has.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define RELEASE_WAIT_MS	500	/* how long letting go may keep the caller */
#define EXPEDITE	"/sys/kernel/rcu_expedited"

/*
 * Has the kernel hurry with grace periods.  The lock makes several of us take turns, or one would "restore"
 * what another has set; the kernel lets only one close at a time anyway.  -1: could not.
 */
static int expedite(char *before)
{
	int fd = open(EXPEDITE, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX) && pread(fd, before, 1, 0) == 1 && pwrite(fd, "1", 1, 0) == 1)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void attach_aside_end(int go, const int *events, int definitions, char *const *removals)
{
	char before, nothing;
	int hurry;

	while (read(go, &nothing, 1) < 0 && errno == EINTR)
		;
	hurry = expedite(&before);
	for (size_t i = 0; i < arrlenu(events); i++)
		close(events[i]);
	for (size_t i = 0; i < arrlenu(removals); i++)
		if (write(definitions, removals[i], strlen(removals[i])) < 0)
			break;
	if (hurry >= 0 && pwrite(hurry, &before, 1, 0) != 1)
		_exit(1);
	_exit(0);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes all descriptors but these (sorted, not negative), so that no pipe or terminal is held open. */
static void close_others(const int *keep, size_t n)
{
	unsigned next = 0;
	int fd;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned)keep[i] > next)
			close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	close_range(next, ~0u, 0);
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 2);
}

/* Out of reach of the terminal: it ends when its owner does, whom signals reach. */
static void leave(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

	setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

/* Starts the process, nobody's child, with these descriptors (sorted here); as fork() does. */
static pid_t fork_aside(int *keep, size_t n)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		qsort(keep, n, sizeof(*keep), compare_fds);
		close_others(keep, n);
		leave();
		return 0;
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0 ? pid : -1;
}

static void close_both(const int *fds)
{
	close(fds[0]);
	close(fds[1]);
}

pid_t attach_aside_start(const int *fds, size_t n, struct attach_aside *aside)
{
	int done[2], go[2], *keep;
	pid_t pid;

	if (pipe2(done, O_CLOEXEC))
		return -1;
	if (pipe2(go, O_CLOEXEC)) {
		close_both(done);
		return -1;
	}
	keep = xmalloc((n + 2) * sizeof(*keep));
	if (n)
		memcpy(keep, fds, n * sizeof(*keep));
	keep[n] = go[0];
	keep[n + 1] = done[1];
	pid = fork_aside(keep, n + 2);
	free(keep);
	if (!pid) {
		*aside = (struct attach_aside){ .go = go[0], .done = done[1] };
		return 0;
	}
	close(go[0]);
	close(done[1]);
	*aside = (struct attach_aside){ .go = go[1], .done = done[0] };
	if (pid < 0) {
		close(go[1]);
		close(done[0]);
	}
	return pid;
}

void attach_aside_finish(const struct attach_aside *aside)
{
	struct pollfd p = { .fd = aside->done };

	close(aside->go);
	poll(&p, 1, RELEASE_WAIT_MS);
	close(aside->done);
}

bool attach_close_aside(const int *events)
{
	size_t n = arrlenu(events);
	struct attach_aside aside;
	pid_t pid = attach_aside_start(events, n, &aside);

	if (!pid)
		attach_aside_end(aside.go, events, 0, NULL);
	if (pid < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		close(events[i]);
	attach_aside_finish(&aside);
	return true;
}
