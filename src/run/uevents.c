/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uevents: the kernel sends one for each object that comes, goes or changes, "ACTION@PATH" and then variables that are
 * not needed here.  Listening costs nothing until one comes.
 */
#include "run/uevents.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/modules.h"
#include "run/priv.h"
#include "run/processors.h"

#define UEVENTS_OF_KERNEL	1	/* the multicast group */

static const struct {
	const char *begin;		/* what is behind it is the name */
	bool (*wanted)(const struct run_session *s);
	void (*fn)(struct run_session *s, const char *name);
} events[] = {
	{ "add@/module/", run_modules_wanted, run_module_added },
	{ "remove@/module/", run_modules_wanted, run_module_removed },
	{ "online@/devices/system/cpu/cpu", run_processors_wanted, run_processor_online },
};
#define NEVENTS	(sizeof(events) / sizeof(events[0]))

int run_uevents_open(const struct run_session *s)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = UEVENTS_OF_KERNEL };
	bool wanted = false;
	int fd;

	for (size_t i = 0; i < NEVENTS; i++)
		wanted |= events[i].wanted(s);
	fd = wanted ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT) : -1;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void dispatch(struct run_session *s, const char *text)
{
	for (size_t i = 0; i < NEVENTS; i++) {
		size_t n = strlen(events[i].begin);

		if (!strncmp(text, events[i].begin, n) && events[i].wanted(s))
			events[i].fn(s, text + n);
	}
}

void run_uevents_read(struct run_session *s, int fd)
{
	char text[8192];
	struct sockaddr_nl from;

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &size);

		if (n < 0 && errno != ENOBUFS)	/* some were lost */
			break;
		if (n <= 0 || size < sizeof(from) || from.nl_pid != 0)	/* not the kernel's */
			continue;
		text[n] = '\0';
		dispatch(s, text);
	}
}
