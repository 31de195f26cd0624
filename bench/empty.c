/* SPDX-License-Identifier: GPL-2.0-or-later */
/* empty PROGRAM OFFSET -- COMMAND...: an eBPF program that returns at once, on one place of PROGRAM, while COMMAND
 * runs: what the kernel alone costs per hit.  OFFSET is that in the file.  Status: COMMAND's, or 125.
 * Needs a kernel with uprobe multi-links (6.6). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#ifndef BPF_TRACE_UPROBE_MULTI
#define BPF_TRACE_UPROBE_MULTI 48
#endif

/* Layout of the kernel's union bpf_attr for BPF_LINK_CREATE of a uprobe multi-link; newer than Debian 12's headers. */
struct link_create {
	unsigned int prog_fd, target_fd, attach_type, flags;
	unsigned long long path, offsets, ref_ctr_offsets, cookies;
	unsigned int cnt, link_flags, pid;
};

static int load(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = (enum bpf_attach_type)BPF_TRACE_UPROBE_MULTI);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "empty", "GPL", code, 2, &opts);
}

static int attach(const char *path, unsigned long offset)
{
	struct link_create attr = { .attach_type = BPF_TRACE_UPROBE_MULTI, .cnt = 1 };
	unsigned long offsets[] = { offset };
	int prog = load();

	if (prog < 0)
		return -1;
	attr.prog_fd = (unsigned int)prog;
	attr.path = (unsigned long)path;
	attr.offsets = (unsigned long)offsets;
	return (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (argc < 5 || strcmp(argv[3], "--") != 0) {
		fprintf(stderr, "usage: empty PROGRAM OFFSET -- COMMAND...\n");
		return 125;
	}
	if (attach(argv[1], strtoul(argv[2], NULL, 0)) < 0) {
		fprintf(stderr, "empty: cannot attach: %s\n", strerror(errno));
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
