# SPDX-License-Identifier: GPL-2.0-or-later
"""perf.* and timer.profile: samples of events."""
import os
import subprocess

import pytest

from support import STAP, compile_target, run, script, stap, wait_until

SHELL = os.path.realpath("/bin/sh")
NAME = os.path.basename(SHELL)
BUSY = f"{SHELL} -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'"    # some processor time, under any load
COUNT = f'global n, all probe %s {{ all++ if (execname() == "{NAME}") n++ }} probe end {{ println(n > 20, all >= n) }}'


@pytest.mark.parametrize("point", ["perf.sw.cpu_clock", "perf.type(1).config(0).sample(2000000)",
                                   "perf.type(1).config(0).hz(1000)", "timer.profile.freq.hz(997)", "timer.profile"])
def test_a_busy_process_is_sampled(point):
    assert script(COUNT % point, "-c", BUSY).out == "11\n"


def test_only_a_program():
    text = (f'global n, other probe perf.type(1).config(0).process("{SHELL}") {{ if (!target_set_pid(pid())) next '
            f'if (execname() == "{NAME}" || execname() == "sh") n++; else other++ }} '
            'probe end { println(n > 20, other > n / 10) }')  # some: while exec has the program, but not yet its name
    assert script(text, "-c", BUSY).out == "10\n"


def test_every_page_fault():
    text = 'global n probe perf.sw.page_faults.sample(1) { if (pid() == target()) n++ } probe end { println(n > 20) }'
    assert script(text, "-c", "/bin/true").ok().out == "1\n"


def test_names_of_events():
    names = stap("-l", "perf.*.*").ok().lines
    assert "perf.hw.cpu_cycles" in names and "perf.sw.context_switches" in names
    assert len(stap("-l", "perf.hw_cache.*.*.*").ok().lines) == 30


@pytest.mark.parametrize("written, name", [
    ("timer.profile", "perf.type(1).config(0).sample(1000000)"),
    ("timer.profile.freq.hz(99)", "perf.type(1).config(0).sample(99)"),
    ("perf.sw.page_faults", "perf.type(1).config(2).sample(1000000)"),
    ("perf.type(1).config(0).hz(100)", "perf.type(1).config(0).sample(100)"),
    (f'perf.type(1).config(1).process("{SHELL}")', f'perf.type(1).config(1).sample(1000000).process("{SHELL}")'),
    ('perf.type(1).config(1).counter("x")', 'perf.type(1).config(1).sample(0).counter("x")')])
def test_names_of_points(written, name):
    """What is counted, and how much of it from one hit to the next, say all of them; listings show what was written."""
    lines = stap("-p2", "-e", f"probe {written} {{ println(pp()) }}").ok().lines
    assert [line.split(" /*")[0] for line in lines if line.startswith("perf.type")] == [name]
    assert stap("-l", written).ok().lines == [written]


def test_a_period_must_be_positive():
    assert "invalid perf sample period 0" in script("probe perf.type(1).config(0).sample(0) { println(1) }").failed().err


def test_variables_there_are_none():
    result = script("probe perf.type(1).config(0) { println($x) }").failed()
    assert "unresolved target-symbol expression" in result.err


def test_a_counter_is_read_in_a_handler():
    program = compile_target("faults.c", "-O2", "-g")
    text = ('global at probe perf.type(1).config(2).process("%s").counter("faults") { } '
            'probe process("%s").function("touch") { at = @perf("faults") } '
            'probe process("%s").function("touch").return { printf("read %%d\\n", @perf("faults") - at) }' % ((program,) * 3))
    lines = script(text, "-c", program).ok().lines
    counted = [line.split()[1] for line in lines if line.startswith("counted")]
    assert counted[1:] == ["0", "1", "10", "100", "7"]
    assert [line.split()[1] for line in lines if line.startswith("read")] == counted


def test_a_counter_of_the_processors():
    program = compile_target("faults.c", "-O2", "-g")
    text = ('probe perf.type(1).config(0).counter("clock") { println("never") } '
            'probe process("%s").function("touch") { println(@perf("clock") > 0) exit() }' % program)
    with subprocess.Popen([STAP, "-e", text], stdout=subprocess.PIPE, text=True) as tracer:
        wait_until(lambda: run([program]).status == 0 and tracer.poll() is not None, what="a hit")
        assert set(tracer.communicate(timeout=20)[0].split()) == {"1"}


def test_counters_that_cannot_be_read():
    assert "perf counter 'no' not defined before" in script(
        'probe process("/bin/true").begin { println(@perf("no")) }').failed().err
    assert "@perf is only valid in probes of process functions and statements" in script(
        'probe perf.sw.cpu_clock.counter("c") { } probe begin { println(@perf("c")) }').failed().err
    assert "this machine does not count such events" in script(
        'probe perf.type(4).config(1).counter("c") { } probe process("%s").function("touch") { println(@perf("c")) }'
        % compile_target("faults.c", "-O2", "-g")).failed().err
