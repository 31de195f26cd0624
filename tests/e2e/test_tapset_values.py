# SPDX-License-Identifier: GPL-2.0-or-later
"""What the library's functions return, in a handler of stap and in one of the kernel."""
import math
import os
import random
import re
import struct

import pytest

from support import compile_target, script, stap, trace

# Expressions with the value that println() shows.
VALUES = r'''
strlen("abc")						3
strlen("")						0
substr("abcdef", 2, 3)					cde
substr("abc", 1, 10)					bc
substr("abc", 5, 2)					
substr("abc", -1, 2)					
stringat("abc", 1)					98
isinstr("abcdef", "cd")					1
isinstr("abcdef", "dc")					0
strpos("abcdef", "cd")					2
strpos("abcdef", "x")					-1
str_replace("a-b-c", "-", "+")				a+b+c
strtol("ff", 16)					255
strtol("0x1f", 0)					31
strtol("-12x", 10)					-12
isdigit("7up")						1
isdigit("up")						0
isdigit("")						0
text_str("a\tb\001")					a\tb\001
text_strn("abcdefghij", 9, 1)				"abcd"...
text_strn("abc", 0, 0)					abc
string_quoted("a\"b")					"a\"b"
tokenize("one two", " ")				one
bytes_to_string(0)					    0
bytes_to_string(512)					  512
bytes_to_string(1536)					 1.5K
bytes_to_string(104857600)				 100M
bytes_to_string(1073741824)				 1.0G
mem_page_size()						4096
pages_to_string(2)					 8.0K
msecs_to_string(61042)					1m1.042s
usecs_to_string(61000042)				1m1.000042s
nsecs_to_string(61000000042)				1m1.000000042s
cputime_to_msecs(5000000)				5
cputime_to_usecs(5000000)				5000
cputime_to_string(61042000000)				1m1.042s
htons(0x1234)						13330
htonl(0x12345678)					2018915346
htonll(1)						72057594037927936
ntohs(0x3412)						4660
ntohl(0x78563412)					305419896
ntohll(0x100000000000000)				1
big_endian4(1)						16777216
little_endian2(0x12345)					9029
MAJOR(0x800011)						8
MINOR(0x800011)						17
MKDEV(8, 17)						8388625
usrdev2kerndev(0x811)					8388625
arch_bytes()						8
sock_flags_num2str(0x80800)				SOCK_NONBLOCK|SOCK_CLOEXEC
msg_flags_num2str(0x42)					MSG_PEEK|MSG_DONTWAIT
ip_ntop(0x0100007f)					127.0.0.1
format_ipaddr(0x0100007f, AF_INET())			127.0.0.1
daddr_to_string(0xffffffff)				255.255.255.255
errno_str(2)						ENOENT
errno_str(3333)						E#3333
errno_p(-2)						2
errno_p(13)						13
errno_p(-3333)						0
errno_p(0)						0
errno_p(7000000)					0
nfsderror(0)						nfsderr 0(NFS_OK)
nfsderror(htonl(2))					nfsderr 2(NFSERR_NOENT)
nfsderror(htonl(10044))					nfsderr 10044(NFSERR_OP_ILLEGAL)
nfsderror(htonl(10088))					nfsderr 10088
return_str(1, 7)					7
return_str(2, 255)					0xff
return_str(3, 8)					010
return_str(1, -2)					-2 (ENOENT)
signal_str(1)						HUP
signal_str(9)						KILL
signal_str(29)						IO/POLL
signal_str(34)						RTMIN+2
signal_str(65)						
sa_flags_str(0x14000004)				SIGINFO|RESTART|RESTORER
sa_flags_str(0)						
sa_handler_str(0)					default
sa_handler_str(1)					ignored
sa_handler_str(0x1234)					0x1234
sigset_mask_str(0x8000000000000101)			1,9,64
rlimit_from_str("RLIMIT_CPU")				0
rlimit_from_str("RLIMIT_NOFILE")			7
rlimit_from_str("RLIMIT_RTTIME")			15
rlimit_from_str("RLIMIT")				-1
rlimit_from_str("")					-1
sock_prot_num2str(6)					TCP
sock_prot_num2str(61)					UNDEF
sock_prot_str2num("UDP")				17
sock_prot_str2num("MPLS-IN-IP")				137
sock_prot_str2num("none")				-1
sock_fam_num2str(2)					INET
sock_fam_num2str(33)					RXRPC
sock_fam_num2str(21)					UNDEF
sock_fam_num2str(99)					UNDEF
sock_fam_str2num("INET6")				10
sock_fam_str2num("UNSPEC")				0
sock_fam_str2num("NET")					-1
sock_type_num2str(1)					STREAM
sock_type_str2num("SEQPACKET")				5
sock_state_num2str(3)					CONNECTED
sock_state_str2num("DISCONNECTING")			4
vm_fault_contains(4, VM_FAULT_MAJOR)			1
vm_fault_contains(4, VM_FAULT_MINOR)			0
vm_fault_contains(512, VM_FAULT_MINOR)			1
vm_fault_contains(512, VM_FAULT_LOCKED)			1
vm_fault_contains(1, 0)					1
vm_fault_contains(2, VM_FAULT_ERROR)			1
vm_fault_contains(256, VM_FAULT_NOPAGE)			1
vm_fault_contains(256, 99)				0
WIFEXITED(0x300)					1
WEXITSTATUS(0x300)					3
WTERMSIG(9)						9
ctime(0)						Thu Jan  1 00:00:00 1970
ctime(2147483647)					Tue Jan 19 03:14:07 2038
ctime(-2147483648)					Fri Dec 13 20:45:52 1901
tz_ctime(0)						Thu Jan  1 01:00:00 1970 XYZ
tz_gmtoff()						-3600
tz_name()						XYZ
remote_id()						-1
remote_uri()						
module_size()						
probing_32bit_app()					0
randint(1)						0
fp_to_string(string_to_fp("1.5"), 3)			1.500
fp_to_string(fp_div(long_to_fp(1), long_to_fp(3)), 20)	0.33333333333333331483
fp_to_string(fp_sqrt(long_to_fp(2)), 16)		1.4142135623730951
fp_to_string(fp_rem(long_to_fp(7), long_to_fp(4)), 0)	-1
fp_to_long(string_to_fp("2.5"), 0, 0)			2
fp_to_long(string_to_fp("-2.5"), 2, 0)			-3
fp_lt(string_to_fp("-1"), long_to_fp(0))		1
fp_to_string(fp32_to_fp64(0x40490fdb), 6)		3.141593
'''
ROWS = [re.split(r"\t+", line) for line in VALUES.strip("\n").split("\n")]
ZONE = {"TZ": "XYZ-1"}


def check(rows, result):
    shown = [line[1:-1] for line in result.ok().lines]
    wanted = [value for _, value in rows]
    assert shown == wanted, [(row[0], line) for row, line in zip(rows, shown) if row[1] != line]


def body(rows):
    return "\n".join(f'println("<", {expression}, ">")' for expression, _ in rows)


def test_values_in_begin():
    check(ROWS, script(f"probe begin {{ {body(ROWS)}\nexit() }}", env=ZONE))


@pytest.mark.parametrize("start", range(0, len(ROWS), 15))
def test_values_in_kernel(start):
    rows = ROWS[start:start + 15]
    program = compile_target("places.c")
    check(rows, trace(program, f'probe process(PROG).function("main") {{ {body(rows)} }}', "-D", "MAXACTION=10000",
                      env=ZONE))


IDENTITY = """
pid() tid() ppid() pgrp() sid() uid() euid() gid() egid() execname() task_pid(task_current()) task_tid(task_current())
task_uid(task_current()) task_euid(task_current()) task_gid(task_current()) task_egid(task_current())
task_execname(task_current()) task_nice(task_current()) ns_pid() ns_tid() ns_ppid() ns_pgrp() ns_sid() ns_uid()
ns_euid() ns_gid() ns_egid() is_myproc() cmdline_arg(0) pid2execname(pid())
"""


def identity(pid, name, command, nice):
    parent, group, session = (int(f) for f in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1:4])
    user = [0] * 4
    values = [pid, pid, parent, group, session, *user, name, pid, pid, *user, name, nice, pid, pid, parent, group,
              session,
              *user, 1, command, name]
    return [str(v) for v in values]


def test_identity_in_process(beside):
    program = compile_target("waits.c")
    target = beside(program)
    prints = " ".join(f"println({e})" for e in IDENTITY.split())
    result = script(f'probe process("{program}").function("tick") {{ if (pid() == target()) {{ {prints} exit() }} }}',
                    "-x", str(target.pid))
    assert result.ok().lines[:len(IDENTITY.split())] == identity(target.pid, program.name[:15], str(program),
                                                                 os.getpriority(os.PRIO_PROCESS, target.pid))


def test_arguments_and_environment():
    program = compile_target("places.c")
    result = trace(program, 'probe process(PROG).function("main") { printf("%s|%s|%s|%s|%s|%s\\n", cmdline_arg(1), '
                   'cmdline_arg(9), cmdline_args(1, -1, "+"), cmdline_args(1, 2, ","), cmdline_str(), env_var("BPFTAP_X")) }',
                   command=f"{program} one two three", env={"BPFTAP_X": "some value"})
    assert result.ok().lines == [f"one||one+two+three|one,two|{program} one two three|some value"]


def test_context_without_a_process():
    """What begin cannot know is empty or a soft error, never a wrong value."""
    text = """probe begin {
        printf("%s|%s|%s|%s|%d|%d|%d|%d\\n", pp(), ppfunc(), pn(), probe_type(), is_return(), user_mode(), uaddr(), registers_valid())
        print_regs() print_ubacktrace() print_backtrace()
        try { register("rip") } catch (message) { println(message) }
        try { probemod() } catch (message) { println(message) }
        try { println(user_string(16)) } catch (message) { println(message) }
        println(user_int(16), user_string(16, "none"), user_string_quoted(16), user_string_nofault(16), "|", ubacktrace())
        exit() }"""
    assert script(text).ok().lines == ["begin||begin|begin_end|0|0|0|0", "<no user backtrace at begin>",
                                       "<no kernel backtrace at begin>", "registers not available in this context",
                                       "probe module not found",
                                       "user string copy fault -14 at 0x10 [man error::fault]",
                                       "0none0x10|"]


def test_registers_and_arguments():
    program = compile_target("places.c")
    text = """probe process(PROG).function("main") {
        println(int_arg(1), " ", long_arg(1), " ", pointer_arg(2) == register("rsi"), " ",
                user_string(user_long(pointer_arg(2))), " ", register("di") == $argc, " ", registers_valid(), " ",
                register("cs") == 0x33, " ", register("rip") == addr(), " ", uaddr() == addr(), " ", ustack(0) == addr())
        name = "edi" println(u_register(name))
        print_regs()
        exit() }"""
    lines = trace(program, text, command=f"{program} x y").ok().lines
    assert lines[0] == f"3 3 1 {program} 1 1 1 1 1 1" and lines[1] == "3"
    assert re.fullmatch(r"RIP: [0-9a-f]{16} RSP: [0-9a-f]{16} EFLAGS: [0-9a-f]{8}", lines[2]) and len(lines) == 8


def test_paths_and_descriptors(tmp_path):
    program = compile_target("places.c")
    result = trace(program, 'probe process(PROG).function("main") { t = task_current() printf("%s %s %s %d\\n", '
                   "fullpath_struct_file(t, current_exe_file()), fullpath_struct_path(task_cwd_path(t)), "
                   "fullpath_struct_file(t, task_fd_lookup(t, 0)), task_fd_lookup(t, 200)) }", cwd=tmp_path)
    assert result.ok().lines == [f"{program} {tmp_path} /dev/null 0"]


def test_memory_of_a_process(beside):
    program = compile_target("waits.c")
    target = beside(program)
    result = script(f'probe process("{program}").function("tick") {{ if (pid() == target()) {{ printf("%d %d %d\\n", '
                    "proc_mem_size(), proc_mem_size(pid()), proc_mem_txt()) exit() } }", "-x", str(target.pid))
    size, _, _, text = (int(field) for field in open(f"/proc/{target.pid}/statm").read().split()[:4])
    shown = [int(field) for field in result.ok().lines[0].split()]
    assert shown[0] == shown[1] and shown[2] == text
    assert size - 1 <= shown[0] <= size	# the kernel adds a page for single-stepping


def test_speculation():
    text = """probe begin {
        a = speculation() b = speculation()
        speculate(a, "one\\n") speculate(b, "never\\n") speculate(a, "two\\n")
        discard(b) commit(a) commit(b) commit(a) println(a != b) exit() }"""
    assert script(text).ok().lines == ["one", "two", "1"]


def test_speculation_in_kernel():
    program = compile_target("places.c")
    text = """probe process(PROG).function("main") { id = speculation() speculate(id, "held\\n") println("first") commit(id) }"""
    assert trace(program, text).ok().lines == ["first", "held"]


@pytest.mark.parametrize("point", ["begin", "process(PROG).function(\"main\")"])
def test_abort(point):
    program = compile_target("places.c")
    text = f"""function f() {{ try {{ abort() }} catch {{ println("caught") }} println("after") }}
        probe {point} {{ println("before") try {{ f() }} catch {{ println("caught") }} println("after") }}
        probe end {{ println("end") }}"""
    assert trace(program, text).ok().lines == ["before", "end"]


def test_delay_and_log_of_the_kernel():
    program = compile_target("places.c")
    mark = f"bpftap test {os.getpid()}"
    result = trace(program, f"""probe process(PROG).function("main") {{
        t = ktime_get_ns() mdelay(3) println(ktime_get_ns() - t >= 3000000) printk(6, "{mark}") }}""", "-g")
    assert result.ok().lines == ["1"]
    with open("/dev/kmsg", "rb", buffering=0) as log:
        os.set_blocking(log.fileno(), False)
        found = b""
        while True:
            try:
                line = log.read(8192)
            except BrokenPipeError:
                continue
            if line is None:
                break
            if mark.encode() in line:
                found = line
    assert found.startswith(b"14,"), found	# facility user, level 6


def test_switch_file(tmp_path):
    script('probe begin { println("first") switch_file() println("second") exit() }', "-o", str(tmp_path / "out")).ok()
    assert (tmp_path / "out").read_text() == "first\n" and (tmp_path / "out.1").read_text() == "second\n"


def test_guru_only():
    for call in ("raise(9)", "mdelay(1)", 'printk(1, "x")'):
        result = stap("-p2", "-e", f"probe begin {{ {call} }}").failed()
        assert "function may not be used unless -g is specified: identifier" in result.err


def test_load_average():
    shown = script("probe begin { println(sprint_loadavg()) exit() }").ok().lines[0]
    assert re.fullmatch(r"\d+\.\d\d \d+\.\d\d \d+\.\d\d", shown)


def bits(number):
    return struct.unpack("<q", struct.pack("<d", number))[0]


def numbers(seed, count):
    """Pairs of floating point numbers: special ones, any bits, like and unlike sizes."""
    special = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
               2.0**53]
    rng = random.Random(seed)

    def one():
        kind = rng.random()
        if kind < .2:
            return rng.choice(special)
        if kind < .4:
            value = struct.unpack("<d", rng.randbytes(8))[0]
            return 0.0 if math.isnan(value) else value
        return math.ldexp(rng.uniform(-2, 2), rng.randint(-60, 60))
    return [(one(), one()) for _ in range(count)]


def quotient(a, b):
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, math.copysign(1, a) * math.copysign(1, b))
    return a / b


def or_nan(function, *arguments):
    try:
        return function(*arguments)
    except ValueError:
        return math.nan


OPERATIONS = {
    "fp_add": lambda a, b: a + b, "fp_sub": lambda a, b: a - b, "fp_mul": lambda a, b: a * b, "fp_div": quotient,
    "fp_rem": lambda a, b: or_nan(math.remainder, a, b),
}


def floating_point(pairs):
    """Expressions and results; a number that is none shows as "nan"."""
    rows = []
    for a, b in pairs:
        for name, operation in OPERATIONS.items():
            rows.append((f"{name}({bits(a)}, {bits(b)})", operation(a, b)))
        rows.append((f"fp_sqrt({bits(a)})", or_nan(math.sqrt, a)))
        rows.append((f"string_to_fp(\"{a:.17g}\")", a) if math.isfinite(a) and abs(math.log10(abs(a) or 1)) < 17
                    else (f"long_to_fp({bits(a)})", float(bits(a))))
    return rows


def floats(lines):
    return [struct.unpack("<d", struct.pack("<q", int(line)))[0] for line in lines]


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or bits(a) == bits(b)


@pytest.mark.parametrize("where,seed,count", [("begin", 1, 150), ("kernel", 2, 3)])
def test_floating_point(where, seed, count):
    """Every result has the bits that the processor gives."""
    rows = floating_point(numbers(seed, count))
    prints = "\n".join(f"println({expression})" for expression, _ in rows)
    if where == "begin":
        result = stap("-D", "MAXACTION_INTERRUPTIBLE=100000000", "-", data=f"probe begin {{ {prints}\nexit() }}")
    else:
        result = trace(compile_target("places.c"), f'probe process(PROG).function("main") {{ {prints} }}',
                       "-D", "MAXACTION=1000000")
    shown = floats(result.ok().lines)
    wrong = [(row, value) for row, value in zip(rows, shown) if not same(row[1], value)]
    assert len(shown) == len(rows) and not wrong, wrong[:10]


def test_target_set():
    result = script("probe begin { println(target_set_pid(1), target_set_pid(target())) } probe end { target_set_report() }",
                    "-c", "sh -c 'sleep 0.05; sleep 0.05 & wait'")
    lines = result.ok().lines
    assert lines[:2] == ["01", "target set:"]
    begat = [tuple(map(int, re.fullmatch(r"(\d+) begat (\d+)", line).groups())) for line in lines[2:]]
    shell = begat[0][1] if len({parent for parent, _ in begat}) > 1 else begat[0][0]
    assert sum(parent == shell for parent, _ in begat) == 2
