/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kempty fentry|kprobe|raw_tp NAME -- COMMAND...: an eBPF program that returns at once, at the entry of a kernel function
 * or at a tracepoint, while COMMAND runs: what the kernel alone costs per hit.  Status: COMMAND's, or 125. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>

static int load(enum bpf_prog_type type, const char *function)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	if (type == BPF_PROG_TYPE_TRACING) {
		opts.expected_attach_type = BPF_TRACE_FENTRY;
		opts.attach_btf_id = (unsigned)libbpf_find_vmlinux_btf_id(function, BPF_TRACE_FENTRY);
	}
	return bpf_prog_load(type, "empty", "GPL", code, 2, &opts);
}

static int attach_kprobe(const char *function)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .config1 = (unsigned long)function };
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "r");
	int prog = load(BPF_PROG_TYPE_KPROBE, NULL), event;

	if (!f || fscanf(f, "%u", &attr.type) != 1)
		return -1;
	fclose(f);
	event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return ioctl(event, PERF_EVENT_IOC_SET_BPF, prog) || ioctl(event, PERF_EVENT_IOC_ENABLE, 0) ? -1 : event;
}

static int attach(const char *kind, const char *name)
{
	if (!strcmp(kind, "kprobe"))
		return attach_kprobe(name);
	if (!strcmp(kind, "fentry"))
		return bpf_raw_tracepoint_open(NULL, load(BPF_PROG_TYPE_TRACING, name));
	return bpf_raw_tracepoint_open(name, load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 5 || strcmp(argv[3], "--") || attach(argv[1], argv[2]) < 0) {
		perror("kempty");
		return 125;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
