# SPDX-License-Identifier: GPL-2.0-or-later
"""Every diagnostic of the compiler has a test of its own name.

The tags stand in the source beside the messages.  sema/diagnostics.txt has a script for each, and
tests/unit/test_sema_golden.c checks that it gives that diagnostic; what no script on any machine can
give is listed here with the reason, or the test that has it.
"""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "src"
CALL = re.compile(r"\b(?:diag_new|diag_error|diag_warn|\w*fail\w*|primitive_error)\s*\(([^\";]*?)\"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\"\s*,")

ELSEWHERE = {
    "bad-debuginfo": "a broken file: tests/e2e/test_robustness.py",
    "bad-mark": "a broken file: tests/e2e/test_robustness.py",
    "call-guru": "functions of the library: tests/e2e/test_tapset_values.py",
    "call-refused": "functions of the library: tests/golden/errors/call-refused.stp",
    "cond-config-number": "depends on the kernel's configuration: tests/unit/test_lang.c",
    "damaged-debuginfo": "a broken file: tests/e2e/test_robustness.py",
    "embedded-code": "the library's own primitives",
    "file-unchecked": "kernel functions",
    "global-type": "globals of the kernel",
    "global-conflict": "several files: tests/e2e/test_messages.py",
    "hook-state": "the kernel's type information",
    "internal": "an error of the compiler itself",
    "macro-file-token": "macro files: tests/unit/test_lang.c",
    "macro-library-duplicate": "macro files: tests/unit/test_lang.c",
    "macro-library-first": "macro files: tests/unit/test_lang.c",
    "mark-type": "marks: tests/e2e/test_mark.py",
    "names": "the library's own primitives",
    "need-kernel-debuginfo": "kernel functions",
    "netfilter-address": "hooks of packets: tests/e2e/test_netfilter.py",
    "no-btf": "the kernel's type information",
    "no-chain-type": "the kernel's type information",
    "no-debuginfo": "a stripped program: tests/e2e/test_messages.py",
    "no-index": "optimised code: tests/corpus",
    "no-kallsyms": "kernel functions",
    "inlined-return": "tests/e2e/test_function.py",
    "no-kernel-functions": "kernel functions",
    "no-netfilter": "hooks of packets: tests/e2e/test_netfilter.py",
    "no-btf": "kernel functions",
    "no-prototype": "kernel functions",
    "other-build": "kernel functions",
    "no-symbols": "another kernel, without vmlinux: tests/e2e/test_robustness.py",
    "no-tracefs": "a user without rights: tests/e2e/test_trace.py",
    "no-verdict": "hooks of packets: tests/e2e/test_netfilter.py",
    "not-a-statement": "addresses: tests/e2e/test_statement.py",
    "not-accessible": "optimised code: tests/corpus",
    "odd-size": "debug information that compilers do not write",
    "outside-loop": "pass 3: tests/golden/errors/outside-loop.stp",
    "perf-frequency": "tests/e2e/test_perf.py",
    "perf-period": "tests/e2e/test_perf.py",
    "perf-place": "tests/e2e/test_perf.py",
    "perf-type": "tests/e2e/test_perf.py",
    "probe-privilege": "an option: tests/e2e/test_cmdline.py",
    "return-breaks": "programs: tests/e2e/test_function.py",
    "return-location": "debug information that compilers do not write",
    "sdt-address": "marks: tests/e2e/test_mark.py",
    "target-lowering": "an error of the compiler itself",
    "unused-argument": "the command line: tests/e2e/test_messages.py",
    "unusable-program": "a broken file: tests/e2e/test_robustness.py",
    "void": "debug information that compilers do not write",
    "wide-value": "kernel functions",
    "write-computed": "optimised code: tests/corpus",
    "write-netfilter": "hooks of packets: tests/e2e/test_netfilter.py",
    "write-sdt": "marks: tests/e2e/test_mark.py",
    "write-verdict": "hooks of packets: tests/e2e/test_netfilter.py",
}


def source_tags():
    tags = set()
    for path in SOURCE.rglob("*.c"):
        tags.update(match[2] for match in CALL.finditer(path.read_text()))
    return tags


def case_names():
    text = (HERE / "sema" / "diagnostics.txt").read_text()
    return set(re.findall(r"(?m)^%% (\S+)", text))


def test_each_diagnostic_has_a_test():
    missing = source_tags() - case_names() - set(ELSEWHERE)
    assert not missing, f"no case in sema/diagnostics.txt for {sorted(missing)}"


def test_exceptions_are_diagnostics():
    assert set(ELSEWHERE) <= source_tags()
    assert not set(ELSEWHERE) & case_names()
