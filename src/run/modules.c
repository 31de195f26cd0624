/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules that come and go while the session runs.
 *
 * Points are resolved before the session begins: a module that is loaded later is left alone, and one that goes takes
 * its probes with it.  The user is told.  The kernel announces both by uevents, so that listening costs nothing.
 */
#include "run/modules.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "run/priv.h"

#define UEVENTS_OF_KERNEL	1	/* the multicast group */
#define ADDED			"add@/module/"
#define REMOVED			"remove@/module/"

int run_modules_open(const struct run_session *s)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = UEVENTS_OF_KERNEL };
	int fd;

	if (!arrlenu(s->prog->late))
		return -1;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct function_search {
	const char *module, *glob;
	bool found;
};

static bool matches(void *ctx, const struct procfs_symbol *sym)
{
	struct function_search *fs = ctx;

	fs->found = sym->module && !strcmp(sym->module, fs->module) && strchr("tT", sym->type) &&
		    !fnmatch(fs->glob, sym->name, 0);
	return !fs->found;
}

static void on_added(struct run_session *s, const char *module)
{
	for (size_t i = 0; i < arrlenu(s->prog->late); i++) {
		const struct prog_late *l = &s->prog->late[i];
		struct function_search fs = { module, l->function, !l->function };

		if (fnmatch(l->module, module, 0))
			continue;
		if (!fs.found)
			procfs_each_symbol(matches, &fs);
		if (fs.found)
			run_warn(s, "kernel module '%s' was loaded after the script was started: %s does not probe it",
				 module, l->point);
	}
}

static void on_removed(struct run_session *s, const char *module)
{
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		n += p->kind == POINT_KFUNC && p->str[IR_PP_MODULE] && !strcmp(p->str[IR_PP_MODULE], module);
	}
	if (n)
		run_warn(s, "kernel module '%s' was unloaded: %zu probe point%s gone with it", module, n,
			 n == 1 ? " is" : "s are");
}

void run_modules_read(struct run_session *s, int fd)
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
		if (!strncmp(text, ADDED, strlen(ADDED)))
			on_added(s, text + strlen(ADDED));
		else if (!strncmp(text, REMOVED, strlen(REMOVED)))
			on_removed(s, text + strlen(REMOVED));
	}
}
