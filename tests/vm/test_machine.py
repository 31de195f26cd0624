# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine itself: what a command gets and what comes back."""
import hashlib


def test_kernel(vm):
    assert vm.run("uname -r").ok().out.strip() == vm.kernel.release


def test_results_come_back(vm):
    result = vm.run("echo out; echo err >&2; mkdir /out/sub; echo text > /out/sub/file; exit 3")
    assert (result.status, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert result.files == {"sub/file": b"text\n"}
    assert vm.run("true").files == {}


def test_output_is_exact(vm):
    """Every byte, also those that terminals change."""
    result = vm.run("head -c 200000 /dev/urandom | tee /out/copy; md5sum < /out/copy >&2").ok()
    assert result.files["copy"] == result.stdout and len(result.stdout) == 200000
    assert hashlib.md5(result.stdout).hexdigest() in result.err


def test_time_limit(vm):
    assert vm.run("echo before; sleep 60", timeout=1).status == 137
    assert vm.run("echo after").ok().out == "after\n"


def test_system(vm):
    """What programs expect of a system: file systems, loopback, terminals, modules."""
    result = vm.run("""
        set -e
        test -d /sys/kernel/tracing/events; test -e /sys/kernel/btf/vmlinux; mount -t bpf | grep -q /sys/fs/bpf
        touch /dev/shm/x; ls /dev/pts/ptmx; ping -c 1 127.0.0.1; grep veth /proc/modules; mkdir /sys/fs/bpf/x
    """)
    result.ok()
