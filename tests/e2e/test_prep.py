# SPDX-License-Identifier: GPL-2.0-or-later
"""stap-prep: what it finds is what the machine has, and its status says so."""
import os
import pathlib
import re

import pytest

from support import STAP, run, script

PREP = STAP.parent / "stap-prep"


def prep(*args, **kwargs):
    return run([PREP, *args], **kwargs)


@pytest.fixture(scope="module")
def findings():
    """{line's name: found?} and the result."""
    result = prep()
    return {m[1]: m[2] == "yes" for m in re.finditer(r"^(\S.*?) +(yes|no)(?: \(.*\))?$", result.out, re.M)}, result


def test_findings_are_the_machine_s(findings):
    found, _ = findings
    assert found["rights"] and found["eBPF programs"] and found["ring buffers"]
    assert found["type information (BTF)"] == os.path.exists("/sys/kernel/btf/vmlinux")
    assert found["tracepoints"] == os.path.exists("/sys/kernel/tracing/events/raw_syscalls/sys_enter")
    assert found["programs (uprobes)"] == os.path.exists("/sys/bus/event_source/devices/uprobe")
    kprobes = os.path.exists("/sys/bus/event_source/devices/kprobe")
    assert found.get("kernel functions by kprobe", False) == kprobes
    paranoid = pathlib.Path("/proc/sys/kernel/perf_event_paranoid").read_text().strip()
    assert f"(kernel.perf_event_paranoid = {paranoid})" in findings[1].out


def test_status_says_whether_families_are_lost(findings):
    found, result = findings
    lost = "\n    lost: " in result.out
    assert result.status == (2 if lost else 0) and result.err == ""
    assert found["kernel functions"] != ("lost: kernel.function" in result.out)
    works = script('probe kernel.function("vfs_read") { exit() }', "-T", "5").status == 0
    assert found["kernel functions"] == works


def test_features_to_do_without_are_missing(findings):
    result = prep("-q", env={"BPFTAP_WITHOUT": "uprobe_multi,fentry,kprobe"}).failed(2)
    assert re.search(r"^many functions of programs at once \(uprobe multi-links\) +no$", result.out, re.M)
    assert re.search(r"^kernel functions +no \(neither kprobes", result.out, re.M)
    assert "yes" not in result.out


def test_nothing_works_without_rights(findings):
    result = run(["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                  "--no-new-privs", PREP, "-q"])
    if result.status == 127 or "setpriv" in result.err:
        pytest.skip("setpriv does not work here: " + result.err)
    assert result.status == 3 and re.search(r"^rights +no \(Probing needs root, or", result.out, re.M), result
    assert result.err == "" and "lost: kernel.function" not in result.out     # that is not known


def test_what_needs_rights_to_be_known():
    result = run(["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", PREP])
    if result.status == 127 or "setpriv" in result.err:
        pytest.skip("setpriv does not work here: " + result.err)
    for name in ("eBPF programs", "ring buffers", "kernel functions", "profiling clock"):
        assert re.search(rf"^{name} +\? \(", result.out, re.M), result


def test_another_kernel_s_debug_information():
    result = prep("no-such-kernel")
    assert "linux-image-no-such-kernel-dbg" in result.out


def test_usage():
    assert "Usage: stap-prep" in prep("--help").ok().out
    assert "bpftap" in prep("-V").ok().out
    assert "Usage:" in prep("--nosuch").failed(1).err
    assert "Usage:" in prep("a", "b").failed(1).err
