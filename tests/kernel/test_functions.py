# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel functions by each mechanism: values and counts against what python, /proc/kcore and the program itself know."""
import contextlib
import os
import pathlib
import re
import sys

import pytest

import kcore
from support import Background, background, compile_target, script, stap, without_advice

# what to do without, and the kinds of link that must be used then
MECHANISMS = {"": {"tracing"}, "fentry": {"kprobe_multi", "perf"}, "fentry,kprobe_multi": {"perf"}}
every_mechanism = pytest.mark.parametrize("without", MECHANISMS)


@pytest.fixture(scope="module")
def reads():
    return compile_target("reads.c", "-O2", "-g")


@pytest.fixture
def pages(tmp_path):
    """A file of this process, with known contents and position."""
    path = tmp_path / "pages"
    path.write_bytes(bytes(range(256)) * 40)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOATIME)
    os.lseek(fd, 123, os.SEEK_SET)
    yield fd
    os.close(fd)


def probe_self(text, action, *options, without=""):
    """What the script printed about this process; it prints "ready" first, then runs until it exits."""
    with background("-x", str(os.getpid()), *options, "-e", 'probe begin { println("ready") } ' + text,
                    env={"BPFTAP_WITHOUT": without}) as tracer:
        tracer.wait_for("ready\n", 120)
        action(tracer)
        result = tracer.finish(60)
    assert result.status == 0 and without_advice(result.err) == "", result
    return result.lines[1:]


def links(pid):
    """Kinds of the links that a process holds."""
    found = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        found.update(re.findall(r"^link_type:\s+(\S+)", info.read_text(), re.M))
    return found


@every_mechanism
def test_parameters_and_result(pages, without):
    """At entry and, as they were then, at return."""
    text = ('probe kernel.function("vfs_read").call { if (pid() == target() && $count == 300) '
            'println("entry ", $file->f_inode->i_ino, " ", $file->f_flags, " ", $count, " ", $$parms) } '
            'probe kernel.function("vfs_read").return { if (pid() == target() && @entry($count) == 300) { '
            'println("return ", $return, " ", $count, " ", $file->f_inode->i_ino, " ", $$return, " ", $$parms) exit() } }')
    used = set()

    def act(tracer):
        used.update(links(tracer.pid))
        os.lseek(pages, 10240 - 200, os.SEEK_SET)
        assert len(os.read(pages, 300)) == 200

    lines = probe_self(text, act, without=without)
    inode = os.fstat(pages).st_ino
    flags = int(pathlib.Path(f"/proc/self/fdinfo/{pages}").read_text().split()[3], 8) & ~os.O_CLOEXEC
    parms = r"file=0x[0-9a-f]+ buf=0x[0-9a-f]+ count=0x12c pos=0x[0-9a-f]+"
    entry = re.fullmatch(rf"entry {inode} {flags} 300 ({parms})", lines[0])
    back = re.fullmatch(rf"return 200 300 {inode} return=0xc8 ({parms})", lines[1])
    assert entry and back and entry[1] == back[1], lines
    assert used and used <= MECHANISMS[without], used


@every_mechanism
def test_negative_result(without):
    def act(_):
        with pytest.raises(FileNotFoundError):
            os.open("/no/such/file", os.O_RDONLY)

    text = ('probe kernel.function("do_sys_openat2").return { if (pid() == target() && $return < 0) { '
            'println($return, " ", $$return, " ", user_string($filename), " ", $dfd, " ", kernel_or_user_string($filename)) exit() } }')
    assert probe_self(text, act, without=without) == ["-2 return=0xfffffffffffffffe /no/such/file -100 /no/such/file"]


@every_mechanism
def test_address(pages, without):
    """addr() of an entry is the function, as is the pc; of a return where it returns to: the caller, as the stack has it."""
    text = ('probe kernel.function("vfs_read").call { if (pid() == target() && $count == 79) println(symdata(addr())) } '
            'probe kernel.function("vfs_read") { if (pid() == target() && $count == 79) '
            'println("pc ", register("rip") == addr(), " ", symdata(register("rip"))) } '
            'probe kernel.function("vfs_read").return { if (pid() == target() && @entry($count) == 79) { '
            'println(symname(addr()), " ", addr() == stack(0), " ", probefunc()) exit() } }')
    lines = probe_self(text, lambda _: os.pread(pages, 79, 0), without=without)
    pc, entry = sorted(lines[:2])
    assert re.fullmatch(r"vfs_read\+0x0/0x[0-9a-f]+ \[kernel\]", entry) and pc == f"pc 1 {entry}", lines
    assert re.fullmatch(r"(ksys_|__x64_sys_|__do_sys_|do_)\w*pread64\w* 1 vfs_read", lines[2]), lines


def scalars(text):
    """{member: number} of a pretty-printed structure, without what is nested."""
    return {name: int(value, 0) for name, value in re.findall(r"\.(\w+)=(0x[0-9a-f]+|-?\d+)(?=[,}])", text)}


@every_mechanism
def test_structure_is_what_kcore_has(pages, without):
    """All members of the file, its inode and this task that are numbers."""
    text = ('probe kernel.function("vfs_read") { if (pid() == target() && $count == 77) { '
            'printf("%p %s\\n%p %s\\n%p %s\\n", $file, $file$, $file->f_inode, $file->f_inode$, '
            'task_current(), @cast(task_current(), "task_struct")$) exit() } }')
    lines = probe_self(text, lambda _: os.pread(pages, 77, 0), "-DMAXSTRINGLEN=7000", without=without)
    for name, line, least in zip(("file", "inode", "task_struct"), lines, (8, 20, 25)):
        address, printed = int(line.split()[0], 16), scalars(line)
        truth = kcore.read(name, address)
        compared = {m: v for m, v in printed.items() if m in truth}
        different = {m: (v, truth[m]) for m, v in compared.items() if v != truth[m] and v != truth[m] % 2**64}
        assert len(compared) >= least, line
        # what changes while a task runs on
        assert len(different) <= (0 if name != "task_struct" else 25), different
        assert name != "task_struct" or {"stack", "sched_class", "static_prio",
                                         "nr_cpus_allowed"} <= compared.keys() - different.keys()


@every_mechanism
def test_chains_and_nested_structures(pages, without):
    text = ('probe kernel.function("vfs_read") { if (pid() == target() && $count == 78) { '
            'println(kernel_string($file->f_path->dentry->d_name->name)) '
            'println($file->f_path->dentry->d_inode->i_sb->s_dev, " ", $file->f_inode->i_size, " ", $pos[0]) '
            'println($file->f_path$) println($file->f_path$$) '
            'println($file->f_path->dentry == $file->f_path->dentry->d_name->name - '
            '&@cast(0, "dentry")->d_iname[0] || 1) exit() } }')
    lines = probe_self(text, lambda _: os.pread(pages, 78, 5), "-DMAXSTRINGLEN=4096", without=without)
    status = os.fstat(pages)
    device = os.major(status.st_dev) << 20 | os.minor(status.st_dev)
    assert lines[0] == "pages"
    assert lines[1] == f"{device} {status.st_size} 5"
    assert re.fullmatch(r"\{\.mnt=0x[0-9a-f]+, \.dentry=0x[0-9a-f]+\}", lines[2]) and lines[3] == lines[2]


def test_wild_cards_lists_and_optional_points(reads):
    text = ('global n, m probe kernel.function("vfs_rea[d]"), kernel.function("ksys_rea?") { if (pid() == target()) '
            'n[ppfunc(), probefunc()]++ } '
            'probe kernel.{function("vfs_read"),function("ksys_read")}.return { if (pid() == target()) m[ppfunc()]++ } '
            'probe kernel.function("no_such_function") ?, kernel.function("no_such_either") !, '
            'kernel.function("ksys_read") !, kernel.function("vfs_read") ! { if (pid() == target()) m["one of"]++ } '
            'probe end { foreach ([a, b] in n) if (n[a, b] > 100) println(a, b) foreach (k in m+) println(k, " ", m[k] > 100) }')
    result = script(text, "-c", f"{reads} 101 1", timeout=90).ok()
    assert sorted(result.lines) == ["ksys_read 1", "ksys_readksys_read", "one of 1", "vfs_read 1", "vfs_readvfs_read"]


def test_kprobes_by_name(reads):
    """kprobe.* need neither BTF nor debug information, and have the registers only."""
    text = ('global n probe kprobe.function("ksys_read") { if (execname() == "reads") n[pp(), long_arg(3) <= 4]++ } '
            'probe kprobe.function("ksys_read").return { if (execname() == "reads") n[pp(), returnval() == 3]++ } '
            'probe kernel.function("ksys_read").return.maxactive(50) { if (execname() == "reads" && $count <= 4) '
            'n["maxactive", $return == $count]++ } '
            'probe end { foreach ([p, c+] in n) if (c) println(p, " ", n[p, c]) }')
    result = script(text, "-c", f"{reads} 200 1", timeout=90).ok()
    assert sorted(result.lines) == ['kprobe.function("ksys_read") 200', 'kprobe.function("ksys_read").return 50',
                                    "maxactive 200"]


WAITERS = """
import ctypes, threading
libc = ctypes.CDLL(None)
semaphore = libc.semget(0, 1, 0o600)
take, seconds = (ctypes.c_short * 3)(0, -1, 0), (ctypes.c_long * 2)(2, 0)
threads = [threading.Thread(target=libc.semtimedop, args=(semaphore, take, 1, seconds)) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.semctl(semaphore, 0, 0)
"""


@every_mechanism
@pytest.mark.parametrize("point, room", (('kprobe.function("__do_semtimedop").return.maxactive(4)', 4),
                                         ('kprobe.function("__do_semtimedop").return.maxactive(20)', 20),
                                         ('kprobe.function("__do_semtimedop").return', 15),
                                         ('kprobe.function("__do_semtimedop").return', -5)))
def test_calls_that_wait_at_once(tmp_path, without, point, room):
    """As many as there is room for; what went by is told.  The function is one that no other program here calls."""
    program = tmp_path / "waiters.py"
    program.write_text(WAITERS)
    text = ('global n, every probe %s { n++ } '
            'probe kernel.function("__do_semtimedop").return.maxactive(30) { if (pid() == target()) every++ } '
            'probe end { println(n, " ", every) }' % point)
    options = [] if room > 0 else [f"-DKRETACTIVE={-room}"]
    held = min(abs(room), 12)
    result = script(text, "-c", f"python3 {program}", *options, timeout=90, env={"BPFTAP_WITHOUT": without}).ok()
    assert result.out == f"{held} 12\n"
    told = re.findall(r"^WARNING: (?:Number of errors: 0, skipped probes|Skipped due to missed kretprobe): (\d+)",
                      result.err, re.M)
    assert told == ([] if held == 12 else [str(12 - held)] * 2), result


SLEEPERS = """
import threading, time
def sleep_on(seconds):
    while True: time.sleep(seconds)
for seconds in (0.0004, 0.0007, 0.001, 0.03, 0.05, 0.08): threading.Thread(target=sleep_on, args=(seconds,)).start()
"""


@every_mechanism
def test_armed_and_let_go_while_others_sleep_in_it(without):
    """By two sessions at once, again and again; calls come, wait and return all the time."""
    end = "probe timer.ms(100) { exit() } probe end { println(n > 0, m > 0) }"
    texts = ('global n, m probe kprobe.function("hrtimer_nanosleep").return { n++ } '
             'probe kernel.function("hrtimer_nanosleep").return.maxactive(50) { m++ } ' + end,
             'global n, m probe kprobe.function("hrtimer_nanosleep").return.maxactive(4) { n++ } '
             'probe kernel.function("hrtimer_nanosleep") { m++ } ' + end)
    with Background([sys.executable, "-c", SLEEPERS]):
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                sessions = [stack.enter_context(background("-e", text, env={"BPFTAP_WITHOUT": without})) for text in texts]
                assert [session.finish(60).ok().out for session in sessions] == ["11\n"] * 2


READERS = """
import fcntl, os, struct, threading, time
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"quiet0", 0x1001))     # TUNSETIFF, IFF_TUN | IFF_NO_PI
for _ in range(12): threading.Thread(target=os.read, args=(tun, 10), daemon=True).start()
time.sleep(2)
os._exit(0)
"""


@every_mechanism
@pytest.mark.parametrize("point, room", (('kprobe.module("tun").function("tun_chr_read_iter").return.maxactive(4)', 4),
                                         ('module("tun").function("tun_chr_read_iter").return.maxactive(20)', 20)))
def test_calls_of_a_module_that_wait_at_once(tmp_path, without, point, room):
    """All end as the program does."""
    program = tmp_path / "readers.py"
    program.write_text(READERS)
    text = "global n probe %s { if (pid() == target()) n++ } probe end { println(n) }" % point
    result = script(text, "-c", f"python3 {program}", timeout=90, env={"BPFTAP_WITHOUT": without}).ok()
    missed = re.findall(r"^WARNING: Skipped due to missed kretprobe: (\d+) ", result.err, re.M)
    assert (int(result.out), missed) == (min(room, 12), ["8"] if room < 12 else []), result


def test_functions_of_a_module():
    """veth is loaded; its devices are made and removed."""
    text = ('global n probe module("veth").function("veth_newlink") { n[ppfunc()]++ println(kernel_string($dev->name)) } '
            'probe module("veth").function("veth_dev_*").return { n[ppfunc()]++ } '
            'probe kprobe.module("veth").function("veth_dellink") { n[ppfunc()]++ } '
            'probe end { foreach (f+ in n) println(f, " ", n[f]) }')
    result = script(text, "-c", "/bin/sh -c 'ip link add left0 type veth peer name right0; ip link del left0'",
                    timeout=90).ok()
    assert result.lines[0] == "left0"
    assert {"veth_newlink 1", "veth_dev_init 2", "veth_dellink 1"} <= set(result.lines), result


FRAMES = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("left1", 0))
for length in (77, 78, 78, 79):
    s.send(bytes.fromhex("ffffffffffff020000000001") + (0x88b5).to_bytes(2, "big") + bytes(length - 14))
"""


@pytest.mark.parametrize("module", ("veth", "ve[t]h"))
def test_frames_through_a_module(tmp_path, module):
    """Parameters of a module's function at its entry and, as they were then, at its return."""
    program = tmp_path / "frames.py"
    program.write_text(FRAMES)
    text = ('global n, r probe module("%s").function("veth_xmit") { if ($skb->len >= 77 && $skb->len < 80) '
            'n[kernel_string($dev->name), $skb->len, pp()]++ } '
            'probe module("%s").function("veth_xmi*").return { if (@entry($skb->len) == 78) r[$return, kernel_string($dev->name)]++ } '
            'probe end { foreach ([d, l+, p] in n) println(d, " ", l, " ", n[d, l, p], " ", p) '
            'foreach ([v, d] in r) println(v, " ", d, " ", r[v, d]) }' % (module, module))
    commands = ("ip link add left1 type veth peer name right1 && ip link set left1 up && ip link set right1 up && sleep 0.5 && "
                f"python3 {program}; ip link del left1")
    result = script(text, "-c", f"/bin/sh -c '{commands}'", timeout=90).ok()
    point = 'module("veth").function("veth_xmit")'
    assert result.lines == [f"left1 77 1 {point}", f"left1 78 2 {point}", f"left1 79 1 {point}", "0 left1 2"]
    assert without_advice(result.err) == ""


@every_mechanism
def test_registers_beside_parameters(pages, without):
    """Trampolines have no registers, kretprobes no parameters: a handler may use both."""
    text = ('probe kernel.function("vfs_read").return { if (pid() == target() && $count == 91) { '
            'println($file->f_inode->i_ino, " ", register("ax"), " ", $return, " ", @entry($count + 1)) } } '
            'probe kernel.function("vfs_read").return { if (pid() == target() && $count == 91) '
            'println(@entry(long_arg(3)), " ", @entry(register("dx")), " ", @entry($count), " ", $return) } '
            'probe kernel.function("vfs_read").return { if (pid() == target() && @entry(ulong_arg(3)) == 91) '
            'println(returnval(), " ", registers_valid()) } '
            'probe kernel.function("vfs_read") { if (pid() == target() && $count == 91) '
            'println(pointer_arg(1) == $file, register("di") == $file, u_register("edx"), " ", int_arg(3)) } '
            'probe kernel.function("vfs_write").return { if (pid() == target()) exit() }')

    def act(_):
        assert len(os.pread(pages, 91, 10240 - 40)) == 40
        os.write(pages, b"x")

    inode = os.fstat(pages).st_ino
    lines = probe_self(text, act, without=without)
    assert sorted(lines) == sorted([f"{inode} 40 40 92", "91 91 91 40", "40 1", "1191 91"])


def test_unknown_functions():
    result = script('probe kernel.function("vfs_raed") { }').failed()
    assert "no match (similar functions: " in result.err and "vfs_read" in result.err
    assert "kernel_clone" in script('probe kernel.function("_do_fork") { }').failed().err
    assert "__x64_sys_open" in script('probe kernel.function("sys_open") { }').failed().err
    assert "is kernel module 'nosuch' loaded?" in script('probe module("nosuch").function("x") { }').failed().err


def test_functions_that_cannot_be_probed_say_why():
    """Marked notrace, on the list of kprobes, run only as the kernel starts."""
    notrace = "the kernel does not let it be probed (it is marked notrace"
    for name in "sched_clock_cpu", "asm_exc_page_fault":
        assert notrace in script(f'probe kernel.function("{name}") {{ exit() }}').failed().err, name
    result = script('probe kernel.function("sched_clock*") { }').failed()
    assert re.search(r"no match\n +\d+ functions match, and the kernel lets none of them be probed", result.err)
    result = script('probe kernel.function("finish_task_switch*") { }').failed()
    assert "as 'finish_task_switch.isra.0', are matched by patterns with a dot only" in result.err
    assert "called 'finish_task_switch.isra.0'" in script('probe kernel.function("finish_task_switch") { }').failed().err
    result = script('probe kernel.function("start_kernel") { }').failed()
    assert "'start_kernel' is code that the kernel runs as it starts, and frees then" in result.err


def test_exported_functions():
    """Those with a global symbol, which kallsyms writes in capital letters."""
    symbols = pathlib.Path("/proc/kallsyms").read_text().splitlines()
    kinds = {name: kind for kind, name, *_ in (line.split()[1:] for line in symbols)}
    shown = stap("-l", 'kernel.function("vfs_re*").exported').ok().lines
    names = [re.fullmatch(r'kernel\.function\("(\w+)"\)\.exported', line)[1] for line in shown]
    assert "vfs_read" in names and all(kinds[name] in "TW" for name in names)
    assert kinds["do_sys_openat2"] == "t" and stap("-l", 'kernel.function("do_sys_openat2").exported').out == ""


def test_kprobes_have_no_variables():
    result = script('probe kprobe.function("vfs_read") { println($count) }').failed()
    assert "unresolved target-symbol expression" in result.err
    assert 'registers only: long_arg(N), register("NAME"); kernel.function("NAME") has parameters' in result.err


def test_a_function_without_a_symbol():
    """It may be inlined, which only debug information tells."""
    assert re.search("inlined everywhere .* package linux-image-.*-dbg", script(
        'probe kernel.function("no_such_function") { }').failed().err)


@every_mechanism
def test_addresses_that_the_kernel_hides(own_machine, pages, without):
    setting = pathlib.Path("/proc/sys/kernel/kptr_restrict")
    before = setting.read_text()
    setting.write_text("2")
    text = ('probe kernel.function("vfs_read") { if (pid() == target() && $count == 77) '
            'println("entry ", register("rsp") != 0, " ", probefunc()) } '
            'probe kernel.function("vfs_rea*").return { if (pid() == target() && $return == 77) { '
            'println("return ", ppfunc()) exit() } }')
    try:
        assert probe_self(text, lambda _: os.pread(pages, 77, 0), without=without) == [
            "entry 1 vfs_read", "return vfs_read"]
    finally:
        setting.write_text(before)


def test_variables_in_listings():
    lines = stap("-L", 'kernel.function("vfs_read")').ok().lines
    assert len(lines) == 1 and lines[0].endswith("$file:struct file* $buf:char* $count:size_t $pos:loff_t*"), lines
    lines = stap("-L", 'kernel.function("vfs_read").return').ok().lines
    assert "$return:ssize_t" in lines[0], lines


@pytest.mark.parametrize("without", ("", "fentry"))
@pytest.mark.parametrize("point, mine, calls", (
    ('kernel.function("vfs_read")', "$count <= 4", 500000), ('kernel.function("vfs_read").return', "$count <= 4",
                                                             100000),
    ('kernel.trace("sys_enter")', "$id == 0 && $regs->dx <= 4", 500000)))
def test_a_million_hits_are_a_million(reads, without, point, mine, calls):
    """Counted by a scalar, an array and an aggregate; two processes on two processors."""
    text = (f'global n, a, s probe {point} {{ if (execname() == "reads" && {mine}) n++ }} '
            f'probe {point} {{ if (execname() == "reads" && {mine}) a[pid()]++ }} '
            f'probe {point} {{ if (execname() == "reads" && {mine}) s <<< 1 }} '
            'probe end { println(n) foreach (p in a) println(a[p]) println(@count(s)) }')
    result = script(text, "-c", f"{reads} {calls} 2", timeout=240, env={"BPFTAP_WITHOUT": without}).ok()
    assert (result.lines, without_advice(result.err)) == ([str(2 * calls), str(calls), str(calls), str(2 * calls)], "")
