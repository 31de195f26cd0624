# SPDX-License-Identifier: GPL-2.0-or-later
"""Context and structures of the kernel in its handlers, against what the process itself, /proc and kallsyms say."""
import json
import pathlib
import re
import socket
import sys

import pytest

from support import script

CALL = 110	# getppid: what the processes of these tests call when they are ready


def at_call(tmp_path, prepare, handler, *args):
    """Runs python code, which leaves what it knows in `truth`, and the handler at its call after that."""
    program = tmp_path / "program.py"
    program.write_text(f"import json, os\ntruth = {{}}\nout = open({str(tmp_path / 'truth')!r}, 'w')\n{prepare}\n"
                       "out.write(json.dumps(truth))\nout.flush()\nos.getppid()\n")
    text = f'probe kernel.trace("sys_enter") {{ if (pid() == target() && $id == {CALL}) {{ {handler}\n exit() }} }}'
    result = script(text, "-c", f"{sys.executable} {program}", *args).ok()
    return result.lines, json.loads((tmp_path / "truth").read_text())


# ---- tasks ----

def test_the_current_task(tmp_path):
    lines, truth = at_call(tmp_path, """
os.nice(3); os.setresgid(0, 5, 0); os.setresuid(0, 7, 0)
truth["nice"] = os.nice(0)
truth["files"] = len(os.listdir("/proc/self/fd")) - 1
parent = int(open("/proc/self/stat").read().rsplit(")")[1].split()[1])	# getppid() is what the handler waits for
truth["ids"] = [os.getpid(), os.getuid(), os.geteuid(), os.getgid(), os.getegid(), parent]
truth["name"] = open("/proc/self/comm").read().strip()
truth["parent"] = open(f"/proc/{parent}/comm").read().strip()
import resource
truth["limit"] = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
truth["cpus"] = sorted(os.sched_getaffinity(0))
""", """t = task_current()
println(task_pid(t), " ", task_uid(t), " ", task_euid(t), " ", task_gid(t), " ", task_egid(t), " ", task_pid(task_parent(t)))
println(uid(), " ", euid(), " ", gid(), " ", egid(), " ", ppid(), " ", task_tid(t) == tid())
println(task_nice(t), " ", task_prio(t), " ", task_state(t), " ", task_open_file_handles(t))
println(task_execname(t), " ", task_execname(task_parent(t)), " ", pid2execname(ppid()), " ", pid2task(pid()) == t)
println(task_rlimit(t, "RLIMIT_NOFILE"), " ", task_rlimit_nofile(t), " ", task_max_file_handles(t) >= task_open_file_handles(t))
println(task_cpu(t) == cpu(), " ", cpu())
println(task_ancestry(t, 0))""")
    ids = truth["ids"]
    assert lines[0] == " ".join(map(str, ids))
    assert lines[1] == " ".join(map(str, [*ids[1:], 1]))
    assert lines[2] == f"{truth['nice']} {20 + truth['nice']} 0 {truth['files']}"
    assert lines[3] == f"{truth['name']} {truth['parent']} {truth['parent']} 1"
    assert lines[4] == f"{truth['limit']} {truth['limit']} 1"
    assert lines[5].startswith("1 ") and int(lines[5].split()[1]) in truth["cpus"]
    assert lines[6].endswith(f"{truth['parent']}=>{truth['name']}")


def test_times_of_a_task(tmp_path):
    lines, truth = at_call(tmp_path, """
while sum(os.times()[:2]) < 0.6: pass
times = os.times()
truth["times"] = [times[0], times[1]]
""", 'println(task_utime(), " ", task_stime(), " ", task_utime(tid()), " ", task_time_string())')
    fields = lines[0].split(" ", 3)
    user, system = (int(field) / 1e9 for field in fields[:2])
    spent = sum(truth["times"])     # as the scheduler measures it; the kernel's raw counters, which these are, are coarser
    assert spent / 4 < user + system < 2 * spent and fields[2] == fields[0]
    assert re.fullmatch(r"usr: 0m0\.\d{3}s, sys: 0m0\.\d{3}s", fields[3])


def test_a_task_that_cannot_be_read_is_a_fault():
    result = script('probe kernel.trace("sys_enter") { println(task_pid(8)) }', "-DMAXERRORS=0")
    assert result.status == 1 and "read fault [man error::fault]" in result.err


def test_handlers_of_the_process_know_its_task():
    text = ('probe begin, timer.ms(20), end { t = task_current() printf("%d %s %d %s %d\\n", task_pid(t) == pid(), task_execname(t) == execname() ? "own" : "other", '
            'task_pid(task_parent(t)) == ppid(), fullpath_struct_path(task_cwd_path(t)), task_uid(t)) } '
            'probe timer.ms(35) { exit() } probe end { println(pid2execname(1), "=", task_execname(pid2task(1))) }')
    lines = script(text, cwd="/usr").ok().lines
    assert len(lines) >= 4 and set(lines[:-1]) == {"1 own 1 /usr 0"}
    name = pathlib.Path("/proc/1/comm").read_text().strip()
    assert lines[-1] == f"{name}={name}"


def test_handlers_of_the_process_read_memory():
    text = ('probe oneshot { a = &@cast(task_current(), "task_struct", "kernel")->comm[0] println(kernel_string(a) == execname(), " ", '
            'kernel_buffer_quoted(a, 2, 9), kernel_buffer_quoted(a, 16, 7), kernel_buffer_quoted(8, 2), " ", kernel_char(a)) }')
    assert script(text).ok().out == '1 "st""st"...0x8 115\n'


def test_handlers_of_the_process_read_what_others_found(tmp_path):
    text = ('global where probe kernel.trace("sys_enter") { if (pid() == target()) where = task_current() } '
            'probe timer.ms(300) { println(where ? @cast(where, "task_struct", "kernel")->tgid == target() : -1, " ", '
            'kernel_string(1, "none")) exit() }')
    assert script(text, "-c", f"{sys.executable} -c 'import time; time.sleep(5)'").ok().out == "1 none\n"


def test_arguments_of_a_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import os; os.getppid()")
    text = (f'probe kernel.trace("sys_enter") {{ if (pid() == target() && $id == {CALL}) {{ println(cmdline_args(1, -1, "|")) '
            'println(cmdline_arg(3)) println(cmdline_args(2, 3, "+")) println(cmdline_arg(9) == "") exit() } }')
    long = "x" * 700
    lines = script(text, "-c", f"{sys.executable} {program} '' two {long}", "-DMAXSTRINGLEN=300").ok().lines
    assert lines[0].startswith(f'{program}|""|two|xxx') and len(lines[0]) == 299
    assert lines[1:] == ["two", "+two", "1"]


def test_members_of_the_current_task():
    text = ('function name(t) { return kernel_string(&t->comm) } function old(t) { return @choose_defined(t->none, t->tgid) } '
            'function both(t) { if (@defined(t->none)) return t->none return @defined(t->pid) ? t->pid : t->none } '
            'probe kernel.trace("sys_enter") { if (pid() == target()) { t = task_current() u = pid2task(tid()) '
            'm = @choose_defined(t->none, t->mm) '
            'println(task_current()->tgid == pid(), t->pid == tid(), u == t, u->tgid == pid(), name(t) == execname(), old(t) == pid(), '
            'both(t) == tid(), @defined(t->none), @defined(t->mm), @defined(m->none), @defined(m->pgd), m == t->mm) exit() } }')
    assert script(text, "-c", "/bin/true").out == "111111101011\n"
    assert script("probe oneshot { println(task_current()->tgid == pid(), pid2task(1)->pid) }").ok().out == "11\n"


# ---- memory ----

def test_fault_is_that_of_the_function_called():
    """Not of what the library makes it of."""
    result = script("probe begin { println(kernel_int(8)) }").failed()
    assert "ERROR: read fault [man error::fault] at 0x8 near identifier 'kernel_int' at " in result.err


def test_numbers_and_strings(tmp_path):
    lines, truth = at_call(tmp_path, """
import ctypes
libc = ctypes.CDLL(None)
libc.prctl(15, b'\\xfe"z\\t9')
assert libc.unshare(0x4000000) == 0	# a host's name of its own: 64 bytes of the kernel's memory
host = "A\\xe9b\\0".encode("utf-16-le") + "A\\xe9\\0".encode("utf-32-le")
assert libc.sethostname(host, len(host)) == 0
""", """t = task_current() a = &@cast(t, "task_struct", "kernel")->comm[0]
println(kernel_char(a), " ", kernel_short(a), " ", kernel_int(a), " ", kernel_long(a) == kernel_pointer(a), " ", kernel_long(a) & 0xffffffff)
println(kernel_string_quoted(a), kernel_string_n(a + 1, 2), kernel_buffer_quoted(a, 3), kernel_buffer_quoted(a, 7), kernel_buffer_quoted(a, 5, 2), kernel_buffer_quoted(a, 5, 9), kernel_or_user_string_quoted(a + 2), kernel_or_user_string(a + 4))
h = &@cast(t, "task_struct", "kernel")->nsproxy->uts_ns->name->nodename[0]
println(kernel_string_utf16(h), kernel_string_quoted_utf16(h), kernel_string_utf32(h + 8), kernel_string_quoted_utf32(h + 8))
println(kernel_string(16, "e1"), kernel_string_utf16(16, "e2"), kernel_string_utf32(16, "e3"), kernel_string_quoted(16), kernel_buffer_quoted(16, 4))
try { println(kernel_string(32)) } catch (m) { println(m) }
try { println(kernel_int(32)) } catch (m) { println(m) }
println(atomic_read(&@cast(t, "task_struct", "kernel")->usage) > 0)
println(kernel_uint8(a), " ", kernel_uint16(a), " ", kernel_uint32(a + 1), " ", kernel_uint64(a) == kernel_long(a))""")
    word = int.from_bytes(b'\xfe"z\t', "little")
    assert lines[0] == f"-2 {int.from_bytes(bytes([0xfe, 0x22]), 'little', signed=True)} {word} 1 {word}"
    assert lines[1] == r'''"\376\"z\t9""z"\376\"z""\376\"z\t9\000\000"""..."\376"..."z\t9"9'''
    assert lines[2] == 'Aéb"A\\u00E9b"Aé"A\\u00E9"'
    assert lines[3] == "e1e2e30x100x10"
    assert lines[4] == "kernel string copy fault at 0x20 [man error::fault]"
    assert lines[5] == "read fault [man error::fault] at 0x20"
    assert lines[6] == "1"
    assert lines[7] == f"254 {0x22fe} {int.from_bytes(bytes([0x22, 0x7a, 0x09, 0x39]), 'little')} 1"


# Text that ends where its page does, and a page that is not there.
WIDE = r"""
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 4 * [ctypes.c_long]
page = libc.mmap(None, 8192, 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
assert libc.munmap(ctypes.c_void_p(page + 4096), 4096) == 0
text = "Aé\U0001f600\0"
for encoded in text.encode("utf-16-le"), text.encode("utf-32-le"):
    at = page + 4096 - len(encoded)
    ctypes.memmove(at, encoded, len(encoded))
    libc.write(99, ctypes.c_void_p(at), ctypes.c_size_t(page + 4096))
"""


def test_wide_text_up_to_what_is_not_there(tmp_path):
    program = tmp_path / "wide.py"
    program.write_text(WIDE)
    result = script('''probe syscall.write {
if (pid() != target() || fd != 99) next
if (n++) { println(user_string_utf32(buf_uaddr)) exit() } else println(user_string_utf16(buf_uaddr))
try { println(user_string_utf16(count)) } catch (m) { println(m) }
try { println(user_string_utf32(count)) } catch (m) { println(m) }
try { println(kernel_string_utf16(32)) } catch (m) { println(m) }
printf("%x\\n", count) }
global n''', "-c", f"python3 -c \'{WIDE}\'").ok()
    assert len(result.lines) == 10
    for lines in result.lines[:5], result.lines[5:]:
        fault = f"user string copy fault -14 at 0x{lines[4]} [man error::fault]"
        assert lines[:4] == ["Aé\U0001f600", fault, fault, "kernel string copy fault at 0x20 [man error::fault]"]
        assert int(lines[4], 16) % 4096 == 0


# ---- paths ----

def test_files_of_a_process(tmp_path):
    lines, truth = at_call(tmp_path, f"""
import socket
os.chdir("/proc/sys/kernel")
open({str(tmp_path / "file")!r}, "w")
keep = [open({str(tmp_path / "file")!r}), open("/proc/self/ns/net"), open("/dev/null"), os.pipe(), socket.socket(), os.open("/", 0)]
truth["files"] = [os.readlink(f"/proc/self/fd/{{fd}}") for fd in range(4, 10)]
truth["cwd"], truth["exe"] = os.getcwd(), os.readlink("/proc/self/exe")
""", """t = task_current()
for (fd = 4; fd < 10; fd++)
	println(fullpath_struct_file(t, task_fd_lookup(t, fd)))
println(fullpath_struct_path(task_cwd_path(t)), " ", fullpath_struct_file(t, current_exe_file()), " ", d_path(task_cwd_path(t)))
d = @cast(task_cwd_path(t), "path", "kernel")->dentry
println(d_name(d), " ", reverse_path_walk(d))
i = @cast(task_fd_lookup(t, 4), "file", "kernel")->f_inode
println(inode_name(i), " ", inode_path(i))""", "-DMAXACTION=100000")
    assert lines[:6] == truth["files"]
    assert lines[6] == f"{truth['cwd']} {truth['exe']} {truth['cwd']}/"
    assert lines[7] == "kernel sys/kernel"
    assert lines[8] == f"file {tmp_path}/file"


def test_paths_are_from_the_root_of_the_task(tmp_path):
    (tmp_path / "root" / "below").mkdir(parents=True)
    lines, _ = at_call(tmp_path, f"""
os.chroot({str(tmp_path / 'root')!r}); os.chdir("/below")
""", 'println(fullpath_struct_path(task_cwd_path(task_current())))')
    assert lines == ["/below"]


def test_what_has_no_name(tmp_path):
    lines, truth = at_call(tmp_path, 'keep = [os.eventfd(0)]\ntruth["name"] = os.readlink("/proc/self/fd/4")',
                           "println(fullpath_struct_file(task_current(), task_fd_lookup(task_current(), 4)))")
    assert lines == [truth["name"].replace("anon_inode", "ANON_INODE")]


# ---- sockets and packets ----

@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_ends_of_a_connection(tmp_path, family, host):
    text_of = (lambda a: a) if family == socket.AF_INET else lambda a: ":".join(["0000"] * 7 + ["0001"])
    program = tmp_path / "program.py"
    program.write_text(f"""
import socket
s = socket.socket({int(family)}); s.bind(({host!r}, 0)); s.listen()
c = socket.socket({int(family)}); c.connect(s.getsockname()[:2]); a, _ = s.accept()
open({str(tmp_path / "ports")!r}, "w").write(f"{{s.getsockname()[1]}} {{c.getsockname()[1]}}")
c.send(b"data"); a.recv(9); c.close(); a.close()
""")
    result = script("""
probe kernel.trace("sock:inet_sock_set_state") { if (pid() == target() && $oldstate == 1) {
	f = __ip_sock_family($sk)
	printf("sock %d %s %d %s %d %s %d %d %d %d\\n", f, format_ipaddr(__ip_sock_saddr($sk), f), __tcp_sock_sport($sk),
	       format_ipaddr(__ip_sock_daddr($sk), f), __tcp_sock_dport($sk), inet_get_ip_source($sk), inet_get_local_port($sk),
	       tcpmib_get_state($sk), tcpmib_local_port($sk), tcpmib_remote_port($sk)) } }
probe kernel.trace("net:net_dev_start_xmit") { if (pid() == target()) {
	h = __get_skb_iphdr($skb) t = __get_skb_tcphdr($skb) f = (kernel_char(h) >> 4) == 4 ? AF_INET() : AF_INET6()
	printf("sent %d %s %s %d %d %d%d%d%d%d%d\\n", __ip_skb_proto(h), format_ipaddr(__ip_skb_saddr(h), f),
	       format_ipaddr(__ip_skb_daddr(h), f), __tcp_skb_sport(t), __tcp_skb_dport(t), __tcp_skb_urg(t), __tcp_skb_ack(t),
	       __tcp_skb_psh(t), __tcp_skb_rst(t), __tcp_skb_syn(t), __tcp_skb_fin(t)) } }
""", "-c", f"{sys.executable} {program}").ok()
    server, client = map(int, (tmp_path / "ports").read_text().split())
    address, lines = text_of(host), result.lines
    for here, there in (client, server), (server, client):
        assert (f"sock {int(family)} {address} {here} {address} {there} {address} {here} 1 {here} {there}") in lines
    sent = [line.split() for line in lines if line.startswith("sent")]
    assert all(fields[1:4] == ["6", address, address] for fields in sent)
    flags = {(int(fields[4]), fields[6]) for fields in sent}
    assert {(client, "000010"), (server, "010010"), (client, "011000"), (client, "010001"), (server, "010001")} <= flags


# ---- stacks ----

def kernel_symbols():
    symbols = []
    for line in open("/proc/kallsyms"):
        address, kind, name = line.split()[:3]
        if kind in "tTwW":
            symbols.append((int(address, 16), name))
    return sorted(symbols)


def names_at(symbols, address):
    """All names of the function that an address is in, and its offset there."""
    start = max(a for a, _ in symbols if a <= address)
    return {name for a, name in symbols if a == start}, address - start


@pytest.fixture(scope="module")
def stacks():
    text = (f'probe kernel.trace("sys_enter") {{ if (pid() == target() && $id == {CALL}) {{ print_backtrace() println("--") '
            'print(sprint_backtrace()) println("--") println(backtrace()) println("--") print(sprint_syms(backtrace())) println("--") '
            'print_syms(backtrace()) println("--") println(callers(0), "|", callers(1), "|", callers(-1)) '
            'printf("%x %x %x\\n", stack(0), stack(1), stack(99)) println(caller()) printf("%x\\n", caller_addr()) '
            'println(stack_used(), " ", stack_unused(), " ", stack_size()) exit() } }')
    parts = script(text, "-c", f"{sys.executable} -c 'import os; os.getppid()'").ok().out.split("--\n")
    return [part.splitlines() for part in parts]


def test_frames_of_the_kernel_have_names(stacks):
    symbols = kernel_symbols()
    for line in stacks[0]:
        address, name, offset = re.fullmatch(r" 0x([0-9a-f]{16}) : (\S+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[kernel\]",
                                             line).groups()
        names, at = names_at(symbols, int(address, 16))
        assert name in names and int(offset, 16) == at
    assert not re.search("bpf|traceiter", "\n".join(stacks[0]))
    assert "do_syscall_64" in stacks[0][-2] and "entry_SYSCALL_64" in stacks[0][-1]


def test_stacks_as_strings_are_the_same(stacks):
    printed, simple, addresses, symbols, printed_symbols, values = stacks
    assert simple == [re.sub(r" 0x\S+ : (\S+)/0x\S+", r"\1", line) for line in printed]
    every = addresses[0].split(" ")
    assert symbols == printed_symbols and [line.split(" ")[1] for line in symbols] == every
    assert symbols == printed
    first, two, all_of_them = values[0].split("|")
    assert first == every[0] and two == " ".join(every[:2]) and all_of_them == addresses[0]
    assert values[1] == f"{every[0][2:]} {every[1][2:]} 0"
    assert values[2].split(" ")[1] == every[1] and f"0x{values[3]}" == every[1]
    used, unused, size = map(int, values[4].split())
    assert used + unused == size == 16384 and 100 < used < 8192


# One event calls programs through a function of its class, through one of its own, through both or through none.
@pytest.mark.parametrize("point", ['kernel.trace("sched_switch")', 'kernel.trace("sched_wakeup")',
                                   'kernel.trace("sched_process_fork")',
                                   'kernel.trace("sched_process_exit")', "syscall.close", "syscall.close.return"])
def test_stacks_as_values_begin_outside_the_tracepoint(point):
    text = (f'global n probe {point}, {point.replace("switch", "waking")} {{ if (n++) next print_backtrace() println("--") print_syms(backtrace()) '
            'println("--") printf("%x", stack(0)) exit() }')
    printed, values, first = script(text, "-c", "sh -c 'ls / | cat >/dev/null'").ok().out.split("--\n")
    printed = printed[printed.index(" 0xffff"):]
    assert values == printed and printed.startswith(f" 0x{first} : "), printed
    assert not re.search("bpf|traceiter", values) and "[kernel]" in values


def test_a_stack_as_a_key():
    text = ('global s probe kernel.trace("sched_switch") { s[sprint_backtrace()] <<< 1 s[backtrace()] <<< 1 } '
            'probe timer.ms(300) { exit() } probe end { foreach (k in s- limit 10) println(k) }')
    out = script(text, "-w").ok().out
    assert re.search(r"^(__)?schedule\+0x[0-9a-f]+ \[kernel\]$", out, re.M)
    assert re.search(r"^0xffffffff\w+ 0xffffffff", out, re.M)


def test_functions_of_samples():
    text = ('global n probe timer.profile { if (user_mode()) next f = probefunc() if (f == "" || f != symname(addr())) n++ else m++ } '
            'global m probe timer.ms(500) { exit() } probe end { println(n, " ", m > 0) }')
    result = script(text, "-c", "sh -c 'while :; do cat /proc/self/maps >/dev/null; done'", "-DMAXSKIPPED=100000").ok()
    assert result.out == "0 1\n"


# ---- what cannot be ----

@pytest.mark.parametrize("call", ["set_kernel_char(1, 1)", "set_kernel_short(1, 1)", "set_kernel_int(1, 1)",
                                  "set_kernel_long(1, 1)",
                                  "set_kernel_pointer(1, 1)", 'set_kernel_string(1, "x")',
                                  'set_kernel_string_n(1, 1, "x")'])
def test_writing_the_kernel_is_refused(call):
    text = f'probe kernel.trace("sched_switch") {{ {call} }}'
    assert "function may not be used unless -g is specified" in script(text).failed().err
    result = script(text, "-g").failed()
    assert f"function '{call.split('(')[0]}' cannot work: eBPF programs cannot write the kernel's memory" in result.err


def test_addresses_by_symbols(tmp_path):
    """As listed, from the list and from what is kept of it, also if that is damaged; without types only addresses."""
    with open("/proc/kallsyms", encoding="ascii") as symbols:
        listed = {name: int(addr, 16) for addr, _, name in (line.split()[:3] for line in symbols if "[" not in line)}
    names = [name for name in ("schedule", "vfs_read", "_stext", "softirq_vec", "jiffies") if name in listed]
    if not listed["schedule"]:
        pytest.skip("the kernel hides its addresses (kernel.kptr_restrict)")
    values = ", ".join(f'&@var("{name}", "kernel")' for name in names)
    text = 'probe begin { printf("%s\\n", %s) exit() }' % (" ".join(["%x"] * len(names)), values)
    for damage in (None, None, b"stapsym1", b"stapsym1" + b"\xff" * 16):
        for kept in tmp_path.rglob("*.symbol") if damage else ():
            kept.write_bytes(damage)
        result = script(text, env={"SYSTEMTAP_DIR": str(tmp_path)}).ok()
        assert [int(word, 16) for word in result.out.split()] == [listed[name] for name in names]
        assert len(list(tmp_path.rglob("*.symbol"))) == len(names)
    for _ in range(2):
        missing = script('probe begin { println(&@var("no_such", "kernel")) }', env={"SYSTEMTAP_DIR": str(tmp_path)}).failed()
        assert "unable to find global 'no_such' in kernel" in missing.err
    if "softirq_vec" in names:
        assert "the type of global 'softirq_vec' of the kernel is not known" in script(
            'probe begin { println(@var("softirq_vec", "kernel")) }').failed().err
