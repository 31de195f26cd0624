# SPDX-License-Identifier: GPL-2.0-or-later
"""perf.* and timer.profile: samples of events."""
import pytest

from support import script, stap

BUSY = "timeout 0.5 sh -c 'while :; do :; done'"
COUNT = 'global n, all probe %s { all++ if (execname() == "sh") n++ } probe end { println(n > 20, all >= n) }'


@pytest.mark.parametrize("point", ["perf.sw.cpu_clock", "perf.type(1).config(0).sample(2000000)",
                                   "perf.type(1).config(0).hz(1000)", "timer.profile.freq.hz(997)", "timer.profile"])
def test_a_busy_process_is_sampled(point):
    assert script(COUNT % point, "-c", BUSY).out == "11\n"


def test_only_a_program():
    text = ('global n, other probe perf.type(1).config(0).process("/bin/dash") { if (!target_set_pid(pid())) next '
            'if (execname() == "sh") n++; else other++ } '
            'probe end { println(n > 20, other > 1) }')  # one: while exec has the program, but not yet its name
    assert script(text, "-c", BUSY).out == "10\n"


def test_every_page_fault():
    text = 'global n probe perf.sw.page_faults.sample(1) { if (pid() == target()) n++ } probe end { println(n > 20) }'
    assert script(text, "-c", "/bin/true").ok().out == "1\n"


def test_names_of_events():
    names = stap("-l", "perf.*.*").ok().lines
    assert "perf.hw.cpu_cycles" in names and "perf.sw.context_switches" in names
    assert len(stap("-l", "perf.hw_cache.*.*.*").ok().lines) == 30


def test_a_period_must_be_positive():
    assert "invalid perf sample period 0" in script("probe perf.type(1).config(0).sample(0) { println(1) }").failed().err


def test_variables_there_are_none():
    result = script("probe perf.type(1).config(0) { println($x) }").failed()
    assert "unresolved target-symbol expression" in result.err
