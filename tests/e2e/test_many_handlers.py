# SPDX-License-Identifier: GPL-2.0-or-later
"""Handlers that differ by probe point share programs of the kernel: what each does must not depend on the others."""
import re

import pytest

from support import compile_target, trace

ARGUMENTS = {
    "f0": "a=1", "f1": "b=2", "f2": "c='\\003' d=4", "f3": "e='\\005' f=6", "f4": "s=ADDR n=1", "f5": "p=ADDR",
    "f6": "g=7 h=8 i=9", "f7": "j=10 k=11 l=12 m=13 n=14 o=15", "f8": "u=16", "f9": "v=17 w=ADDR",
}


@pytest.fixture(scope="module")
def many():
    return compile_target("many.c", "-O0", "-g")


def values(text):
    """The parameters' text with pointers made equal and numbers decimal."""
    text = re.sub(r"\b([spw])=0x[0-9a-f]+", r"\1=ADDR", text)
    return re.sub(r"0x[0-9a-f]+", lambda m: str(int(m[0], 16)), text)


def test_parameters_of_many_functions(many):
    lines = trace(many, 'probe process(PROG).function("f?").call { println(ppfunc(), " ", $$parms) }').ok().lines
    got = dict(line.split(" ", 1) for line in lines)
    want = {name: text.replace("'\\003'", "3").replace("'\\005'", "5") for name, text in ARGUMENTS.items()}
    assert len(lines) == len(want)
    assert {name: values(text) for name, text in got.items()} == want


def test_calls_and_returns(many):
    lines = trace(many, 'probe process(PROG).function("f?").call { println("> ", ppfunc(), " ", $$parms) } '
                        'probe process(PROG).function("f?").return { println("< ", ppfunc(), " ", $return > 0, $$parms) }'
                  ).ok().lines
    assert [line.split()[:2] for line in lines] == [[mark, name] for name in ARGUMENTS for mark in "><"]


def test_globals_and_errors(many):
    text = ('global n, names probe process(PROG).function("f?") { n++; names[ppfunc(), $$parms] = n '
            'if (ppfunc() == "f3") n = 1 / (n - 4) else if (n == 7) error($$parms) } '
            'probe end { foreach ([name, parms] in names) printf("%s ", name) println(n) }')
    result = trace(many, text, "--suppress-handler-errors")
    assert result.out == " ".join(ARGUMENTS) + " 10\n"


def test_hits_of_each_point(many):
    result = trace(many, 'global s probe process(PROG).function("f?").call { s .= $$parms } probe end { println(strlen(s) > 0) }',
                   "-t").ok()
    hits = re.findall(r'function\("(f\d)@[^"]*"\)\.call, .*hits: (\d+)', result.out)
    assert dict(hits) == dict.fromkeys(ARGUMENTS, "1")


def test_conditions_and_other_points(many):
    """Points of one script whose handlers are shared partly."""
    text = ('probe process(PROG).function("f?").call { printf("%s(%s) ", ppfunc(), $$parms) } '
            'probe process(PROG).function("f6").call { printf("six ") } probe process(PROG).function("main").call { '
            'printf("main ") } probe process(PROG).function("f8").return { printf("eight ") }')
    out = re.sub(r"\([^)]*\)", "", trace(many, text).ok().out)
    assert out.replace("six f6", "f6 six").split() == \
        ["main", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "six", "f7", "f8", "eight", "f9"]
