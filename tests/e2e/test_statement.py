# SPDX-License-Identifier: GPL-2.0-or-later
"""process.statement: lines in every form, and raw addresses."""
import re
import subprocess

import pytest

from support import compile_target, line_of, stap, trace, with_program


@pytest.fixture(scope="module")
def lines():
    return {name: line_of("places.c", name) for name in
            ("outer-first", "outer-second", "outer-third", "outer-fourth", "loop-body", "inlined-first")}


def test_absolute_line(places, lines):
    text = f'probe process(PROG).statement("outer@places.c:{lines["outer-fourth"]}") {{ println($total) }}'
    assert trace(places, text).ok().lines == ["31"]


def test_any_function_at_line(places, lines):
    text = f'probe process(PROG).statement("*@places.c:{lines["outer-third"]}") {{ println($total, " ", ppfunc()) }}'
    assert trace(places, text).ok().lines == ["15 outer"]


def test_relative_line(places, lines):
    declared = lines["outer-first"] - 2
    text = f'probe process(PROG).statement("outer@places.c+{lines["outer-third"] - declared}") {{ println($total) }}'
    assert trace(places, text).ok().lines == ["15"]


def test_every_line_of_a_function(places, lines):
    text = 'probe process(PROG).statement("outer@places.c:*") { println(pp()) }'
    hit = [int(re.search(r":(\d+)\"", line).group(1)) for line in trace(places, text).ok().lines]
    for name in ("outer-first", "outer-second", "outer-third", "outer-fourth"):
        assert lines[name] in hit
    listed = stap("-l", with_program('process(PROG).statement("outer@places.c:*")', places)).ok().lines
    assert sorted(set(hit)) == sorted({int(re.search(r":(\d+)\"", line).group(1)) for line in listed})


def test_range_and_list(places, lines):
    first, last = lines["outer-second"], lines["outer-fourth"]
    text = f'probe process(PROG).statement("outer@places.c:{first}-{last}") {{ println(pp()) }}'
    hit = {int(re.search(r":(\d+)\"", line).group(1)) for line in trace(places, text).ok().lines}
    assert hit == {first, first + 1, last}
    text = f'probe process(PROG).statement("outer@places.c:{first},{last}") {{ println(pp()) }}'
    hit = {int(re.search(r":(\d+)\"", line).group(1)) for line in trace(places, text).ok().lines}
    assert hit == {first, last}


def test_loop_body_is_hit_each_time(places, lines):
    text = f'probe process(PROG).statement("loop@places.c:{lines["loop-body"]}") {{ print($i, " ") }}'
    assert trace(places, text).ok().out == "0 1 2 3 4 5 6 7 8 9 "


def test_inline_code(places, lines):
    text = f'probe process(PROG).statement("inlined@places.c:{lines["inlined-first"]}") {{ println($value) }}'
    assert trace(places, text).ok().lines == ["5", "7"]


def test_line_without_code_names_neighbours(places, lines):
    empty = lines["outer-first"] + 1
    text = f'probe process(PROG).statement("outer@places.c:{empty}") {{ println("no") }}'
    result = trace(places, text).failed()
    assert "no line records for" in result.err
    assert f"try :{lines['outer-first']}" in result.err and f":{lines['outer-second']}" in result.err


def test_nearest(places, lines):
    text = f'probe process(PROG).statement("outer@places.c:{lines["outer-first"] + 1}").nearest {{ println("hit") }}'
    assert trace(places, text).ok().lines == ["hit"]


def test_address(places):
    symbols = subprocess.check_output(["nm", places], text=True)
    address = re.search(r"^([0-9a-f]+) T outer$", symbols, re.M).group(1)
    text = f'probe process(PROG).statement(0x{address}) {{ println("hit ", ppfunc()) }}'
    assert trace(places, text).ok().lines == ["hit outer"]


def test_absolute_address_of_a_process(beside):
    program = compile_target("waits.c", "-O0", "-g", "-no-pie")
    waits = beside(program, "5")
    symbols = subprocess.check_output(["nm", program], text=True)
    address = re.search(r"^([0-9a-f]+) T tick$", symbols, re.M).group(1)
    text = f'probe process({waits.pid}).statement(0x{address}).absolute {{ println("hit") exit() }}'
    assert stap("-g", "-e", text).ok().out == "hit\n"


def test_local_variables_change_along_the_lines(places, lines):
    text = (f'probe process(PROG).statement("outer@places.c:{lines["outer-second"]}") {{ println("second ", $total) }}'
            f'probe process(PROG).statement("outer@places.c:{lines["outer-fourth"]}") {{ println("fourth ", $total) }}')
    assert trace(places, text).ok().lines == ["second 0", "fourth 31"]
