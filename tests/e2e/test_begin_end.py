# SPDX-License-Identifier: GPL-2.0-or-later
"""begin, end, error and never: order, and what ends a session."""
import os
import pathlib
import signal

import pytest

from support import STAP, background, run, script


def test_hello():
    result = script('probe begin { printf("hello world\\n") exit() }').ok()
    assert result.out == "hello world\n"
    assert result.err == ""


def test_oneshot():
    assert script('probe oneshot { println("once") }').ok().out == "once\n"


def test_begin_probes_run_in_sequence():
    result = script('probe begin(10) { println("ten") exit() } probe begin { println("zero") } '
                    'probe begin(-5) { println("minus") } probe begin(2) { println("two") }').ok()
    assert result.lines == ["minus", "zero", "two", "ten"]


def test_exit_lets_the_handler_finish_and_runs_end():
    result = script('probe begin { exit() println("after exit") } probe end { println("end") }').ok()
    assert result.lines == ["after exit", "end"]


def test_exit_in_begin_skips_later_begin_probes():
    result = script('probe begin(1) { println("one") exit() } probe begin(2) { println("two") } '
                    'probe end { println("end") }').ok()
    assert result.lines == ["one", "end"]


def test_end_probes_run_in_sequence():
    result = script('probe begin { exit() } probe end(3) { println("c") } probe end(-1) { println("a") } '
                    'probe end { println("b") }').ok()
    assert result.lines == ["a", "b", "c"]


def test_error_probe_replaces_end_after_an_error():
    result = script('probe begin { error("broken") println("not here") } probe end { println("end") } '
                    'probe error { println("error") }').failed()
    assert result.lines == ["error"]
    assert "ERROR: broken" in result.err


def test_error_probes_run_in_sequence():
    result = script('probe begin { error("x") } probe error(2) { println("b") } '
                    'probe error(1) { println("a") }').failed()
    assert result.lines == ["a", "b"]


def test_error_probe_does_not_run_without_an_error():
    result = script('probe begin { exit() } probe error { println("error") } probe end { println("end") }')
    assert result.ok().lines == ["end"]


def test_never_is_checked_but_never_runs():
    assert script('probe never { println("never") } probe begin { exit() }').ok().out == ""
    result = script('probe never { x = 1; x = "s"; println(x) } probe begin { exit() }').failed()
    assert "type mismatch" in result.err


def test_interrupt_runs_end_and_succeeds():
    with background("-e", 'probe begin { println("ready") } probe end { println("end") }') as stap:
        stap.wait_for("ready")
        stap.signal(signal.SIGINT)
        result = stap.finish(5).ok()
        assert result.lines == ["ready", "end"]


def test_terminate_runs_end():
    with background("-e", 'probe begin { println("ready") } probe end { println("end") }') as stap:
        stap.wait_for("ready")
        stap.signal(signal.SIGTERM)
        assert stap.finish(5).lines == ["ready", "end"]


def test_second_interrupt_always_ends():
    text = ('probe begin { println("ready") } probe end { i = 0; while (1) i++ } ')
    with background("-D", "MAXACTION_INTERRUPTIBLE=2000000000", "-D", "MAXACTION=2000000000",
                    "-e", text) as stap:
        stap.wait_for("ready")
        stap.signal(signal.SIGINT)
        assert stap.process.poll() is None
        import time
        time.sleep(0.3)
        stap.signal(signal.SIGINT)
        assert stap.finish(5).status is not None


def test_several_probe_points_share_a_handler():
    result = script('probe begin, end { println("x") exit() }').ok()
    assert result.lines == ["x", "x"]


@pytest.mark.parametrize("before", ("true", "umount /sys/kernel/tracing"))
def test_lines_in_the_trace_buffer(before):
    """Also where tracefs is not mounted: then it is, in the mount namespace of the test."""
    trace = pathlib.Path("/sys/kernel/tracing/trace")
    if not trace.exists() or pathlib.Path("/sys/kernel/tracing/tracing_on").read_text() != "1\n":
        pytest.skip("nothing is traced here: tracefs is not mounted, or tracing_on is 0")
    line = f"test {os.getpid()} {before}"
    result = run(["unshare", "-m", "sh", "-c", f"{before} && exec {STAP} -e 'probe begin {{ ftrace(\"{line}\") exit() }}'"])
    assert result.ok().err == ""
    assert f": {line}\n" in trace.read_text()
