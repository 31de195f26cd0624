# SPDX-License-Identifier: GPL-2.0-or-later
"""kernel.data and process(PID).data: accesses to memory, by breakpoint registers."""
import pathlib
import subprocess

import pytest

from support import STAP, compile_target, script, stap

SYSCTL = pathlib.Path("/proc/sys/kernel/panic")
SYMBOL = "panic_timeout"


@pytest.mark.parametrize("suffix, hits", [(".length(4).write", 150), (".write", 150), (".length(4).rw", 157)])
def test_memory_of_a_process(suffix, hits):
    with subprocess.Popen([compile_target("watched.c", "-pthread")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as target:
        pid, address = target.stdout.readline().split()
        text = (f'global n probe process({pid}).data({address}){suffix} {{ if (pid() == {pid}) n[user_int({address}), user_mode()]++ }} '
                f'probe begin {{ println("armed") }} probe process({pid}).end {{ exit() }} '
                'probe end { foreach ([k, u] in n) if (u) t += n[k, u]; println(t, " ", n[5, 1] > 1, " ", n[99, 1] > 0) }')
        with subprocess.Popen([STAP, "-e", text], stdout=subprocess.PIPE, text=True) as tracer:
            assert tracer.stdout.readline() == "armed\n"
            target.stdin.write("go\n")
            target.stdin.close()
            target.wait(20)
            out = tracer.communicate(timeout=20)[0]
    assert out == f"{hits} 1 1\n"


def needs_kernel_watchpoints():
    """The processor of some virtual machines never reports accesses of the kernel."""
    if not SYSCTL.exists():
        pytest.skip("no such sysctl")
    result = script('probe kernel.data("%s").rw { println("hit") exit() } probe timer.s(3) { exit() }' % SYMBOL, "-c",
                    f"cat {SYSCTL}")
    if "hides its address" in result.err or "hit" not in result.out:
        pytest.skip("accesses of this kernel cannot be watched")


@pytest.fixture
def keep_sysctl():
    before = SYSCTL.read_text()
    yield
    SYSCTL.write_text(before)


def address_of(symbol):
    for line in open("/proc/kallsyms"):
        if line.split()[2] == symbol:
            return "0x" + line.split()[0]
    return pytest.skip(f"{symbol} has no address here")


def test_writes_of_the_kernel(keep_sysctl):
    needs_kernel_watchpoints()
    text = ('global n probe kernel.data("%s").write { n[kernel_int(%s), execname()]++ } '
            'probe end { foreach ([v+, e] in n) println(v, " ", e, " ", n[v, e]) }' % (SYMBOL, address_of(SYMBOL)))
    command = f"sh -c 'for i in 1 2 3; do echo $((40 + i)) > {SYSCTL}; cat {SYSCTL}; done'"
    lines = script(text, "-c", command).ok().lines
    assert lines == ["41", "42", "43", "41 sh 1", "42 sh 1", "43 sh 1"]


def test_any_access_of_the_kernel(keep_sysctl):
    needs_kernel_watchpoints()
    text = 'global n probe kernel.data(%s).length(4).rw { n[execname()]++ } probe end { println(n["cat"], " ", n["sh"]) }'
    command = f"sh -c 'cat {SYSCTL}; cat {SYSCTL}; echo 7 > {SYSCTL}'"
    for place in (address_of(SYMBOL), f'"{SYMBOL}"'):
        assert script(text % place, "-c", command).ok().lines[-1] == "2 1"


@pytest.mark.parametrize("point, message", [
    ("kernel.data(0x1000).length(3).write", "invalid length 3 of a hardware breakpoint"),
    ('kernel.data("vfs_read").length(3).write', "invalid length 3 of a hardware breakpoint"),
    ("kernel.data(0x1001).length(4).rw", "cannot begin at 0x1001, which is no multiple of its length"),
    ('kernel.data("no_such_symbol").write', "no match: the kernel has no symbol 'no_such_symbol'"),
    ("kernel.data(0x1000)", "probe point truncated (follow:  length(number) rw write)"),
    ("process(4194305).data(0x1000).write", "No such process"),
])
def test_what_cannot_be_watched(point, message):
    assert message in script("probe %s { println(1) } probe timer.s(5) { exit() }" % point).failed().err


def test_more_than_there_are_registers():
    points = ", ".join(f"kernel.data(0x{0x1000 + 8 * i:x}).write" for i in range(5))
    result = stap("-p2", "-e", "probe %s { println(1) }" % points).ok()
    assert result.err.count("Too many hardware breakpoint probes requested") == 1
    assert "kernel.data(4096).length(1).write" in result.out or "kernel.data(0x1000).length(1).write" in result.out


def test_address_in_the_name_of_a_point():
    """As an address, however it was written; without the length, one byte."""
    result = stap("-p2", "-e", "probe kernel.data(0xffffffff81000000).write { println(pp()) }").ok()
    assert "kernel.data(0xffffffff81000000).length(1).write /*" in result.out
