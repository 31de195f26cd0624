/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of all CPUs: reading, and merging by time.  Records of one ring are in the order in which
 * they were reserved, which is the order of their times but for nested hits; so a merge of the heads by
 * time is enough.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/engine_priv.h"

#define RING_MIN	4096u
#define RING_MAX	(1u << 30)

static int open_ring(struct engine *e, uint32_t size)
{
	struct epoll_event ev = { .events = EPOLLIN };
	long page = sysconf(_SC_PAGESIZE);
	struct ring r = { .size = size };
	uint8_t *p;

	r.fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "output", 0, 0, size, NULL);
	if (r.fd < 0)
		return engine_fail(e, -errno, "cannot create an output buffer of %u bytes: %s (see -s)",
				   size, strerror(errno));
	if (e->unit.lo.ring_map)
		e->map_fds[e->unit.lo.ring_map + (uint32_t)arrlen(e->rings)] = r.fd;
	arrput(e->rings, r);
	p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	if (p == MAP_FAILED)
		return engine_fail(e, -errno, "cannot map an output buffer: %s", strerror(errno));
	arrlast(e->rings).consumer = (volatile uint64_t *)p;
	p = mmap(NULL, (size_t)page + 2 * (size_t)size, PROT_READ, MAP_SHARED, r.fd, page);
	if (p == MAP_FAILED)
		return engine_fail(e, -errno, "cannot map an output buffer: %s", strerror(errno));
	arrlast(e->rings).producer = (volatile uint64_t *)p;
	arrlast(e->rings).data = p + page;
	ev.data.u32 = (uint32_t)arrlen(e->rings) - 1;
	if (!epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, r.fd, &ev))
		return 0;
	return engine_fail(e, -errno, "cannot wait for an output buffer: %s", strerror(errno));
}

static int make_outer(struct engine *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .inner_map_fd = (__u32)e->rings[0].fd);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outputs", 4, 4, e->unit.lo.ncpu, &o);

	if (fd < 0)
		return engine_fail(e, -errno, "cannot create the array of output buffers: %s",
				   strerror(errno));
	e->map_fds[MAP_RINGS] = fd;
	for (uint32_t i = 0; i < e->unit.lo.ncpu; i++)
		if (bpf_map_update_elem(fd, &i, &e->rings[i].fd, 0))
			return engine_fail(e, -errno, "cannot fill the array of output buffers: %s", strerror(errno));
	return 0;
}

int rings_open(struct engine *e)
{
	uint64_t want = e->p->limits.buffer_bytes;
	uint32_t size = want > RING_MAX ? RING_MAX : want < RING_MIN ? RING_MIN : pow2_ceil((uint32_t)want);
	int err = 0;

	if (e->epoll_fd < 0)
		e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0)
		return engine_fail(e, -errno, "epoll: %s", strerror(errno));
	for (uint32_t i = 0; !err && i < e->unit.lo.ncpu; i++)
		err = open_ring(e, size);
	if (!err && !e->unit.lo.ring_map)
		err = make_outer(e);
	return err;
}

void rings_close(struct engine *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (ptrdiff_t i = 0; i < arrlen(e->rings); i++) {
		struct ring *r = &e->rings[i];

		if (r->consumer)
			munmap((void *)r->consumer, page);
		if (r->producer)
			munmap((void *)r->producer, page + 2 * (size_t)r->size);
		if (!e->unit.lo.ring_map)
			close(r->fd);
	}
	arrfree(e->rings);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	e->epoll_fd = -1;
}

int engine_poll_fd(const struct engine *e)
{
	return e->epoll_fd;
}

/* A reader's view of one ring. */
struct head {
	uint64_t pos, end;
	const struct wire_record *rec;	/* NULL: nothing more now */
	uint32_t len;			/* of the ring's own record, header included */
};

static bool valid(const struct engine *e, const struct wire_record *rec, uint32_t len)
{
	return len >= sizeof(*rec) && rec->size >= sizeof(*rec) && rec->size <= len &&
	       rec->point < (uint32_t)arrlen(e->p->points);
}

/* Finds the next record that was committed and is sound. */
static void advance(const struct engine *e, const struct ring *r, struct head *h)
{
	h->rec = NULL;
	while (h->pos < h->end) {
		const uint32_t *head = (const uint32_t *)(r->data + (h->pos & (r->size - 1)));
		uint32_t w = __atomic_load_n(head, __ATOMIC_ACQUIRE), len;

		if (w & BPF_RINGBUF_BUSY_BIT)
			return;
		len = w & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		h->len = (len + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
		if (len > r->size || h->pos + h->len > h->end)
			return;
		h->rec = (const struct wire_record *)(head + 2);
		if (!(w & BPF_RINGBUF_DISCARD_BIT) && valid(e, h->rec, len))
			return;
		h->rec = NULL;
		h->pos += h->len;
		__atomic_store_n(r->consumer, h->pos, __ATOMIC_RELEASE);
	}
}

static ptrdiff_t earliest(const struct head *heads, ptrdiff_t n, uint64_t until)
{
	ptrdiff_t best = -1;

	for (ptrdiff_t i = 0; i < n; i++)
		if (heads[i].rec && heads[i].rec->time_ns <= until &&
		    (best < 0 || heads[i].rec->time_ns < heads[best].rec->time_ns))
			best = i;
	return best;
}

long engine_drain(struct engine *e, uint64_t until, int (*fn)(void *ctx, const struct wire_record *r),
		  void *ctx)
{
	ptrdiff_t n = arrlen(e->rings), i;
	struct head *heads = xcalloc((size_t)n + 1, sizeof(*heads));
	long count = 0;
	int stop = 0;

	for (i = 0; i < n; i++) {
		heads[i].pos = *e->rings[i].consumer;
		heads[i].end = __atomic_load_n(e->rings[i].producer, __ATOMIC_ACQUIRE);
		advance(e, &e->rings[i], &heads[i]);
	}
	while (!stop && (i = earliest(heads, n, until)) >= 0) {
		stop = fn(ctx, heads[i].rec);
		count++;
		heads[i].pos += heads[i].len;
		__atomic_store_n(e->rings[i].consumer, heads[i].pos, __ATOMIC_RELEASE);
		advance(e, &e->rings[i], &heads[i]);
	}
	free(heads);
	return count;
}
