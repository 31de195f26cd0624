/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uprobe multi-links: all uprobes of one handler in one file are one link, armed and released at once.
 *
 * libbpf 1.1 does not know them; the bpf(2) attribute is spelt out here.  The kernel takes or
 * refuses a whole link, so a refused one is halved until the points at fault stand alone.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/kernel_numbers.h"
#include "base/without.h"

#define UPROBE_MULTI_RETURN	1	/* flags */

/* union bpf_attr, link_create.uprobe_multi */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
	uint64_t room[16];
};

struct multi_set {
	const char *path;
	int prog_fd;
	bool is_return;
	int32_t pid;
	uint64_t *offsets, *ref_ctrs, *cookies;	/* stb_ds arrays */
	bool has_ref_ctr;
};

static int multi_link(const struct multi_set *s, size_t first, size_t n)
{
	struct multi_attr attr = {
		.prog_fd = (uint32_t)s->prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uint64_t)(uintptr_t)s->path,
		.offsets = (uint64_t)(uintptr_t)(s->offsets + first),
		.cookies = (uint64_t)(uintptr_t)(s->cookies + first),
		.ref_ctr_offsets = s->has_ref_ctr ? (uint64_t)(uintptr_t)(s->ref_ctrs + first) : 0,
		.cnt = (uint32_t)n,
		.multi_flags = s->is_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (uint32_t)s->pid,
	};

	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

static void multi_attach(struct attachment *a, const struct multi_set *s, size_t first, size_t n)
{
	int fd = multi_link(s, first, n);

	if (fd >= 0) {
		arrput(a->events, fd);
		a->armed += n;
	} else if (n == 1 || errno == EPERM || errno == ENOENT || errno == ESRCH) {
		int err = errno;

		for (size_t i = first; i < first + n; i++)
			attach_fail(a, (uint32_t)s->cookies[i], err, "uprobe at %s+0x%llx: %s", s->path,
				    (unsigned long long)s->offsets[i], strerror(err));
	} else {
		multi_attach(a, s, first, n / 2);
		multi_attach(a, s, first + n / 2, n - n / 2);
	}
}

static bool set_takes(const struct multi_set *s, const struct prog_point *p, int prog_fd, bool is_return)
{
	return s->prog_fd == prog_fd && s->is_return == is_return && s->pid == p->pid &&
	       !strcmp(s->path, p->path);
}

void attach_uprobes_multi(struct attachment *a, const struct attach_request *rq, const uint32_t *points,
			  size_t n)
{
	struct multi_set *sets = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct prog_point *p = &rq->program->points[points[i]];
		int fd = attach_program(rq, points[i]);
		bool is_return = rq->program->handlers[p->handler].kind == PROG_URETPROBE;
		size_t j = arrlenu(sets);

		/* points come grouped: look from the end */
		while (j > 0 && !set_takes(&sets[j - 1], p, fd, is_return))
			j--;
		if (!j) {
			struct multi_set s = { .path = p->path, .prog_fd = fd, .is_return = is_return,
					       .pid = p->pid };

			arrput(sets, s);
			j = arrlenu(sets);
		}
		arrput(sets[j - 1].offsets, p->offset);
		arrput(sets[j - 1].ref_ctrs, p->ref_ctr);
		arrput(sets[j - 1].cookies, points[i]);
		sets[j - 1].has_ref_ctr |= p->ref_ctr != 0;
	}
	for (size_t i = 0; i < arrlenu(sets); i++) {
		multi_attach(a, &sets[i], 0, arrlenu(sets[i].offsets));
		arrfree(sets[i].offsets);
		arrfree(sets[i].ref_ctrs);
		arrfree(sets[i].cookies);
	}
	arrfree(sets);
}

bool attach_has_uprobe_multi(void)
{
	static int known = -1;
	uint64_t offset = ~0ull, cookie = 0;
	struct multi_set s = { .path = "/", .offsets = &offset, .cookies = &cookie };
	int fd;

	if (known >= 0)
		return known;
	known = 0;
	if (without("uprobe_multi"))
		return false;
	s.prog_fd = attach_trivial_program(BPF_PROG_TYPE_KPROBE, TRACE_UPROBE_MULTI, 0);
	if (s.prog_fd < 0)
		return false;
	/* without the feature the kernel says EINVAL; with it, of a path that is no file, EBADF */
	fd = multi_link(&s, 0, 1);
	known = fd >= 0 || errno == EBADF;
	if (fd >= 0)
		close(fd);
	close(s.prog_fd);
	return known;
}
