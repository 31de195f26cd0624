/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls whose arguments the 32-bit interface passes in its own way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void *thread(void *arg)
{
	nanosleep(&(struct timespec){ 0, 1000 }, NULL);
	return arg;
}

int main(void)
{
	struct sockaddr_un un = { AF_UNIX, "/nonexistent" };
	struct rlimit limit;
	struct stat st;
	pthread_t t;
	char buf[16];
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC), p[2] = { -1, -1 };

	stat("/etc/passwd", &st);
	if (pread(fd, buf, 10, 0x12) != 10 || lseek(fd, 1, SEEK_SET) != 1)
		return 1;
	if (!ftruncate(-1, 0x123456789) || posix_fadvise(fd, 0x100000001, 10, POSIX_FADV_WILLNEED))
		return 2;
	if (pipe(p) || write(p[1], "a\0\001\"\n", 5) != 5)
		return 3;
	signal(SIGUSR1, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	connect(fd, (struct sockaddr *)&un, sizeof(un));
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	return 0;
}
