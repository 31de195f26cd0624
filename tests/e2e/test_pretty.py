# SPDX-License-Identifier: GPL-2.0-or-later
"""Pretty printing: $x$, $x$$ and the $$ groups."""
import re

import pytest

from support import compile_target, line_of, trace


def show(program, point, expression):
    return trace(program, f"probe process(PROG).{point} {{ println({expression}) exit() }}").ok().out[:-1]


def test_shallow_structure(variables):
    assert re.fullmatch(
        r'\{\.name="first", \.value=1, \.next=0x[0-9a-f]+, \.at=\{\.\.\.\}, \.table=\[\.\.\.\], \.tag=\[\.\.\.\], '
        r'\.bits=\{\.\.\.\}, \.number=\{\.\.\.\}, \.colour=-3, \.method=0x[0-9a-f]+, \.nothing=0x0, \.ratio=\?, '
        r"\.small='.+?', \.negative='.+?', \.yes=1, <class>=\{\.\.\.\}\}",
        show(variables, 'function("chain")', "$head$"))


def test_deep_structure(variables):
    assert re.fullmatch(
        r'\{\.name="first", \.value=1, \.next=0x[0-9a-f]+, \.at=\{\.x=11, \.y=-12\}, \.table=\[5, \.\.\.\], '
        r'\.tag="tagged", \.bits=\{\.one=1, \.three=5, \.minus=-7, \.wide=737894400291\}, '
        r'\.number=\{\.whole=16909060, \.bytes=".*"\}, \.colour=-3, \.method=0x[0-9a-f]+, \.nothing=0x0, '
        r"\.ratio=\?, \.small='.+?', \.negative='.+?', \.yes=1, <class>=\{\.inside=31337\}\}",
        show(variables, 'function("chain")', "$head$$"))


@pytest.mark.parametrize("expression,text", [
    ("$head->at$", "{.x=11, .y=-12}"), ("$head->table$", "[5, ...]"), ("$head->tag$", '"tagged"'),
    ("$text$", '"some text"'), ("$n$", "4"), ("$head->bits$", "{.one=1, .three=5, .minus=-7, .wide=737894400291}"),
    ("$head->colour$", "-3"), ("$head->next->name$", '"second"'), ("$head->next->at$$", "{.x=21, .y=22}"),
    ("@cast($head, \"struct node\")->at$", "{.x=11, .y=-12}"),
])
def test_expression(variables, expression, text):
    assert show(variables, 'function("chain")', expression) == text


def test_function_pointer(variables):
    assert re.fullmatch(r"<function>:0x[0-9a-f]+", show(variables, 'function("chain")', "$head->method$"))


def test_characters(variables):
    assert show(variables, 'function("scalars")', "$c$") == "'A'"


def test_groups(variables):
    line = line_of("variables.c", "chain-body")
    statement = f'statement("chain@variables.c:{line}")'
    assert show(variables, statement, "$$locals$") == "here={.x=4, .y=40} numbers=[1, ...]"
    assert show(variables, statement, "$$locals") == "here={...} numbers=[...]"
    assert re.fullmatch(r"head=0x[0-9a-f]+ text=0x[0-9a-f]+ pp=0x[0-9a-f]+ n=0x4 here=\{\.\.\.\} numbers=\[\.\.\.\]",
                        show(variables, statement, "$$vars"))


def test_groups_of_parameters(variables):
    assert show(variables, 'function("scalars")', "$$parms$") == \
        "c='A' s=-2 i=-3 l=-4 uc='\\372' us=65000 ui=4000000000 ul=18000000000000000000"


def test_return(variables):
    assert show(variables, 'function("chain").return', "$$return$") == "return=2"
    assert show(variables, 'function("find").return', "$return->at$") == "{.x=21, .y=22}"


@pytest.mark.parametrize("limit", [1000, 2000, 4096])
def test_longer_strings(variables, limit):
    text = 'probe process(PROG).function("chain") { println($$vars$$) exit() }'
    out = trace(variables, text, "-D", f"MAXSTRINGLEN={limit}").ok().out
    assert out.count('.name="first"') == 2 and out.endswith("numbers=[0, ...]\n") or len(out) == limit


def test_cut_at_the_string_limit(variables):
    text = 'probe process(PROG).function("chain") { println(strlen($head$)) exit() }'
    assert trace(variables, text, "-D", "MAXSTRINGLEN=128").ok().out == "127\n"


@pytest.mark.parametrize("expression,text", [
    ("$object$", "{.x=?, .in={...}, <union>={...}, .name=?, .table=[...]}"),
    ("$object$$", "{.x=?, .in={.a=?, .text=?}, <union>={.u=?, .v=?}, .name=?, .table=[?, ...]}"),
    ("$object->in$", "{.a=?, .text=[...]}"), ("$object->table$", "[?, ...]"), ("$object->x$", "?"),
    ("$name$", "?"), ("$first$", "?"), ("$n$", "41"), ("@defined($object$)", "1"), ("@defined($object)", "0"),
    ("$$locals$", "object={.x=?, .in={...}, <union>={...}, .name=?, .table=[...]} name=? first=?"),
])
def test_variables_without_a_value_here(expression, text):
    """What SystemTap's pass 2 makes of them: their shape, with a question mark for each value."""
    assert show(compile_target("later.c", "-O2", "-g"), 'function("work")', expression) == text
