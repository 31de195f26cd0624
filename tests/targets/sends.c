/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends itself signals in three ways, asks what is pending, fails to execute a program and executes one.  The strings
 * are on the stack, in memory that is there.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	char missing[] = "/nonexistent", x[] = "x", empty[] = "", present[] = "/bin/true", name[] = "true", two[] = "a b", c[] = "c";
	char *none[] = { x, empty, NULL }, *args[] = { name, two, c, NULL };
	char a[] = "A=1", b[] = "B=2", *env[] = { a, b, a, NULL };
	sigset_t set;

	printf("%d %lu\n", getpid(), (unsigned long)&set);
	fflush(stdout);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tkill, getpid(), SIGUSR2);
	syscall(SYS_tgkill, getpid(), getpid(), SIGCHLD);
	kill(-1234567, 0);
	sigpending(&set);
	execve(missing, none, env + 2);
	execve(present, args, env);
	return 1;
}
