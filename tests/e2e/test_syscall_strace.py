# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls of real programs against strace: the same calls, in the same order, with the same arguments where both
print them.  docs/syscalls.md has the figures and what differs."""
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from straced import compare
from support import TOP, compile_target, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
LEAST = 0.99    # of the arguments; what differs is the buffer of getrandom, which strace shows when it is filled


def check(command, calls):
    report = compare(command)
    print(report, report.differences.most_common(20))
    assert report.calls >= calls
    assert report.same == report.calls, report.differences
    assert report.arguments > 2 * report.calls, report
    assert report.equal >= LEAST * report.arguments, report.differences


def test_a_listing():
    check(["ls", "-lR", str(TOP / "tapset")], 200)


def test_an_interpreter():
    check([sys.executable, "-c", shlex.quote("import json, os; os.getppid()")], 300)


def test_git():
    check(["git", "-C", str(TOP), "log", "-5", "--stat"], 100)


def test_a_pipeline():
    check(["sh", "-c", shlex.quote(f"cat {TOP}/tapset/*.stp | sort | uniq -c | head -3")], 300)


def test_curl(tmp_path):
    (tmp_path / "page").write_text("hello\n", encoding="ascii")
    with subprocess.Popen([sys.executable, "-u", "-m", "http.server", "-d", tmp_path, "-b", "127.0.0.1", "0"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            port = server.stdout.readline().split("port ")[1].split()[0]
            wait_until(lambda: subprocess.run(["curl", "-s", f"http://127.0.0.1:{port}/page"], check=False,
                                              capture_output=True).returncode == 0)
            check(["curl", "-s", f"http://127.0.0.1:{port}/page"], 200)
        finally:
            server.kill()


@pytest.mark.parametrize("bits", [32, 64])
def test_both_interfaces(bits):
    if bits == 32 and not os.path.exists("/usr/lib32/libc.so"):
        pytest.skip("no C library of 32 bits (libc6-dev-i386)")
    check([str(compile_target("compat.c", f"-m{bits}", "-D_FILE_OFFSET_BITS=64", "-lpthread"))], 30)


def test_the_calls_behind_ipc():
    if not os.path.exists("/usr/lib32/libc.so"):
        pytest.skip("no C library of 32 bits (libc6-dev-i386)")
    report = compare([str(compile_target("ipc.c", "-m32"))])     # strace leaves addresses where arguments stand in memory
    assert report.calls > 30 and report.same == report.calls and report.equal >= report.arguments - 7, report.differences
