/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing the records of kernel handlers as the session would, for tests of the eBPF engine. */
#ifndef TESTS_BPF_SUPPORT_H
#define TESTS_BPF_SUPPORT_H

#include "bpf/engine.h"
#include "out/format.h"

struct bpf_capture {
	const struct program *program;
	struct engine *engine;
	struct out_buf out, err;
	struct out_defer defer;		/* while a record is shown */
	size_t records, exits, stack_bytes;
};

/* For engine_drain(): ctx is a struct bpf_capture. */
int bpf_capture_record(void *ctx, const struct wire_record *r);

#endif
