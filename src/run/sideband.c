/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_event_open(2) of PERF_COUNT_SW_DUMMY on every CPU with mmap2, comm_exec and
 * task records, stamped with CLOCK_MONOTONIC.  Records of all CPUs are collected, sorted by
 * time and applied: a process may fork on one CPU and map on another.
 */
#include "run/sideband.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define SIDEBAND_RING (256 * 1024)	/* bytes a CPU, a power of two */

struct side_cpu {
	int cpu;
	int fd;
	struct perf_event_mmap_page *page;
};

enum side_kind { SIDE_MAP, SIDE_FORK, SIDE_EXEC, SIDE_EXIT };

struct side_event {
	uint64_t time;
	size_t order;			/* for equal times */
	enum side_kind kind;
	pid_t pid, parent;
	struct run_map map;
};

struct run_sideband {
	struct side_cpu *cpus;		/* stb_ds array */
	struct side_event *events;	/* stb_ds array, kept between drains for its memory */
	uint64_t lost;
	size_t page_size;
};

/* What precedes the payload differs by type; sample_id_all appends this to every record. */
struct side_id {
	uint32_t pid, tid;
	uint64_t time;
};

static int side_event_open(int cpu)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME, .sample_id_all = 1,
		.mmap = 1, .mmap2 = 1, .comm = 1, .comm_exec = 1, .task = 1,
		.use_clockid = 1, .clockid = CLOCK_MONOTONIC, .watermark = 1,
		.wakeup_watermark = SIDEBAND_RING,
	};

	return (int)syscall(SYS_perf_event_open, &a, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The records of one more processor; 0 or a positive errno. */
static int side_open_cpu(struct run_sideband *sb, int cpu)
{
	struct side_cpu c = { .cpu = cpu, .fd = side_event_open(cpu) };
	int err;

	if (c.fd < 0)
		return errno;
	c.page = mmap(NULL, sb->page_size + SIDEBAND_RING, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	if (c.page == MAP_FAILED) {
		err = errno;
		close(c.fd);
		return err;
	}
	arrput(sb->cpus, c);
	return 0;
}

static void side_close_cpu(const struct run_sideband *sb, const struct side_cpu *c)
{
	munmap(c->page, sb->page_size + SIDEBAND_RING);
	close(c->fd);
}

struct run_sideband *run_sideband_open(void)
{
	struct run_sideband *sb = xcalloc(1, sizeof(*sb));
	long ncpu = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	sb->page_size = (size_t)sysconf(_SC_PAGESIZE);
	for (int cpu = 0; cpu < ncpu && !err; cpu++) {
		err = side_open_cpu(sb, cpu);
		if (err == ENODEV)	/* offline */
			err = 0;
	}
	if (!err && arrlenu(sb->cpus))
		return sb;
	run_sideband_close(sb);
	errno = err ? err : ENODEV;
	return NULL;
}

static bool side_parse_map(struct side_event *e, const uint8_t *p, const uint8_t *end)
{
	struct {
		uint32_t pid, tid;
		uint64_t addr, len, pgoff;
		uint32_t maj, min;
		uint64_t ino, generation;
		uint32_t prot, flags;
	} r;

	if ((size_t)(end - p) < sizeof(r))
		return false;
	memcpy(&r, p, sizeof(r));
	if (!(r.prot & PROT_EXEC) || !r.len || r.addr + r.len < r.addr)
		return false;
	e->kind = SIDE_MAP;
	e->pid = (pid_t)r.pid;
	e->map = (struct run_map){ .start = r.addr, .end = r.addr + r.len, .pgoff = r.pgoff,
				   .dev_major = r.maj, .dev_minor = r.min, .ino = r.ino };
	p += sizeof(r);		/* the path, which need not be terminated within the record */
	run_map_set_path(&e->map, (const char *)p, strnlen((const char *)p, (size_t)(end - p)));
	return strcmp(e->map.path, "//anon") && e->map.path[0];
}

/* Takes one record apart; false: of no interest, or not well-formed. */
static bool side_parse(struct run_sideband *sb, const struct perf_event_header *h,
		       const uint8_t *body, size_t len, struct side_event *e)
{
	const uint8_t *end;
	struct side_id id;
	uint32_t pid[2];

	if (h->type == PERF_RECORD_LOST) {
		uint64_t lost[2];

		if (len >= sizeof(lost)) {
			memcpy(lost, body, sizeof(lost));
			sb->lost += lost[1];
		}
		return false;
	}
	if (len < sizeof(id) + sizeof(pid))
		return false;
	end = body + len - sizeof(id);
	memcpy(&id, end, sizeof(id));
	memcpy(pid, body, sizeof(pid));
	e->time = id.time;
	e->pid = (pid_t)pid[0];
	e->parent = (pid_t)pid[1];
	switch (h->type) {
	case PERF_RECORD_MMAP2:
		return side_parse_map(e, body, end);
	case PERF_RECORD_COMM:
		e->kind = SIDE_EXEC;
		return (h->misc & PERF_RECORD_MISC_COMM_EXEC) != 0;
	case PERF_RECORD_FORK:
		e->kind = SIDE_FORK;
		return e->pid != e->parent;
	case PERF_RECORD_EXIT:
		e->kind = SIDE_EXIT;
		/* pid, ppid, tid, ptid: only the leader's exit ends the process for us */
		if (len < sizeof(id) + 4 * sizeof(uint32_t))
			return false;
		memcpy(pid, body + 8, sizeof(pid));
		return (pid_t)pid[0] == e->pid;
	default:
		return false;
	}
}

/* Collects a CPU's records. */
static void side_read_cpu(struct run_sideband *sb, struct side_cpu *c)
{
	const uint8_t *ring = (const uint8_t *)c->page + sb->page_size;
	uint64_t head = __atomic_load_n(&c->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = c->page->data_tail;
	uint8_t rec[65536];

	while (tail + sizeof(struct perf_event_header) <= head) {
		struct perf_event_header h;
		struct side_event e = { 0 };

		for (size_t i = 0; i < sizeof(h); i++)
			((uint8_t *)&h)[i] = ring[(tail + i) & (SIDEBAND_RING - 1)];
		if (h.size < sizeof(h) || tail + h.size > head) {
			tail = head;	/* nonsense: resynchronise */
			break;
		}
		for (size_t i = 0; i < h.size; i++)
			rec[i] = ring[(tail + i) & (SIDEBAND_RING - 1)];
		tail += h.size;
		if (side_parse(sb, &h, rec + sizeof(h), h.size - sizeof(h), &e)) {
			e.order = arrlenu(sb->events);
			arrput(sb->events, e);
		}
	}
	__atomic_store_n(&c->page->data_tail, tail, __ATOMIC_RELEASE);
}

static int side_compare(const void *va, const void *vb)
{
	const struct side_event *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void run_sideband_drain(struct run_sideband *sb, struct run_procs *ps)
{
	for (size_t i = 0; i < arrlenu(sb->cpus); i++)
		side_read_cpu(sb, &sb->cpus[i]);
	if (arrlenu(sb->events) > 1)
		qsort(sb->events, arrlenu(sb->events), sizeof(*sb->events), side_compare);
	for (size_t i = 0; i < arrlenu(sb->events); i++) {
		struct side_event *e = &sb->events[i];

		switch (e->kind) {
		case SIDE_MAP:
			e->map.since = e->time;
			run_procs_map(ps, e->pid, &e->map);
			break;
		case SIDE_FORK:
			run_procs_fork(ps, e->parent, e->pid, e->time);
			break;
		case SIDE_EXEC:
			run_procs_exec(ps, e->pid, e->time);
			break;
		case SIDE_EXIT:
			run_procs_exit(ps, e->pid, e->time);
			break;
		}
	}
	if (sb->events)
		arrsetlen(sb->events, 0);
}

int run_sideband_cpu_online(struct run_sideband *sb, int cpu)
{
	for (size_t i = arrlenu(sb->cpus); i-- > 0;)
		if (sb->cpus[i].cpu == cpu) {	/* from before it went offline */
			side_read_cpu(sb, &sb->cpus[i]);
			side_close_cpu(sb, &sb->cpus[i]);
			arrdelswap(sb->cpus, i);
		}
	return side_open_cpu(sb, cpu);
}

uint64_t run_sideband_lost(const struct run_sideband *sb)
{
	return sb->lost;
}

void run_sideband_close(struct run_sideband *sb)
{
	if (!sb)
		return;
	for (size_t i = 0; i < arrlenu(sb->cpus); i++)
		side_close_cpu(sb, &sb->cpus[i]);
	arrfree(sb->cpus);
	arrfree(sb->events);
	free(sb);
}
