/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw tracepoint's program that is attached nowhere: the kernel runs it when asked to, with the address and the
 * length as its arguments, and it copies what is there into a page that this process has mapped.
 */
#include "bpf/reader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "bpf/load.h"

#define PIECE	2048			/* bytes of one run; a power of two */
#define TASK_AT	(2 * PIECE)		/* where the program leaves the task's address */
#define AREA	(2 * PIECE + 8)

struct kernel_reader {
	int map, prog;
	uint8_t *area;
};

static int reader_load(int map)
{
	struct emit em;
	struct load_request rq = { .em = &em, .kind = PROG_RAW_TP, .name = "stap_reader", .map_fds = &map };
	int fd = -1;

	em_init(&em, false);
	em_subprog(&em, em_new_label(&em), FN_KIND_STATIC);
	em_mov(&em, R6, R1);
	em_helper(&em, BPF_FUNC_get_current_task);
	em_map_value(&em, R1, 0, 0);
	em_stx(&em, BPF_DW, R1, TASK_AT, R0);
	em_ldx(&em, BPF_DW, R3, R6, 0);
	em_ldx(&em, BPF_DW, R2, R6, 8);
	em_alui(&em, BPF_AND, R2, 2 * PIECE - 1);
	em_helper(&em, BPF_FUNC_probe_read_kernel);
	em_exit(&em);
	if (em_finish(&em))
		fd = load_prog(&rq);
	em_fini(&em);
	return fd;
}

struct kernel_reader *kernel_reader_create(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct kernel_reader *r = xcalloc(1, sizeof(*r));

	r->area = MAP_FAILED;
	r->prog = -1;
	r->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "reader", 4, AREA, 1, &opts);
	if (r->map >= 0)
		r->area = mmap(NULL, AREA, PROT_READ, MAP_SHARED, r->map, 0);
	if (r->area != MAP_FAILED)
		r->prog = reader_load(r->map);
	if (r->prog >= 0)
		return r;
	kernel_reader_destroy(r);
	return NULL;
}

void kernel_reader_destroy(struct kernel_reader *r)
{
	if (!r)
		return;
	if (r->area != MAP_FAILED)
		munmap(r->area, AREA);
	if (r->prog >= 0)
		close(r->prog);
	if (r->map >= 0)
		close(r->map);
	free(r);
}

static int reader_run(struct kernel_reader *r, uint64_t addr, uint64_t n)
{
	uint64_t args[2] = { addr, n };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(r->prog, &opts) || opts.retval ? -EFAULT : 0;
}

int kernel_reader_read(struct kernel_reader *r, uint64_t addr, void *buf, size_t n)
{
	for (size_t done = 0, now; done < n; done += now) {
		now = n - done < PIECE ? n - done : PIECE;
		if (reader_run(r, addr + done, now))
			return -EFAULT;
		memcpy((uint8_t *)buf + done, r->area, now);
	}
	return 0;
}

uint64_t kernel_reader_task(struct kernel_reader *r)
{
	uint64_t task = 0;

	/* the read of nothing may fail, the task was noted before it */
	reader_run(r, 0, 0);
	memcpy(&task, r->area + TASK_AT, sizeof(task));
	return task;
}
