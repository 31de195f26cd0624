/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that end the session or switch its output file, as an eventfd for the event loop and a flag for
 * loops that do not poll (the user engine).  Plain handlers rather than a
 * signalfd, so that a second signal works while a handler of the script runs.
 */
#include "run/stop.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

volatile sig_atomic_t run_stop_signal, run_stop_switch;

static volatile sig_atomic_t stop_fd = -1;
static void (*volatile stop_last)(void);

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define STOP_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))

static struct sigaction stop_saved[STOP_COUNT], stop_saved_chld, stop_saved_pipe, stop_saved_switch,
	stop_saved_size;
static sigset_t stop_saved_mask;
static bool stop_installed;

static void stop_wake(void)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(stop_fd, &one, sizeof(one));

	(void)n;	/* a full counter wakes as well */
	errno = saved;
}

static void stop_on_signal(int sig)
{
	if (run_stop_signal) {
		if (stop_last)
			stop_last();
		_exit(128 + sig);
	}
	run_stop_signal = sig;
	stop_wake();
}

static void stop_on_child(int sig)
{
	(void)sig;
	stop_wake();
}

static void stop_on_switch(int sig)
{
	(void)sig;
	run_stop_switch = 1;
	stop_wake();
}

void run_stop_last(void (*fn)(void))
{
	stop_last = fn;
}

int run_stop_install(void)
{
	struct sigaction sa = { .sa_handler = stop_on_signal };
	sigset_t unblock;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	stop_fd = fd;
	run_stop_signal = run_stop_switch = 0;
	sigemptyset(&sa.sa_mask);
	sigemptyset(&unblock);
	for (size_t i = 0; i < STOP_COUNT; i++) {
		sigaction(stop_signals[i], NULL, &stop_saved[i]);
		/* nohup keeps its word; but a job that a script's & has started must end by kill -INT. */
		if (stop_signals[i] != SIGHUP || stop_saved[i].sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &sa, NULL);
		sigaddset(&unblock, stop_signals[i]);
	}
	sa.sa_handler = stop_on_child;
	sa.sa_flags = SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, &stop_saved_chld);
	sigaddset(&unblock, SIGCHLD);
	sa.sa_handler = stop_on_switch;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &sa, &stop_saved_switch);
	sigaddset(&unblock, SIGUSR2);
	sa.sa_handler = SIG_IGN;
	sa.sa_flags = 0;
	sigaction(SIGPIPE, &sa, &stop_saved_pipe);
	sigaction(SIGXFSZ, &sa, &stop_saved_size);	/* write(2) tells of it, too */
	sigprocmask(SIG_UNBLOCK, &unblock, &stop_saved_mask);
	stop_installed = true;
	return fd;
}

void run_stop_clear(int fd)
{
	uint64_t n;
	ssize_t r = read(fd, &n, sizeof(n));

	(void)r;	/* EAGAIN: empty already */
}

void run_stop_child(void)
{
	if (!stop_installed)
		return;
	for (size_t i = 0; i < STOP_COUNT; i++)
		sigaction(stop_signals[i], &stop_saved[i], NULL);
	sigaction(SIGCHLD, &stop_saved_chld, NULL);
	sigaction(SIGPIPE, &stop_saved_pipe, NULL);
	sigaction(SIGUSR2, &stop_saved_switch, NULL);
	sigaction(SIGXFSZ, &stop_saved_size, NULL);
	sigprocmask(SIG_SETMASK, &stop_saved_mask, NULL);
}

void run_stop_remove(int fd)
{
	run_stop_child();
	stop_installed = false;
	stop_fd = -1;
	if (fd >= 0)
		close(fd);
}
