/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points in the kernel: raw tracepoints, entries and returns of functions by trampoline (fentry, fexit), by
 * kprobe multi-link, or by one perf event each.
 *
 * libbpf 1.1 knows these links, but not the cookies of all; the bpf(2) attributes are spelt out here.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/kernel_numbers.h"
#include "base/without.h"
#include "probe/ksyms.h"

#define KPROBE_MULTI_RETURN	1	/* flags */
#define RAW_OPEN_SIZE		16	/* of the attribute before it had cookies */

/* union bpf_attr, raw_tracepoint, with the cookie of 6.10; a name of 0: the program knows its place */
static int raw_open(const char *name, int prog_fd, uint64_t cookie)
{
	struct {
		uint64_t name;
		uint32_t prog_fd, pad;
		uint64_t cookie;
		uint64_t room[16];
	} attr = { .name = (uint64_t)(uintptr_t)name, .prog_fd = (uint32_t)prog_fd, .cookie = cookie };
	int fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));

	if (fd < 0 && (errno == E2BIG || errno == EINVAL))	/* no cookies here */
		fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, RAW_OPEN_SIZE);
	return fd;
}

static enum prog_kind kind_of(const struct attach_request *rq, uint32_t point)
{
	return rq->program->handlers[rq->program->points[point].handler].kind;
}

static void keep_link(struct attachment *a, int fd)
{
	arrput(a->fds, fd);
	a->armed++;
}

void attach_raw_tracepoint(struct attachment *a, const struct attach_request *rq, uint32_t point,
			   const char *name)
{
	int fd = raw_open(kind_of(rq, point) == PROG_TP_BTF ? NULL : name, attach_program(rq, point), point);

	if (fd < 0)
		attach_fail(a, point, errno, "raw tracepoint %s: %s", name, strerror(errno));
	else
		keep_link(a, fd);
}

void attach_syscall(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	int prog = attach_program(rq, point), fd;

	for (uint32_t i = 0; i < point; i++) {
		if (rq->program->points[i].kind == POINT_SYSCALL && attach_program(rq, i) == prog) {
			a->armed++;
			return;
		}
	}
	fd = raw_open(NULL, prog, 0);
	if (fd < 0)
		attach_fail(a, point, errno, "system calls: %s", strerror(errno));
	else
		keep_link(a, fd);
}

/* ---- one kernel function ---- */

#define KPROBE_SOURCE "/sys/bus/event_source/devices/kprobe/"

bool attach_has_kprobes(void)
{
	unsigned type;

	return !without("kprobe") && attach_read_number(KPROBE_SOURCE "type", "%u", &type);
}

bool attach_kprobe_attr(struct perf_event_attr *attr, const char *function)
{
	unsigned type;

	if (!attach_read_number(KPROBE_SOURCE "type", "%u", &type))
		return false;
	*attr = (struct perf_event_attr){ .type = type, .config1 = (uint64_t)(uintptr_t)function };
	return true;
}

const char *attach_function_problem(const char *function, int err)
{
	if (err == EBUSY && !ksyms_traceable(function))
		err = EINVAL;	/* what trampolines say of functions that are marked notrace */
	switch (err) {
	case ENOENT:
	case ESRCH:
		return "there is no such function in the running kernel";
	case EINVAL:
		return "the kernel does not let it be probed (it is marked notrace or is on the list of functions that "
		       "kprobes must not touch)";
	case EADDRNOTAVAIL:
		return "several functions have this name";
	case EBUSY:
		return "its first instruction is not one that can be replaced, or another tracer holds it";
	default:
		return strerror(err);
	}
}

static void attach_function_kprobe(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	struct perf_event_attr attr;
	unsigned bit = 0;
	int err;

	if (!attach_kprobe_attr(&attr, p->name)) {
		attach_fail(a, point, ENOTSUP, "the kernel offers no kprobes (CONFIG_KPROBE_EVENTS)");
		return;
	}
	attach_read_number(KPROBE_SOURCE "format/retprobe", "config:%u", &bit);
	if (kind_of(rq, point) == PROG_KRETPROBE)
		attr.config = 1ull << bit;
	if (p->address)
		attr.config1 = 0;	/* no name: config2 is the address */
	attr.config2 = p->address ? p->address : p->offset;
	err = attach_event(a, &attr, -1, 0, attach_program(rq, point), point);
	if (err == EINVAL && kind_of(rq, point) == PROG_KINSN)
		attach_fail(a, point, err,
			    "kprobe in %s: the kernel does not let the instruction be probed: it changes it itself "
			    "(a static branch or call), it is a trap (WARN, BUG), or the function is on the list of "
			    "those that kprobes must not touch", p->name);
	else if (err)
		attach_fail(a, point, err, "kprobe of %s: %s", p->name, attach_function_problem(p->name, err));
	if (err)
		return;
	attach_note_link(a, a->events[arrlenu(a->events) - 2], kind_of(rq, point) == PROG_KRETPROBE);
	a->armed++;
}

void attach_kernel_function(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const char *name = rq->program->points[point].name;
	enum prog_kind kind = kind_of(rq, point);
	int fd, err;

	if (kind != PROG_FENTRY && kind != PROG_FEXIT) {
		attach_function_kprobe(a, rq, point);
		return;
	}
	fd = raw_open(NULL, attach_program(rq, point), point);
	err = errno;
	if (fd < 0)
		attach_fail(a, point, err, "%s of %s: %s", kind == PROG_FENTRY ? "entry" : "return", name,
			    attach_function_problem(name, err));
	else
		keep_link(a, fd);
}

/* ---- many: one link for each program ---- */

/* union bpf_attr, link_create.kprobe_multi */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint32_t multi_flags, cnt;
	uint64_t syms, addrs, cookies;
	uint64_t room[16];
};

struct kprobe_set {
	int prog_fd;
	bool is_return, by_name;	/* by_name: the kernel hides some address from us, but looks names up itself */
	uint64_t *addrs, *cookies;	/* stb_ds arrays */
	const char **names;		/* stb_ds array */
};

static int multi_link(const struct kprobe_set *s, size_t first, size_t n)
{
	struct multi_attr attr = {
		.prog_fd = (uint32_t)s->prog_fd,
		.attach_type = TRACE_KPROBE_MULTI,
		.multi_flags = s->is_return ? KPROBE_MULTI_RETURN : 0,
		.cnt = (uint32_t)n,
		.syms = s->by_name ? (uint64_t)(uintptr_t)(s->names + first) : 0,
		.addrs = s->by_name ? 0 : (uint64_t)(uintptr_t)(s->addrs + first),
		.cookies = (uint64_t)(uintptr_t)(s->cookies + first),
	};

	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* The kernel takes or refuses a whole link: a refused one is halved until those at fault stand alone. */
static void multi_attach(struct attachment *a, const struct attach_request *rq, const struct kprobe_set *s,
			 size_t first, size_t n)
{
	int fd = multi_link(s, first, n), err = errno;

	if (fd >= 0) {
		arrput(a->fds, fd);
		attach_note_link(a, fd, s->is_return);
		a->armed += n;
	} else if (n == 1 || err == EPERM || err == EOPNOTSUPP) {
		for (size_t i = first; i < first + n; i++) {
			const char *name = rq->program->points[s->cookies[i]].name;

			attach_fail(a, (uint32_t)s->cookies[i], err, "kprobe of %s: %s", name,
				    attach_function_problem(name, err));
		}
	} else {
		multi_attach(a, rq, s, first, n / 2);
		multi_attach(a, rq, s, first + n / 2, n - n / 2);
	}
}

void attach_kprobes_multi(struct attachment *a, const struct attach_request *rq, const uint32_t *points,
			  size_t n)
{
	struct kprobe_set *sets = NULL;

	for (size_t i = 0; i < n; i++) {
		int fd = attach_program(rq, points[i]);
		bool is_return = kind_of(rq, points[i]) == PROG_KRETPROBE;
		size_t j = arrlenu(sets);

		while (j > 0 && (sets[j - 1].prog_fd != fd || sets[j - 1].is_return != is_return))
			j--;
		if (!j) {
			struct kprobe_set s = { .prog_fd = fd, .is_return = is_return };

			arrput(sets, s);
			j = arrlenu(sets);
		}
		arrput(sets[j - 1].addrs, rq->program->points[points[i]].address);
		arrput(sets[j - 1].names, rq->program->points[points[i]].name);
		arrput(sets[j - 1].cookies, points[i]);
		sets[j - 1].by_name |= !rq->program->points[points[i]].address;
	}
	for (size_t i = 0; i < arrlenu(sets); i++) {
		multi_attach(a, rq, &sets[i], 0, arrlenu(sets[i].addrs));
		arrfree(sets[i].addrs);
		arrfree(sets[i].names);
		arrfree(sets[i].cookies);
	}
	arrfree(sets);
}

/* ---- what the kernel offers ---- */

int attach_trivial_program(uint32_t type, uint32_t attach_type, uint32_t btf_id)
{
	static const uint64_t code[] = { 0x00000000000000b7, 0x0000000000000095 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach_type;
	attr.attach_btf_id = btf_id;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uint64_t)(uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

bool attach_has_kprobe_multi(void)
{
	static int known = -1;
	uint64_t addr = 1, cookie = 0;
	struct kprobe_set s = { .addrs = &addr, .cookies = &cookie };
	int fd;

	if (known >= 0)
		return known;
	known = 0;
	if (without("kprobe_multi"))
		return false;
	s.prog_fd = attach_trivial_program(BPF_PROG_TYPE_KPROBE, TRACE_KPROBE_MULTI, 0);
	/* no function is at this address; a kernel without the feature complains about it before */
	fd = s.prog_fd >= 0 ? multi_link(&s, 0, 1) : -1;
	known = fd >= 0 || (s.prog_fd >= 0 && errno != EOPNOTSUPP && errno != EPERM && errno != EBADF);
	if (fd >= 0)
		close(fd);
	if (s.prog_fd >= 0)
		close(s.prog_fd);
	return known;
}

bool attach_has_fentry(uint32_t btf_id)
{
	static bool none;
	int fd;

	if (!btf_id || none || without("fentry"))
		return false;
	fd = attach_trivial_program(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, btf_id);
	if (fd >= 0)
		close(fd);
	else
		none = errno == EPERM;
	return fd >= 0;
}
