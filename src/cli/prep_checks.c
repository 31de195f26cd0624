/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See prep.h.  The rows are in the order in which they are printed: rights first, since without them the rest
 * fails too.
 */
#include "cli/prep.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/engine.h"
#include "bpf/kernel.h"
#include "dbg/error.h"
#include "dbg/kernelfile.h"
#include "probe/attach.h"
#include "probe/ksyms.h"
#include "probe/tracefs.h"
#include "run/rights.h"

const char *prep_release;

/* First line of a file, without its end; false: it cannot be read. */
static bool first_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(text, (int)size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = 0;
	return ok;
}

/* Why something does not work, by errno; returns false. */
static bool fails(char *detail, size_t size)
{
	int err = errno;

	snprintf(detail, size, "%s%s", strerror(err), run_rights_advice(err));
	return false;
}

/* Whether the kernel gave a descriptor; it is closed. */
static bool works(int fd, char *detail, size_t size)
{
	if (fd < 0)
		return fails(detail, size);
	close(fd);
	return true;
}

bool prep_rights(void)
{
	char why[256];

	return run_rights_check(why, sizeof(why));
}

static bool has_rights(char *detail, size_t size)
{
	return run_rights_check(detail, size);
}

static bool no_lockdown(char *detail, size_t size)
{
	char text[128];

	if (!first_line("/sys/kernel/security/lockdown", text, sizeof(text)))
		return true;
	snprintf(detail, size, "lockdown: %s", text);
	return !strstr(text, "[confidentiality]");
}

static bool has_programs(char *detail, size_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .attempts = 1);
	static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
						{ .code = BPF_JMP | BPF_EXIT } };

	return works(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "prep", "GPL", code, 2, &o), detail, size);
}

static bool has_loops(char *detail, size_t size)
{
	(void)detail, (void)size;
	return engine_has(ENGINE_LOOP);
}

static bool has_rings(char *detail, size_t size)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	return works(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "prep", 0, 0, page, NULL), detail, size);
}

static bool has_cookies(char *detail, size_t size)
{
	(void)detail, (void)size;
	return attach_has_perf_cookie();
}

static bool has_btf(char *detail, size_t size)
{
	if (kernel_offset("task_struct", "pid") >= 0)
		return true;
	snprintf(detail, size, "/sys/kernel/btf/vmlinux");
	return false;
}

static bool has_names(char *detail, size_t size)
{
	size_t n;
	const struct ksym *s = ksyms_functions(false, &n);

	snprintf(detail, size, "%zu functions in /proc/kallsyms%s", n, n && !s[0].addr ? ", addresses hidden" : "");
	return n && s[0].addr;
}

static bool has_tracepoints(char *detail, size_t size)
{
	const char *path = tracefs_path();

	snprintf(detail, size, "%s", path ? path : "tracefs is not mounted, or not readable for this user");
	return path && tracefs_has_event("raw_syscalls", "sys_enter");
}

/* ---- events ---- */

static bool opens(struct perf_event_attr *attr, pid_t pid, int cpu, char *detail, size_t size)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	return works((int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC), detail, size);
}

static bool has_clock(char *detail, size_t size)
{
	struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,
				     .sample_period = 1000000 };

	return opens(&a, -1, 0, detail, size);
}

static bool has_counters(char *detail, size_t size)
{
	struct perf_event_attr a = { .type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES,
				     .sample_period = 1000000 };

	return opens(&a, -1, 0, detail, size);
}

static bool has_watchpoints(char *detail, size_t size)
{
	static long watched;
	struct perf_event_attr a = { .type = PERF_TYPE_BREAKPOINT, .bp_type = HW_BREAKPOINT_W,
				     .bp_addr = (uintptr_t)&watched, .bp_len = sizeof(watched), .sample_period = 1 };

	return opens(&a, 0, -1, detail, size);
}

static bool has_uprobes(char *detail, size_t size)
{
	(void)detail, (void)size;
	return !access("/sys/bus/event_source/devices/uprobe/type", R_OK);
}

static bool has_uprobe_multi(char *detail, size_t size)
{
	(void)detail, (void)size;
	return attach_has_uprobe_multi();
}

static bool has_sleepable(char *detail, size_t size)
{
	(void)detail, (void)size;
	return engine_has(ENGINE_COPY_FROM_USER);
}

static bool has_writes(char *detail, size_t size)
{
	(void)detail, (void)size;
	return engine_has(ENGINE_WRITE_USER);
}

/* ---- functions of the kernel ---- */

/* A function that every kernel has. */
static bool trampolines(void)
{
	int id = kernel_function_id("vfs_read");

	return id > 0 && attach_has_fentry((uint32_t)id);
}

/* Lockdown takes them away, although the kernel still has what they are made by. */
static bool kprobes(void)
{
	char text[256];

	return attach_has_kprobes() && no_lockdown(text, sizeof(text));
}

static bool has_kernel_functions(char *detail, size_t size)
{
	bool k = kprobes(), f = trampolines();

	snprintf(detail, size, "%s", k && f ? "kprobes and fentry" : k ? "kprobes" : f ? "fentry" :
		 "neither kprobes (CONFIG_KPROBE_EVENTS) nor fentry (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)");
	return k || f;
}

/* Otherwise how it is done does not matter. */
static bool functions_matter(void)
{
	return kprobes() || trampolines();
}

static bool has_fentry(char *detail, size_t size)
{
	(void)detail, (void)size;
	return trampolines();
}

static bool has_kprobes(char *detail, size_t size)
{
	(void)detail, (void)size;
	return kprobes();
}

static bool has_kprobe_multi(char *detail, size_t size)
{
	(void)detail, (void)size;
	return attach_has_kprobe_multi();
}

static bool switched_on(char *detail, size_t size)
{
	const struct attach_switch *off = attach_next_off(NULL);

	if (off)
		snprintf(detail, size, "%s switched off: write 1 to %s", off->what, off->path);
	return !off;
}

static bool has_debuginfo(char *detail, size_t size)
{
	struct dbg_kernel_opts o = { .release = prep_release, .no_debuginfod = true };
	struct dbg_error e = { 0 };
	struct dbg_module *m = dbg_kernel_open(&o, &e);
	struct utsname u;

	if (m) {
		snprintf(detail, size, "%s", dbg_module_info(m)->path);
		return true;
	}
	if (e.code == DBG_EMISMATCH)
		snprintf(detail, size, "%s", e.msg);
	else if (prep_release || !uname(&u))
		snprintf(detail, size, "on Debian the package linux-image-%s-dbg has it",
			 prep_release ? prep_release : u.release);
	return false;
}

static bool has_debuginfod(char *detail, size_t size)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	snprintf(detail, size, "%s", urls && *urls ? urls : "DEBUGINFOD_URLS is not set");
	return urls && *urls;
}

/* ---- settings ---- */

static bool has_jit(char *detail, size_t size)
{
	char text[16];

	if (!first_line("/proc/sys/net/core/bpf_jit_enable", text, sizeof(text)))
		return true;	/* cannot tell; most kernels always compile */
	snprintf(detail, size, "net.core.bpf_jit_enable = %s", text);
	return text[0] != '0';
}

static bool is_permissive(char *detail, size_t size)
{
	char text[16];

	if (!first_line("/proc/sys/kernel/perf_event_paranoid", text, sizeof(text)))
		return true;
	snprintf(detail, size, "kernel.perf_event_paranoid = %s", text);
	return atoi(text) < 2;
}

/* Descriptors and locked memory: an event takes one, older kernels count maps as the other. */
static bool has_limits(char *detail, size_t size)
{
	struct rlimit files, memory;

	if (getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_MEMLOCK, &memory))
		return true;
	snprintf(detail, size, "%llu files; locked memory: ", (unsigned long long)files.rlim_max);
	snprintf(detail + strlen(detail), size - strlen(detail), memory.rlim_cur == RLIM_INFINITY ? "unlimited" :
		 "%llu kB", (unsigned long long)memory.rlim_cur >> 10);
	return files.rlim_max >= 4096;
}

const struct prep_check prep_checks[] = {
	{ "rights", PREP_ALL, has_rights, "begin, end and timers only; run it as root" },
	{ "no lockdown of kernel memory", PREP_FAMILY, no_lockdown,
	  "members of the kernel's structures and all else that reads its memory, and kprobes; parameters that are "
	  "numbers, system calls and programs remain" },
	{ "eBPF programs", PREP_ALL, has_programs, "begin, end and timers only", .tried = true },
	{ "ring buffers", PREP_ALL, has_rings, "no probe can print (Linux 5.8)", .tried = true },
	{ "loops in programs (bpf_loop)", PREP_ALL, has_loops, "no loops in probe handlers (Linux 5.17)",
	  .tried = true },
	{ "cookies of probes", PREP_ALL, has_cookies, "probes cannot be told apart (Linux 5.15)", .tried = true },
	{ "compiler for eBPF (JIT)", PREP_LESS, has_jit, "every hit takes some ten times as long" },
	{ "type information (BTF)", PREP_FAMILY, has_btf,
	  "parameters of kernel functions and tracepoints, @cast to the "
	  "kernel's types and functions about tasks need CONFIG_DEBUG_INFO_BTF" },
	{ "tracepoints", PREP_FAMILY, has_tracepoints,
	  "process.begin, .end and .syscall, and kernel.trace(\"SYSTEM:*\"), "
	  "need tracefs", .tried = true },
	{ "kernel functions", PREP_FAMILY, has_kernel_functions, "kernel.function, module().function, kprobe.*",
	  .tried = true },
	{ "kernel functions by fentry", PREP_LESS, has_fentry,
	  "kprobes do instead; a hit takes about half as long again", functions_matter, true },
	{ "kernel functions by kprobe", PREP_LESS, has_kprobes, "kernel.statement, kprobe.*, and functions that fentry "
	  "does not reach", functions_matter, true },
	{ "kernel functions switched on", PREP_FAMILY, switched_on, "probes of kernel functions are armed but do not fire" },
	{ "many kernel functions at once (kprobe multi-links)", PREP_LESS, has_kprobe_multi,
	  "wild cards arm one function "
	  "after the other: thousands take minutes", functions_matter, true },
	{ "names of kernel functions", PREP_LESS, has_names,
	  "wild cards, and names in kernel backtraces: see the sysctl "
	  "kernel.kptr_restrict", .tried = true },
	{ "debug information of the kernel", PREP_LESS, has_debuginfo, "kernel.statement, .inline, .callee and local "
	  "variables of the kernel; functions and parameters work without" },
	{ "debuginfod", PREP_LESS, has_debuginfod, "debug information comes from this machine's files only" },
	{ "programs (uprobes)", PREP_FAMILY, has_uprobes,
	  "process.function, .statement, .mark, .plt: CONFIG_UPROBE_EVENTS" },
	{ "many functions of programs at once (uprobe multi-links)", PREP_LESS, has_uprobe_multi, "wild cards arm one "
	  "function after the other: hundreds take seconds, and longer to release", .tried = true },
	{ "memory of programs that is not resident", PREP_LESS, has_sleepable, "strings that the program has not yet "
	  "touched cannot be read", .tried = true },
	{ "writing to programs", PREP_LESS, has_writes, "$var = value in probes of programs (-g)", .tried = true },
	{ "profiling clock", PREP_FAMILY, has_clock, "timer.profile and perf.*", .tried = true },
	{ "hardware counters", PREP_LESS, has_counters,
	  "perf.hw.*: cycles, instructions, cache misses; virtual machines "
	  "often have none", .tried = true },
	{ "hardware breakpoints", PREP_LESS, has_watchpoints, "kernel.data, process.data", .tried = true },
	{ "perf events for users", PREP_NOTE, is_permissive, "root only" },
	{ "limits", PREP_NOTE, has_limits, "few open files: not many probes without multi-links (ulimit -n)" },
};

const size_t prep_check_count = sizeof(prep_checks) / sizeof(prep_checks[0]);
