/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Returns of kernel functions, and hits of kernel functions that the kernel did not hand on.
 *
 * For a return the kernel must keep the call until it ends, and has room for a number of calls only: those that come
 * while all of it is in use go by.  A multi-link has room for two calls a processor and function, which functions that
 * sleep soon use up; a link of its own has room for ten or more, and an event of tracefs for as many as it is told (see
 * attach_shared.c).  What went by, and what was dropped within other probes, the kernel counts: in the link (since
 * 6.7), for events of tracefs in a file.
 */
#include "probe/attach_priv.h"

#include <bpf/bpf.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "probe/tracefs.h"

#define FEW_RETURNS	8	/* of a handler: the room of more in one link does */

bool *attach_alone_handlers(const struct program *p)
{
	size_t nh = arrlenu(p->handlers);
	unsigned *points = xcalloc(nh + 1, sizeof(*points));
	bool *alone = xcalloc(nh + 1, sizeof(*alone));

	for (size_t i = 0; i < arrlenu(p->points); i++)
		points[p->points[i].handler] += p->points[i].kind == POINT_KFUNC;
	for (size_t h = 0; h < nh; h++)
		alone[h] = p->handlers[h].kind == PROG_KRETPROBE && points[h] && points[h] < FEW_RETURNS;
	free(points);
	return alone;
}

void attach_note_link(struct attachment *a, int fd, bool is_return)
{
	arrput(a->counted, ((struct counted_link){ fd, is_return }));
}

/* struct bpf_link_info: its head, and what it has of kprobes */
struct link_info {
	uint32_t type, id, prog_id, pad;
	union {
		struct {
			uint64_t addrs;
			uint32_t count, flags;
			uint64_t missed, cookies;
		} multi;
		struct {
			uint32_t type, pad;
			uint64_t name;
			uint32_t name_len, offset;
			uint64_t addr, missed, cookie;
		} perf;
		uint64_t room[16];
	};
};

enum { LINK_PERF_EVENT = 7, LINK_KPROBE_MULTI = 8, PERF_KPROBE = 3, PERF_KRETPROBE = 4 };

static uint64_t link_missed(int fd)
{
	struct link_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	if (info.type == LINK_KPROBE_MULTI)
		return info.multi.missed;
	return info.type == LINK_PERF_EVENT && (info.perf.type == PERF_KPROBE || info.perf.type == PERF_KRETPROBE) ?
	       info.perf.missed : 0;
}

/* What tracefs counted for our events. */
static void events_missed(const struct attachment *a, struct attach_missed *m)
{
	size_t len = strlen(a->prefix);
	char path[PATH_MAX], name[128];
	uint64_t hits, missed;
	FILE *f;

	snprintf(path, sizeof(path), "%s/kprobe_profile", tracefs_path());
	f = fopen(path, "re");
	while (f && fscanf(f, "%127s %" SCNu64 " %" SCNu64, name, &hits, &missed) == 3)
		if (!strncmp(name, a->prefix, len) && (name[len] == 'r' || name[len] == 'p'))
			*(name[len] == 'r' ? &m->returns : &m->hits) += missed;
	if (f)
		fclose(f);
}

struct attach_missed attach_missed(const struct attachment *a)
{
	struct attach_missed m = { 0 };

	for (size_t i = 0; a && i < arrlenu(a->counted); i++)
		*(a->counted[i].is_return ? &m.returns : &m.hits) += link_missed(a->counted[i].fd);
	if (a && a->shared_armed)
		events_missed(a, &m);
	return m;
}
