/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points through perf events: uprobes where there are no multi-links, tracepoints, the profiling clock.
 * One event (and link) each; the link carries the cookie.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "probe/tracefs.h"

static int event_open(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	attr->size = sizeof(*attr);
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int event_link(int prog_fd, int event_fd, uint64_t cookie)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog_fd;
	attr.link_create.target_fd = (uint32_t)event_fd;
	attr.link_create.attach_type = BPF_PERF_EVENT;
	attr.link_create.perf_event.bpf_cookie = cookie;
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

int attach_event_open(struct perf_event_attr *attr, pid_t pid, int cpu, int prog_fd, uint32_t point,
		      struct event_fds *fds)
{
	int event = event_open(attr, pid, cpu), link, err;

	if (event < 0)
		return errno;
	link = event_link(prog_fd, event, point);
	if (link < 0) {
		err = errno;
		close(event);
		return err;
	}
	if (ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		err = errno;
		close(link);
		close(event);
		return err;
	}
	*fds = (struct event_fds){ link, event };
	return 0;
}

int attach_event(struct attachment *a, struct perf_event_attr *attr, pid_t pid, int cpu, int prog_fd,
		     uint32_t point)
{
	struct event_fds fds;
	int err = attach_event_open(attr, pid, cpu, prog_fd, point, &fds);

	if (err)
		return err;
	arrput(a->events, fds.link);		/* the last but one, as attach_kernel.c knows */
	arrput(a->events, fds.event);
	return 0;
}

bool attach_read_number(const char *path, const char *format, unsigned *v)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fscanf(f, format, v) == 1;
	fclose(f);
	return ok;
}

/* Type of the uprobe event source and its return bit; false: the kernel has none. */
static bool uprobe_source(unsigned *type, unsigned *return_bit, unsigned *ref_shift)
{
#define SOURCE "/sys/bus/event_source/devices/uprobe/"
	*ref_shift = 0;
	attach_read_number(SOURCE "format/ref_ctr_offset", "config:%u", ref_shift);
	return attach_read_number(SOURCE "type", "%u", type) &&
	       attach_read_number(SOURCE "format/retprobe", "config:%u", return_bit);
#undef SOURCE
}

bool attach_has_perf_cookie(void)
{
	union bpf_attr attr;

	/* a perf link of nothing: a kernel that knows such links complains about the program */
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)-1;
	attr.link_create.target_fd = (uint32_t)-1;
	attr.link_create.attach_type = BPF_PERF_EVENT;
	attr.link_create.perf_event.bpf_cookie = 1;
	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)) < 0 && errno == EBADF;
}

void attach_uprobe_perf(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	unsigned type, return_bit, ref_shift;
	struct perf_event_attr attr = { 0 };
	int err;

	if (!uprobe_source(&type, &return_bit, &ref_shift)) {
		attach_fail(a, point, ENOTSUP, "the kernel offers no uprobes (CONFIG_UPROBE_EVENTS)");
		return;
	}
	attr.type = type;
	if (rq->program->handlers[p->handler].kind == PROG_URETPROBE)
		attr.config |= 1ull << return_bit;
	if (p->ref_ctr && ref_shift)
		attr.config |= p->ref_ctr << ref_shift;
	attr.config1 = (uint64_t)(uintptr_t)p->path;
	attr.config2 = p->offset;
	err = attach_event(a, &attr, p->pid > 0 ? p->pid : -1, p->pid > 0 ? -1 : 0,
			attach_program(rq, point), point);
	if (err)
		attach_fail(a, point, err, "uprobe at %s+0x%llx: %s", p->path, (unsigned long long)p->offset,
			    strerror(err));
	else
		a->armed++;
}

bool attach_can_kprobe(const char *function)
{
	struct perf_event_attr attr;
	int fd = attach_kprobe_attr(&attr, function) ? event_open(&attr, -1, 0) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void attach_kprobe(struct attachment *a, const struct attach_request *rq, uint32_t point, const char *function)
{
	struct perf_event_attr attr;
	int err = !function || !attach_kprobe_attr(&attr, function) ? ENOTSUP :
		  attach_event(a, &attr, -1, 0, attach_program(rq, point), point);

	if (err)
		attach_fail(a, point, err, "kprobe at %s: %s", function ? function : "the end of processes",
			    strerror(err));
	else
		a->armed++;
}

static bool tracepoint_id(const char *category, const char *event, unsigned *id)
{
	char path[PATH_MAX];
	int n;

	if (!tracefs_path())
		return false;
	n = snprintf(path, sizeof(path), "%s/events/%s/%s/id", tracefs_path(), category, event);
	return n > 0 && (size_t)n < sizeof(path) && attach_read_number(path, "%u", id);
}

int attach_tracefs_event(struct attachment *a, const char *category, const char *event, int prog_fd, uint32_t point)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1,
					.sample_type = PERF_SAMPLE_RAW, .wakeup_events = 1 };
	unsigned id;

	if (!tracepoint_id(category, event, &id))
		return ENOENT;
	attr.config = id;
	return attach_event(a, &attr, -1, 0, prog_fd, point);
}

void attach_tracepoint(struct attachment *a, const struct attach_request *rq, uint32_t point,
		       const char *category, const char *event)
{
	int err = attach_tracefs_event(a, category, event, attach_program(rq, point), point);

	if (err == ENOENT)
		attach_fail(a, point, err,
			    "no tracepoint %s:%s (tracefs is not mounted, or not readable for this user)", category,
			    event);
	else if (err)
		attach_fail(a, point, err, "tracepoint %s:%s: %s", category, event, strerror(err));
	else
		a->armed++;
}

void attach_profile(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	struct perf_event_attr attr = { .type = p->perf_type, .config = p->perf_config };
	int err;

	if (p->freq_hz) {
		attr.freq = 1;
		attr.sample_freq = (uint64_t)p->freq_hz;
	} else {
		attr.sample_period = (uint64_t)p->period_ns;
	}
	err = attach_on_cpus(a, &attr, attach_program(rq, point), point);
	if (err)
		attach_fail(a, point, err, "perf event of type %u, config %llu: %s", p->perf_type,
			    (unsigned long long)p->perf_config, err == ENOENT || err == EOPNOTSUPP ?
			    "this machine does not count such events" : strerror(err));
	else
		a->armed++;
}
