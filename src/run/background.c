/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions in the background: the fork, and the recorder that hands their output out. */
#include "run/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "run/sink.h"

#define RECORDER_BACKLOG 4	/* clients that wait to be accepted */
#define LAST_WORDS_MS	1000	/* how long the end of the session waits for a client to read */

struct run_recorder {
	struct run_sink *sink;
	struct sockaddr_un address;
	int listener, client;
	uint64_t sent;		/* of the sink's output, to this client */
};

/* ---- the fork ---- */

int run_background_fork(struct run_background *b)
{
	int pipe_fd[2], status;
	ssize_t n;
	char byte;

	*b = (struct run_background){ .status = -1 };
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	b->pid = fork();
	if (b->pid < 0) {
		int err = errno;

		close(pipe_fd[0]);
		close(pipe_fd[1]);
		return -err;
	}
	if (!b->pid) {
		close(pipe_fd[0]);
		setsid();
		b->ready = pipe_fd[1];
		return 0;
	}
	close(pipe_fd[1]);
	do {
		n = read(pipe_fd[0], &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		b->status = waitpid(b->pid, &status, 0) == b->pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	close(pipe_fd[0]);
	return 0;
}

void run_background_ready(int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ssize_t n;

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	n = write(ready, "", 1);
	(void)n;	/* nobody waits: nobody to tell */
	close(ready);
}

/* ---- the recorder ---- */

/* False with errno: the name is too long for a socket. */
static bool recorder_address(struct sockaddr_un *a, const char *name)
{
	int n;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", RUN_RECORDER_DIR, name);
	errno = ENAMETOOLONG;
	return n > 0 && (size_t)n < sizeof(a->sun_path);
}

/* Descriptor of a connection; -1 and errno: nobody serves there. */
static int recorder_connect(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a))) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* Descriptor of a socket that others can connect to; -1 and errno. */
static int recorder_listen(const struct sockaddr_un *a)
{
	int fd, err;

	mkdir(RUN_RECORDER_DIR, 0700);	/* a failure shows below */
	fd = recorder_connect(a);
	if (fd >= 0) {
		close(fd);
		errno = EADDRINUSE;
		return -1;
	}
	unlink(a->sun_path);		/* of a session that was killed */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (!bind(fd, (const struct sockaddr *)a, sizeof(*a)) && !listen(fd, RECORDER_BACKLOG)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

struct run_recorder *run_recorder_open(const char *name, struct run_sink *sink)
{
	struct run_recorder *r;
	struct sockaddr_un address;
	int fd;

	if (!recorder_address(&address, name))
		return NULL;
	fd = recorder_listen(&address);
	if (fd < 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	*r = (struct run_recorder){ .sink = sink, .address = address, .listener = fd, .client = -1 };
	return r;
}

static void recorder_hang_up(struct run_recorder *r)
{
	close(r->client);
	r->client = -1;
}

/* Hands out what the client has not seen; false: there is more, and it does not take it now. */
static bool recorder_send(struct run_recorder *r)
{
	const char *data;
	size_t len;

	while (r->client >= 0 && (len = run_sink_recorded(r->sink, &r->sent, &data)) > 0) {
		ssize_t n = send(r->client, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			r->sent += (uint64_t)n;
		else if (errno == EAGAIN)
			return false;
		else if (errno != EINTR)
			recorder_hang_up(r);
	}
	return true;
}

void run_recorder_poll(struct run_recorder *r, struct pollfd fds[RUN_RECORDER_FDS])
{
	bool all = recorder_send(r);

	fds[0] = (struct pollfd){ .fd = r->listener, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = r->client, .events = (short)(POLLIN | (all ? 0 : POLLOUT)) };
}

bool run_recorder_serve(struct run_recorder *r)
{
	bool quit = false;
	char command;
	ssize_t n;
	int fd;

	while ((fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (r->client >= 0)
			recorder_hang_up(r);	/* the latest one has it */
		r->client = fd;
		r->sent = 0;
	}
	while (r->client >= 0 && (n = recv(r->client, &command, 1, MSG_DONTWAIT)) >= 0) {
		if (!n) {
			recorder_hang_up(r);
			break;
		}
		quit |= command == RUN_RECORDER_QUIT;
	}
	recorder_send(r);
	return quit;
}

void run_recorder_close(struct run_recorder *r)
{
	struct timespec begin, now;

	if (!r)
		return;
	/* the name is free before the client knows of the end; whoever takes it then keeps it */
	unlink(r->address.sun_path);
	close(r->listener);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	now = begin;
	while (!recorder_send(r) && (now.tv_sec - begin.tv_sec) * 1000 < LAST_WORDS_MS) {
		struct pollfd p = { .fd = r->client, .events = POLLOUT };

		poll(&p, 1, LAST_WORDS_MS);
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	if (r->client >= 0)
		close(r->client);
	free(r);
}

/* ---- the client ---- */

static volatile sig_atomic_t follow_signal;

static void follow_on_signal(int sig)
{
	follow_signal = sig;
}

/* The signals are let through only while the client waits, so that none is missed; *waiting is the mask for that. */
static void follow_signals(sigset_t *waiting)
{
	struct sigaction sa = { .sa_handler = follow_on_signal };
	static const int list[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		sigaddset(&block, list[i]);
		sigaction(list[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, waiting);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sigdelset(waiting, list[i]);
}

static void follow_quit(int fd)
{
	static const char command = RUN_RECORDER_QUIT;

	send(fd, &command, 1, MSG_NOSIGNAL);
}

/* What the session sends, onto standard output; false when it has ended. */
static bool follow_output(int fd, bool quit)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0 && !quit && (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout)))
		follow_signal = SIGQUIT;	/* nobody reads: as if left */
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

int run_recorder_follow(const char *name, bool quit)
{
	struct sockaddr_un address;
	sigset_t waiting;
	struct pollfd p;
	bool going;

	p = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (recorder_address(&address, name))
		p.fd = recorder_connect(&address);
	if (p.fd < 0) {
		fprintf(stderr, "ERROR: no session %s runs in the background: %s\n", name, strerror(errno));
		return 1;
	}
	follow_signals(&waiting);
	if (quit)
		follow_quit(p.fd);
	do {
		ppoll(&p, 1, NULL, &waiting);
		going = follow_output(p.fd, quit);
		if (follow_signal == SIGQUIT) {
			fprintf(stderr, "\nDisconnecting from systemtap module.\n"
					"To reconnect, type \"staprun -A %s\"\n", name);
			break;
		}
		if (follow_signal)
			follow_quit(p.fd);
		follow_signal = 0;
	} while (going);
	close(p.fd);
	return 0;
}
