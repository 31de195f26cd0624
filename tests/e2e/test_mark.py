# SPDX-License-Identifier: GPL-2.0-or-later
"""process.mark: static marks with arguments, providers, wildcards and semaphores."""
import shutil

import pytest

from support import Background, compile_target, stap, trace, with_program


@pytest.fixture(scope="module", params=[("-O0", "-g"), ("-O2", "-g"), ("-O2",), ("-O2", "-g", "-no-pie")],
                ids=["O0", "O2", "no-debuginfo", "no-pie"])
def marks(request):
    return compile_target("marks.c", *request.param)


@pytest.fixture(scope="module")
def guarded():
    return compile_target("marks.c", "-O2", "-g", "-DSEMAPHORES", output="guarded")


def test_arguments(marks):
    text = ('probe process(PROG).provider("shop").mark("order") '
            '{ println($arg1, " ", user_string($arg2), " ", $arg3, " ", $arg4) }')
    lines = [l for l in trace(marks, text).ok().lines if not l.startswith(("order", "close"))]
    assert lines == ["1 ann 0 65000", "2 bob -1 65001", "3 cy -2 65002"]


def test_name_and_provider(marks):
    text = 'probe process(PROG).mark("order") { println($$name, " ", $$provider) }'
    lines = [l for l in trace(marks, text).ok().lines if not l[-1].isdigit()]
    assert sorted(lines) == ["order other"] * 3 + ["order shop"] * 3


def test_wildcard(marks):
    text = 'global n probe process(PROG).mark("*") { n[$$name]++ } ' \
           'probe end { foreach (k+ in n) println(k, ": ", n[k]) }'
    lines = [l for l in trace(marks, text).ok().lines if ":" in l]
    assert lines == ["close: 1", "order: 6"]


def test_provider_wildcard(marks):
    text = 'probe process(PROG).provider("sh*").mark("clo*") { println("shut ", $$vars) }'
    assert "shut " in trace(marks, text).ok().lines


def test_variables_as_text(marks):
    text = 'probe process(PROG).provider("shop").mark("order") { println($$vars) exit() }'
    line = [l for l in trace(marks, text).ok().lines if "arg1" in l][0]
    assert line.startswith("$arg1=0x1 $arg2=0x") and line.endswith(" $arg3=0x0 $arg4=0xfde8")


def test_cast_of_an_argument():
    program = compile_target("marks.c", "-O0", "-g")
    text = 'probe process(PROG).provider("other").mark("order") ' \
           '{ println("n", @cast($arg1, "struct order")->number) }'
    assert [l for l in trace(program, text).ok().lines if l[0] == "n"] == ["n1", "n2", "n3"]


def test_semaphores_are_raised_only_for_probed_marks(guarded):
    assert trace(guarded, 'probe begin { x++ }').ok().lines == ["order 0", "close 0"]
    lines = trace(guarded, 'probe process(PROG).provider("shop").mark("order") { println("hit") }').ok().lines
    assert sorted(lines) == ["close 0", "hit", "hit", "hit", "order 1"]


def test_semaphores_are_lowered_again(guarded):
    trace(guarded, 'probe process(PROG).mark("*") { x++ }').ok()
    with Background([guarded]) as program:
        assert program.finish(5).ok().lines == ["order 0", "close 0"]


def test_list(marks):
    lines = stap("-L", with_program('process(PROG).provider("shop").mark("*")', marks)).ok().lines
    assert lines == [f'process("{marks}").provider("shop").mark("close")',
                     f'process("{marks}").provider("shop").mark("order") $arg1:long $arg2:long $arg3:long $arg4:long']


def test_list_of_two_marks_of_one_name(marks):
    """Two providers have an "order": what is common to both is listed."""
    lines = stap("-L", with_program('process(PROG).mark("*")', marks)).ok().lines
    assert lines == [f'process("{marks}").mark("close")', f'process("{marks}").mark("order") $arg1:long']


def test_unknown_mark(marks):
    result = trace(marks, 'probe process(PROG).mark("nosuch") { }').failed()
    assert "semantic error: while resolving probe point: identifier 'process' at <input>:1:7" in result.err
    assert "no match" in result.err


def test_python_marks_of_the_distribution():
    """A program that somebody else built."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    listed = stap("-l", f'process("{python}").mark("*")')
    if listed.status != 0:
        pytest.skip("this python3 was built without static marks")
    assert "function__entry" in listed.out or "gc__start" in listed.out or "audit" in listed.out
