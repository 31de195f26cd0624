/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Semaphores, messages and shared memory by the one call that 32-bit programs had for all of them. */
#define _GNU_SOURCE
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP, MSGSND = 11, MSGRCV, MSGGET, MSGCTL, SHMAT = 21, SHMDT, SHMGET, SHMCTL,
	OF_64_BITS = 0x100, LATER_VERSION = 1 << 16
};

static long ipc(unsigned call, long first, long second, long third, void *p, long fifth)
{
	return syscall(SYS_ipc, call, first, second, third, p, fifth);
}

static void semaphores(void)
{
	struct sembuf up = { 0, 1, 0 };
	struct { int s, ns; } timeout = { 1, 2000 };
	unsigned value = 5;
	long id = ipc(SEMGET, IPC_PRIVATE, 3, 0600 | IPC_CREAT, NULL, 0);

	ipc(SEMOP, id, 1, 0, &up, 0);
	ipc(SEMTIMEDOP, id, 1, 0, &up, (long)&timeout);
	ipc(SEMCTL, id, 1, SETVAL | OF_64_BITS, &value, 0);
	value = 0;
	ipc(SEMCTL, id, 0, IPC_RMID | OF_64_BITS, &value, 0);
}

static void messages(void)
{
	struct { long kind; char text[8]; } message = { 3, "hello" };
	struct { void *message; long kind; } where = { &message, 3 };
	long id = ipc(MSGGET, IPC_PRIVATE, 0600 | IPC_CREAT, 0, NULL, 0);

	ipc(MSGSND, id, 6, IPC_NOWAIT, &message, 0);
	ipc(MSGRCV, id, 8, IPC_NOWAIT, &where, 0);
	ipc(MSGSND, id, 7, IPC_NOWAIT, &message, 0);
	ipc(MSGRCV | LATER_VERSION, id, 8, IPC_NOWAIT, &message, 3);
	ipc(MSGCTL, id, IPC_RMID | OF_64_BITS, 0, NULL, 0);
}

static void memory(void)
{
	unsigned long at = 0;
	long id = ipc(SHMGET, IPC_PRIVATE, 4096, 0600 | IPC_CREAT, NULL, 0);

	ipc(SHMAT, id, 0, (long)&at, NULL, 0);
	ipc(SHMDT, 0, 0, 0, (void *)at, 0);
	ipc(SHMCTL, id, IPC_RMID | OF_64_BITS, 0, NULL, 0);
}

int main(void)
{
	semaphores();
	messages();
	memory();
	return 0;
}
