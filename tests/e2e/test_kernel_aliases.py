# SPDX-License-Identifier: GPL-2.0-or-later
"""Aliases of kernel events: values compared with what the programs that cause them did."""
import os
import pathlib
import re
import sys

import pytest

from support import SESSION, TOP, compile_target, run, script, stap

PYTHON = sys.executable
FUNCTIONS = stap("-p2", "-e", 'probe kernel.function("vfs_read") { exit() }').status == 0

needs_functions = pytest.mark.skipif(not FUNCTIONS, reason="this kernel does not let its functions be probed")


def python(text, program, *args):
    """Runs a script on a Python program, given as a text of several lines."""
    source = SESSION / "caused.py"
    source.write_text(program, encoding="ascii")
    return script(text, "-c", f"{PYTHON} {source}", *args).ok().lines


def test_a_signal_and_who_gets_it():
    program = ("import os, signal; signal.signal(signal.SIGUSR1, lambda *a: 0); print(os.getpid(), flush=True); "
               "os.kill(os.getpid(), signal.SIGUSR1)")
    text = ('probe signal.send { if (pid() == target() && sig == 10) '
            'printf("%s %d %d %s %s %d %s\\n", name, sig_pid, sig == 10, sig_name, si_code, shared, pid_name) }')
    lines = script(text, "-c", f'{PYTHON} -c "{program}"').ok().lines
    assert [line.split()[:6] for line in lines[1:]] == [["signal_generate", lines[0], "1", "SIGUSR1", "SI_USER", "1"]]
    assert lines[1].split()[6].startswith("python3")


def test_birth_and_end_of_a_process():
    program = ("import os, sys; p = os.fork(); "
               "p or os._exit(7); os.waitpid(p, 0); print(os.getpid(), p)")
    text = ('global child '
            'probe kprocess.create { if (pid() == target()) { child = new_pid '
            'printf("create %d %d %d\\n", pid(), new_pid, new_tid) } } '
            'probe kprocess.exit { if (child && pid() == child) printf("exit %d %d\\n", pid(), code) } '
            'probe scheduler.process_fork { if (pid() == target()) printf("fork %d %d\\n", parent_pid, child_pid) } '
            'probe scheduler.process_exit { if (child && pid() == child) printf("end %d %d\\n", pid, priority) }')
    lines = script(text, "-c", f'{PYTHON} -c "{program}"').ok().lines
    parent, child = lines[-1].split() if not lines[-1].startswith(("exit", "end")) else next(
        line.split() for line in lines if re.match(r"\d+ \d+$", line))
    assert sorted(line for line in lines if line != f"{parent} {child}") == sorted([
        f"create {parent} {child} {child}", f"fork {parent} {child}", f"exit {child} {7 << 8}",
        f"end {child} 120"])


def test_packets_of_the_loopback_device():
    program = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); "
               "s.sendto(b'x' * 500, s.getsockname()); s.recv(1000)")
    body = '{ if (pid() == target()) printf("%%s %%s %%d %%x %%d\\n", "%s", dev_name, length, protocol, truesize >= length) }'
    text = " ".join(f"probe netdev.{point} {body % point}" for point in ("transmit", "hard_transmit", "receive"))
    lines = script(text, "-c", f'{PYTHON} -c "{program}"').ok().lines
    # the frame as sent: 14 bytes of Ethernet, 20 of IP, 8 of UDP; as received: without the first
    assert "transmit lo 542 800 1" in lines
    assert "hard_transmit lo 542 800 1" in lines
    assert "receive lo 528 800 1" in lines


@needs_functions
def test_a_network_device_from_its_first_to_its_last_day():
    """As ip(8) changes it, over netlink."""
    text = ('probe netdev.register { println("register ", dev_name) } probe netdev.open { println("open ", dev_name) } '
            'probe netdev.change_mtu { printf("mtu %s %d %d\\n", dev_name, old_mtu, new_mtu) } '
            'probe netdev.change_mac { printf("mac %s %d %s\\n", dev_name, mac_len, new_mac) } '
            'probe netdev.set_promiscuity { printf("promiscuity %s %d %d %d\\n", dev_name, enable, disable, inc) } '
            'probe netdev.close { println("close ", dev_name) } probe netdev.unregister { println("unregister ", dev_name) }')
    changes = ("mtu 1400", "address 02:00:00:00:00:07", "up", "promisc on", "promisc off", "down")
    command = " && ".join(["ip link add one type veth peer name two", *(f"ip link set one {c}" for c in changes),
                           "ip link del one"])
    result = script(text, "-c", f"sh -c '{command}'")
    if "Unknown device type" in result.err:
        pytest.skip("no devices of the type veth")
    lines = [line for line in result.ok().lines if " one" in line]
    assert lines == ["register one", "mtu one 1500 1400", "mac one 6 02:00:00:00:00:07", "open one",
                     "promiscuity one 1 0 1",
                     "promiscuity one 0 1 -1", "close one", "unregister one"]


@needs_functions
def test_devices_that_are_closed_together():
    """The two ends of a pair that goes are closed by one call of the kernel's."""
    command = " && ".join(["ip link add one type veth peer name two", "ip link set one up", "ip link set two up",
                           "ip link del one"])
    result = script('probe netdev.close { println("close ", dev_name) }', "-c", f"sh -c '{command}'")
    if "Unknown device type" in result.err:
        pytest.skip("no devices of the type veth")
    assert sorted(result.ok().lines) == ["close one", "close two"]


def test_a_switch_has_two_sides():
    text = ('global off, on probe scheduler.ctxswitch { if (prev_pid == target()) off++ if (next_pid == target()) on++ '
            'if (prev_tid != tid()) error("the current task is not the one that leaves") } '
            'probe end { printf("%d %d\\n", off, on) }')
    program = "import time; [time.sleep(0.001) for i in range(50)]"
    off, on = map(int, script(text, "-c", f'{PYTHON} -c "{program}"').ok().out.split())
    assert off >= 50 and abs(on - off) <= 1


def test_soft_interrupts_are_those_of_proc():
    text = ('global n probe softirq.entry { n[vec_nr] <<< 1 } probe end { foreach (v in n) printf("%d %d\\n", v, @count(n[v])) }')
    before = soft_interrupts()
    result = script(text, "-c", f"{PYTHON} -c 'import time; time.sleep(1)'").ok()
    counted = dict(tuple(map(int, line.split())) for line in result.lines)
    after = soft_interrupts()
    assert counted
    for vector, count in counted.items():
        assert count <= after[vector] - before[vector], (vector, counted, before, after)


def test_handlers_of_soft_interrupts():
    """By the kernel's table of them: the tracepoints have numbers only."""
    with open("/proc/kallsyms", encoding="ascii") as symbols:
        table = next((int(line.split()[0], 16) for line in symbols if line.split()[2] == "softirq_vec"), 0)
    if not table:
        pytest.skip("the kernel hides its addresses (kernel.kptr_restrict), or lists no variables")
    text = ('global at, n probe softirq.entry { n[vec_nr, symname(action), h - vec]++ at = vec } '
            'probe softirq.exit { n[vec_nr, symname(action), h - vec]++ } '
            'probe end { printf("%x\\n", at) foreach ([v, f, o] in n) printf("%d %s %d\\n", v, f, o) }')
    first, *lines = script(text, "-c", f"{PYTHON} -c 'import time; time.sleep(1)'").ok().lines
    assert int(first, 16) == table
    handlers = {1: "run_timer_softirq", 3: "net_rx_action", 9: "rcu_core_si"}
    seen = [(int(v), f, int(o)) for v, f, o in map(str.split, lines)]
    assert any(v in handlers for v, _, _ in seen)
    assert all(f == handlers.get(v, f) and o == 8 * v for v, f, o in seen), seen


def soft_interrupts():
    """Of each vector since boot, over all processors."""
    lines = open("/proc/softirqs", encoding="ascii").read().splitlines()[1:]
    return [sum(map(int, line.split()[1:])) for line in lines]


def test_execution_of_a_program():
    text = ('probe kprocess.exec { if (pid() == target()) printf("%s|%s|%s|%s\\n", name, filename, args, argstr) } '
            'probe kprocess.exec_complete { if (pid() == target()) '
            'printf("%d %d %s %s\\n", success, errno, retstr, execname()) }')
    lines = python(text, 'import os\n'
                   'try:\n\tos.execv("/nonexistent", ["x"])\nexcept FileNotFoundError:\n\tpass\n'
                   'os.execv("/bin/true", ["true", "a b", "c"])\n')
    assert lines[-4:] == ['execve|"/nonexistent"|["x"]|"/nonexistent" []', "0 -2 -2 (ENOENT) python3",
                          'execve|"/bin/true"|["true", "a b", "c"]|"/bin/true" ["a b", "c"]', "1 0 0 true"]


def test_kill_by_its_call():
    text = ('probe signal.syskill { if (pid() == target()) printf("%s %s %d %s\\n", name, argstr, sig_pid == pid(), sig_name) } '
            'probe signal.syskill.return { if (pid() == target()) printf("%s %d %s\\n", name, retval, retstr) } '
            'probe signal.handle { if (pid() == target()) printf("%s %d %d\\n", sig_name, sig, sig_code) }')
    lines = python(text, "import os, signal\nsignal.signal(10, lambda *a: 0)\nprint(os.getpid(), flush=True)\n"
                   "os.kill(os.getpid(), 10)\n")
    assert lines[1:] == [f"syskill {lines[0]}, SIGUSR1 1 SIGUSR1", "syskill 0 0", "SIGUSR1 10 0"] or \
        lines[1:] == [f"syskill {lines[0]}, SIGUSR1 1 SIGUSR1", "SIGUSR1 10 0", "syskill 0 0"], lines


@pytest.mark.parametrize("bits", [64, 32])
def test_calls_of_either_interface(bits):
    if bits == 32 and not os.path.exists("/usr/lib32/libc.so"):
        pytest.skip("no C library of 32 bits (libc6-dev-i386)")
    own = "if (pid() != target()) next"
    text = (f'probe kprocess.exec {{ {own} println(name, " ", filename, " ", args, " ", env_str, " ", argstr) }} '
            f'probe kprocess.exec_complete {{ {own} println(name, " ", retval, " ", retstr, " ", errno, " ", success) }} '
            f'probe signal.syskill, signal.systkill, signal.systgkill {{ {own} '
            'println(name, " ", argstr, " ", sig_name, " ", sig_pid, " ", pid_name, " ", task == pid2task(pid)) } '
            f'probe signal.syskill.return, signal.systkill.return, signal.systgkill.return {{ {own} println(name, " ", retval) }} '
            f'probe signal.pending {{ {own} println(name, " ", sigset_add, " ", sigset_size) }} '
            f'probe signal.pending.return {{ {own} println(name, " ", retstr) }}')
    program = compile_target("sends.c", f"-m{bits}")
    lines = script(text, "-c", program).ok().lines
    target, where = next(line for line in lines if " " in line and line[0].isdigit()).split()
    lines.remove(f"{target} {where}")
    assert lines[1:] == [
        "execve 0 0 0 1",
        f"syskill {target}, SIGUSR1 SIGUSR1 {target} sends 1", "syskill 0",
        f"systkill {target}, SIGUSR2 SIGUSR2 {target} sends 1", "systkill 0",
        f"systgkill {target}, {target}, SIGCHLD SIGCHLD {target} sends 1", "systgkill 0",
        "syskill -1234567, 0x0 0x0 -1234567  1", "syskill -3",
        f"pending {where} 8", "pending 0",
        'execve "/nonexistent" ["x", ""] [/* 1 var */] "/nonexistent" [""]', "execve -2 -2 (ENOENT) -2 0",
        'execve "/bin/true" ["true", "a b", "c"] [/* 3 vars */] "/bin/true" ["a b", "c"]', "execve 0 0 0 1"]


def test_page_faults_have_their_addresses():
    program = ("import ctypes, mmap\nm = mmap.mmap(-1, 64 * 4096)\n"
               "at = ctypes.addressof(ctypes.c_char.from_buffer(m))\nopen(f'{__file__}.at', 'w').write(str(at))\n"
               "ctypes.CDLL(None).madvise(ctypes.c_void_p(at), 64 * 4096, 15)\n"  # no huge pages
               "for i in range(0, 64 * 4096, 4096): m[i] = 1\n")
    lines = python('probe vm.pagefault { if (pid() == target()) printf("%d %d\\n", address, write_access) }', program)
    at = int(next(SESSION.rglob("*.at")).read_text())
    faults = [tuple(map(int, line.split())) for line in lines]
    assert sorted(a for a, write in faults if write and at <= a < at + 64 * 4096) == [at + i * 4096 for i in range(64)]


def test_messages_of_sockets():
    text = ('probe socket.send { if (pid() == target()) printf("send %d %s %s %d\\n", size, sock_fam_num2str(family), '
            'sock_type_num2str(type), success) } '
            'probe socket.receive { if (pid() == target()) printf("receive %d %s %s %d\\n", size, '
            'sock_fam_num2str(family), sock_type_num2str(type), success) }')
    lines = python(text, "import socket\na, b = socket.socketpair()\na.send(b'x' * 700)\nb.recv(1000)\n"
                   "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nu.bind(('127.0.0.1', 0))\n"
                   "u.sendto(b'x' * 900, u.getsockname())\nu.recv(1000)\nu.setblocking(False)\n"
                   "try:\n\tu.recv(10)\nexcept BlockingIOError:\n\tpass\n")
    if not any("LOCAL" in line for line in lines):
        pytest.skip("this kernel has neither the function nor the tracepoint")
    assert lines == ["send 700 LOCAL STREAM 1", "receive 700 LOCAL STREAM 1", "send 900 INET DGRAM 1",
                     "receive 900 INET DGRAM 1", "receive -11 INET DGRAM 0"]


@needs_functions
def test_reading_and_writing_of_a_file(tmp_path):
    path = tmp_path / "file"
    body = '{ if (pid() == target() && isinstr(pathname, "PATH")) printf("%s %s %d %d %d\\n", VALUES) }'
    text = " ".join(f"probe vfs.{point} {body.replace('PATH', str(path)).replace('VALUES', values)}" for point, values in (
        ("write", "name, pathname, ino, dev, bytes_to_write"),
        ("write.return", "retstr, pathname, ino, dev, bytes_written"),
        ("read", "name, pathname, ino, dev, bytes_to_read"), ("read.return", "devname, pathname, ino, dev, bytes_read")))
    lines = python(text, f"import os\nfd = os.open('{path}', os.O_RDWR | os.O_CREAT)\nos.write(fd, b'x' * 1000)\n"
                   "os.lseek(fd, 0, 0)\nos.read(fd, 5000)\n")
    status = os.stat(path)
    dev = os.major(status.st_dev) << 20 | os.minor(status.st_dev)
    device = pathlib.Path(f"/sys/dev/block/{os.major(status.st_dev)}:{os.minor(status.st_dev)}")
    name = device.resolve().name if device.exists() else "N/A"
    file = f"{path} {status.st_ino} {dev}"
    assert lines == [f"vfs.write {file} 1000", f"1000 {file} 1000", f"vfs.read {file} 5000", f"{name} {file} 1000"]


@needs_functions
def test_a_connection_of_tcp():
    body = '{ if (pid() == target()) printf("%s %d %s %d %s %d\\n", name, size, saddr, sport, daddr, dport) }'
    text = (f"probe tcp.recvmsg.return {body} "
            'probe tcp.sendmsg { if (pid() == target()) printf("%s %d %d\\n", name, size, family) } '
            'probe tcp.sendmsg.return { if (pid() == target()) printf("sent %d\\n", size) } '
            'probe tcp.receive { if (syn && dport == $port || fin && dport == $port) '
            'printf("%s %s %s %d%d%d\\n", name, saddr, daddr, syn, ack, fin) } '
            'probe tcp.setsockopt { if (pid() == target()) printf("%s %d %d\\n", optstr, level, optlen) } '
            'probe tcp.disconnect { printf("%s %d\\n", name, sport) }').replace("$port", "7391")
    lines = python(text, "import socket\ns = socket.socket()\ns.setsockopt(6, 1, 1)\n"
                   "s.setsockopt(1, 2, 1)\ns.bind(('127.0.0.1', 7391))\n"
                   "s.listen()\nc = socket.create_connection(('127.0.0.1', 7391))\na, peer = s.accept()\n"
                   "print(peer[1], flush=True)\nc.send(b'x' * 600)\na.recv(5000)\nc.close()\na.recv(10)\n")
    port = next(line for line in lines if line.isdigit())
    assert "TCP_NODELAY 6 4" in lines
    assert "tcp.ipv4.receive 127.0.0.1 127.0.0.1 100" in lines
    assert "tcp.ipv4.receive 127.0.0.1 127.0.0.1 011" in lines
    assert ["tcp.sendmsg 600 2", "sent 600"] == [line for line in lines if "sen" in line]
    assert [line for line in lines if "recvmsg" in line] == [
        f"tcp.recvmsg 600 127.0.0.1 7391 127.0.0.1 {port}", f"tcp.recvmsg 0 127.0.0.1 7391 127.0.0.1 {port}"]


@needs_functions
def test_messages_of_udp():
    text = ('probe udp.sendmsg { if (pid() == target()) printf("%s %d %s %d\\n", name, size, daddr, dport) } '
            'probe udp.sendmsg.return { if (pid() == target()) printf("sent %d\\n", size) } '
            'probe udp.recvmsg.return { if (pid() == target()) printf("%s %d %d\\n", name, size, sport) }')
    lines = python(text, "import socket\nu = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                   "u.bind(('127.0.0.1', 7392))\nu.sendto(b'x' * 900, ('127.0.0.1', 7392))\nu.recv(1000)\n")
    assert lines == ["udp.sendmsg 900 127.0.0.1 7392", "sent 900", "udp.recvmsg 900 7392"]


@needs_functions
def test_what_goes_to_a_terminal():
    text = ('probe tty.write { if (pid() == target()) printf("%s %d %s\\n", buffer, nr, driver_name) } '
            'probe tty.resize { if (pid() == target()) printf("%s %dx%d %dx%d\\n", name, old_row, old_col, new_row, new_col) }')
    lines = python(text, "import fcntl, os, pty, struct, termios\nm, s = pty.openpty()\nprint(os.ttyname(s), flush=True)\n"
                   "os.write(s, b'to the terminal')\n"
                   "fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 90, 0, 0))\n")
    name = lines[0].rsplit("/", 1)[1]
    assert lines[1:] == ["to the terminal 15 pty_slave", f"pts{name} 0x0 30x90"]


@needs_functions
def test_a_terminal_is_set_up():
    """Its function is inlined where most terminals are opened."""
    text = 'probe tty.init { if (pid() == target()) printf("%s %s %s\\n", driver_name, name, module) }'
    lines = python(text, "import os\nos.close(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))\n"
                   "try: os.open('/dev/ttyS3', os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)\nexcept OSError: pass\n")
    assert lines == ["pty_master ptm vmlinux", "serial ttyS vmlinux"]


@needs_functions
def test_a_task_wakes_up_for_a_signal():
    """Once for each signal, though the functions are inlined in part, and into their callers."""
    text = ('probe signal.wakeup { if (pid() == target()) printf("%s %d %d %s\\n", name, sig_pid, resume, state_mask) } '
            'probe signal.checkperm { if (pid() == target()) printf("%s %d\\n", name, sig_pid) }')
    lines = python(text, "import os, signal, time\nchild = os.fork()\nif not child:\n    signal.signal(10, lambda *_: 0)\n"
                   "    time.sleep(60)\n    time.sleep(60)\ntime.sleep(1)\nprint(child, flush=True)\nos.kill(child, 10)\n"
                   "time.sleep(0.5)\nos.kill(child, 9)\nos.wait()\n")
    child = lines[0]
    assert [line for line in lines[1:] if f" {child}" in line] == [
        f"checkperm {child}", f"wakeup {child} 0 TASK_INTERRUPTIBLE", f"checkperm {child}",
        f"wakeup {child} 1 TASK_INTERRUPTIBLE | TASK_TRACED | TASK_WAKEKILL"]


@needs_functions
def test_a_signal_that_cannot_be_delivered():
    """Its frame does not fit where the stack for signals was."""
    text = ('probe signal.force_segv { printf("%s %d %s %d\\n", name, sig, sig_name, sig_pid) } '
            'probe signal.force_segv.return { printf("%s %s\\n", name, retstr) }')
    lines = python(text, "import ctypes, os, signal\nlibc = ctypes.CDLL(None)\nsize = 1 << 16\n"
                   "libc.mmap.restype = ctypes.c_void_p\nat = libc.mmap(None, ctypes.c_size_t(size), 3, 0x22, -1, 0)\n"
                   "child = os.fork()\nif child:\n    print(child, os.WTERMSIG(os.wait()[1]), flush=True)\nelse:\n"
                   "    libc.sigaltstack((ctypes.c_ulong * 3)(at, 0, size), None)\n"
                   "    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))\n    signal.signal(10, lambda *_: 0)\n"
                   "    os.kill(os.getpid(), 10)\n")
    child, by = next(line for line in lines if line[0].isdigit()).split()
    assert by == "11" and [line for line in lines if not line[0].isdigit()] == [
        f"force_segv 10 SIGUSR1 {child}", "force_segv 0"]


def test_a_thread_hands_values_on():
    text = ('probe kernel.trace("sys_enter") { if (pid() == target() && $id == 39) { @this1 = gettimeofday_ns(); '
            '@this2 = execname() } } probe kernel.trace("sys_exit") { if (pid() == target() && @this1) { '
            'printf("%s %d %d\\n", @this2, gettimeofday_ns() >= @this1, $ret == pid()); @this1 = 0 } }')
    assert python(text, "import os\nos.getpid()\nos.getpid()\n")[-2:] == ["python3 1 1"] * 2


def test_requests_to_a_block_device(tmp_path):
    path = tmp_path / "file"
    device = os.stat(tmp_path).st_dev
    node = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    if not os.path.exists(node):
        pytest.skip("temporary files are on no block device")
    text = ('global bytes probe ioblock_trace.request { if (pid() == target() && rw) bytes[devname, bdevname(bdev) == devname] += size } '
            'probe end { foreach ([name, there] in bytes) printf("%s %d %d\\n", name, there, bytes[name, there]) }')
    lines = python(text, f"import mmap, os\nfd = os.open('{path}', os.O_RDWR | os.O_CREAT | os.O_DIRECT)\n"
                   "os.write(fd, mmap.mmap(-1, 1 << 20))\nos.fsync(fd)\n")
    name = os.path.basename(os.path.realpath(node))
    bytes_of = {line.split()[0]: int(line.split()[2]) for line in lines}
    assert 1 << 20 <= bytes_of[name] < 2 << 20, lines
    assert all(line.split()[1] == "1" for line in lines), lines


def table():
    """The aliases of docs/kernel-aliases.md that kernels lack, by kernel, and those that need no functions."""
    absent, traced = {}, set()
    text = (TOP / "docs" / "kernel-aliases.md").read_text(encoding="utf-8")
    for names, kernels in re.findall(r"^\| (`[^|]*`) \| ([\d., and]+) \|", text, re.M):
        for kernel in re.findall(r"\d+\.\d+", kernels):
            absent.setdefault(kernel, set()).update(re.findall(r"`([\w.]+)`", names))
    for line in re.findall(r"^\* (`.*)$", text, re.M):
        traced.update(re.findall(r"`([\w.]+)`", line))
    return absent, traced


@pytest.mark.parametrize("point", ["scheduler.tick", 'kernel.function("nosuchfunction")'])
def test_a_kernel_that_probes_no_function_says_so(point):
    """Whether it has the function or not."""
    result = stap("-p2", "-e", f"probe {point} {{ exit() }}", env={"BPFTAP_WITHOUT": "fentry,kprobe,kprobe_multi"}).failed()
    assert "does not let its functions be probed" in result.err and "similar functions" not in result.err


def test_every_alias_loads_or_is_known_not_to():
    result = run([PYTHON, "-B", TOP / "tests" / "tapset" / "load_aliases.py"], timeout=800).ok()
    loaded = {line.removesuffix(" ok") for line in result.lines if line.endswith(" ok")}
    failed = {line.split(": ")[0]: line for line in result.lines if not line.endswith(" ok")}
    absent, traced = table()
    release = ".".join(os.uname().release.split(".")[:2])
    if FUNCTIONS:
        assert release in absent, f"docs/kernel-aliases.md does not tell of {release}"
        assert set(failed) == absent[release], {failed[n] for n in set(failed) - absent[release]} | (
            absent[release] - set(failed))
    else:
        assert loaded == traced, (loaded - traced, {failed.get(n, n) for n in traced - loaded})
