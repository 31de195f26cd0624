# SPDX-License-Identifier: GPL-2.0-or-later
"""Aliases of kernel events that tracepoints give: values compared with what the programs that cause them did."""
import re
import sys

from support import script

PYTHON = sys.executable


def test_a_signal_and_who_gets_it():
    program = ("import os, signal; signal.signal(signal.SIGUSR1, lambda *a: 0); print(os.getpid(), flush=True); "
               "os.kill(os.getpid(), signal.SIGUSR1)")
    text = ('probe signal.send { if (pid() == target() && sig == 10) '
            'printf("%s %d %d %s %s %d %s\\n", name, sig_pid, sig == 10, sig_name, si_code, shared, pid_name) }')
    lines = script(text, "-c", f'{PYTHON} -c "{program}"').ok().lines
    assert [line.split()[:6] for line in lines[1:]] == [["signal_generate", lines[0], "1", "USR1", "SI_USER", "1"]]
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
    counted = dict(tuple(map(int, line.split())) for line in script(text, "-c", f"{PYTHON} -c 'import time; time.sleep(1)'").ok().lines)
    after = soft_interrupts()
    assert counted
    for vector, count in counted.items():
        assert count <= after[vector] - before[vector], (vector, counted, before, after)


def soft_interrupts():
    """Of each vector since boot, over all processors."""
    lines = open("/proc/softirqs", encoding="ascii").read().splitlines()[1:]
    return [sum(map(int, line.split()[1:])) for line in lines]
