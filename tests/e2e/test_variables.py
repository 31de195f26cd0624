# SPDX-License-Identifier: GPL-2.0-or-later
"""$variables of a probed program: every kind of type, chains, globals, casts, writing."""
import re

import pytest

from support import compile_source, compile_target, line_of, stap, trace, with_program


@pytest.fixture(scope="module", params=["gcc", "clang"])
def variables(request):
    return compile_target("variables.c", "-O0", "-g", "-w", cc=request.param)


def show(program, function, expressions, kind='function("{}")', options=()):
    point = kind.format(function)
    prints = " ".join(f"println({e})" for e in expressions)
    return trace(program, f"probe process(PROG).{point} {{ {prints} exit() }}", *options).ok().lines


def at_line(program, function, marker, expressions, options=()):
    line = line_of("variables.c", marker)
    return show(program, f"{function}@variables.c:{line}", expressions, 'statement("{}")', options)


def test_scalars_are_signed_as_declared(variables):
    values = show(variables, "scalars", ["$c", "$s", "$i", "$l", "$uc", "$us", "$ui", "$ul"])
    assert values == ["65", "-2", "-3", "-4", "250", "65000", "4000000000", str(18000000000000000000 - 2**64)]


def test_local_variable(variables):
    assert at_line(variables, "scalars", "scalars-after", ["$local", "$i"]) == ["-1", "-3"]


CHAIN = {
    "$head->value": "1", "$head->next->value": "2", "$head->next->at->y": "22", "$head->at->x": "11",
    "$head->at->y": "-12", "$head->table[0]": "5", "$head->table[3]": "-8", "$head->bits->one": "1",
    "$head->bits->three": "5", "$head->bits->minus": "-7", "$head->bits->wide": str(0xabcdef0123),
    "$head->number->whole": str(0x01020304), "$head->number->bytes[0]": "4", "$head->number->bytes[3]": "1",
    "$head->colour": "-3", "$head->nothing": "0", "$head->small": "200", "$head->negative": "-100",
    "$head->yes": "1", "$head->inside": "31337", "user_string($head->name)": "first",
    "user_string($head->next->name)": "second", "user_string($text)": "some text", "$pp[0]->value": "1",
    "$n": "4", "$head[0]->value": "1", "user_string($head->tag)": "tagged", "$head->tag[1]": "97",
    "user_string(&$head->tag[2])": "gged", "$head->next == &$head->next[0]": "1",
    "@cast($head, \"struct node\")->value": "1", "@cast($head->next, \"struct node\")->at->x": "21",
    "usymname($head->method)": "twice", "&$head->at->y - &$head->at->x": "4",
    "@defined($head)": "1", "@defined($nosuch)": "0", "@defined($head->nosuch)": "0",
    "@choose_defined($nosuch, $n)": "4", '@var("n")': "4", '@cast($head, "node")->next->value': "2",
}


@pytest.fixture(scope="module")
def chain_values(variables):
    return dict(zip(CHAIN, show(variables, "chain", CHAIN)))


@pytest.mark.parametrize("expression", CHAIN)
def test_chain(chain_values, expression):
    assert chain_values[expression] == CHAIN[expression]


def test_locals_in_the_body(variables):
    assert at_line(variables, "chain", "chain-body",
                   ["$here->x", "$here->y", "$numbers[0]", "$numbers[3]", "$numbers[$n - 2]"]) == \
        ["4", "40", "1", "4", "3"]


GLOBALS = {
    "$global_counter": "1234567890123", '@var("static_value@variables.c")': "-42",
    '@var("global_array")[1]': "20", '@var("global_array@variables.c")[4]': "50", "$global_node->value": "99",
    '@var("global_node@variables.c")->at->y': "8", "user_string($global_text)": "hello world",
    '@var("global_counter", PROG)': "1234567890123", '@var("static_value@variables.c", PROG)': "-42",
    'user_string(@var("global_node")->name)': "global", "user_string(&$global_text[6])": "world",
    "$thread_value": "77",
}


@pytest.mark.parametrize("expression", GLOBALS)
def test_global(variables, expression):
    assert show(variables, "nothing", [with_program(expression, variables)]) == [GLOBALS[expression]]


def test_global_from_another_module(variables):
    """@var with a path works where there is no context of the program's own."""
    text = with_program('probe process(PROG).begin { x = 1 } probe process(PROG).function("nothing") '
                        '{ println(@var("static_value@variables.c", PROG)) exit() }', variables)
    assert stap("-e", text, "-c", variables).ok().lines == ["-42"]


def test_return_values(variables):
    text = ('probe process(PROG).function("scalars").return { println("scalars ", $return) } '
            'probe process(PROG).function("chain").return { println("chain ", $return) } '
            'probe process(PROG).function("name_of").return { println("name ", user_string($return)) } '
            'probe process(PROG).function("find").return { if ($return) println("found ", $return->value, " ", '
            'user_string($return->name)); else println("none") } '
            'probe process(PROG).function("fails").return { println("fails ", $return) }')
    assert trace(variables, text).ok().lines == ["scalars -1", "chain 2", "name first", "found 2 second", "none"] + \
        ["fails -1"] * 4


def test_return_of_a_structure(variables):
    text = 'probe process(PROG).function("make_point").return { println($return->x, $return->y) }'
    assert trace(variables, text).ok().lines == ["34"]


def test_no_return_value(variables):
    text = 'probe process(PROG).function("nothing").return { println(@defined($return), "[", $$return, "]") }'
    assert trace(variables, text).ok().lines == ["0[]"]
    result = trace(variables, 'probe process(PROG).function("nothing").return { println($return) }').failed()
    assert "semantic error" in result.err


def test_vars_as_text(variables):
    assert show(variables, "scalars", ["$$parms"]) == [
        "c=0x41 s=0xfffffffffffffffe i=0xfffffffffffffffd l=0xfffffffffffffffc uc=0xfa us=0xfde8 "
        "ui=0xee6b2800 ul=0xf9ccd8a1c5080000"]
    assert at_line(variables, "scalars", "scalars-after", ["$$locals", "$$vars"]) == [
        "local=0xffffffffffffffff",
        "c=0x41 s=0xfffffffffffffffe i=0xfffffffffffffffd l=0xfffffffffffffffc uc=0xfa us=0xfde8 "
        "ui=0xee6b2800 ul=0xf9ccd8a1c5080000 local=0xffffffffffffffff"]


def test_return_as_text(variables):
    text = 'probe process(PROG).function("chain").return { println($$return) }'
    assert trace(variables, text).ok().lines == ["return=0x2"]


def test_variables_passed_to_functions(variables):
    text = ('function show(p) { return @cast(p, "struct node", PROG)->value } '
            'probe process(PROG).function("chain") { println(show($head), show($head->next)) }')
    assert trace(variables, with_program(text, variables)).ok().lines == ["12"]


def test_typed_script_variable(variables):
    """A script variable assigned from a pointer keeps its type."""
    text = 'probe process(PROG).function("chain") { p = $head->next; println(p->value, " ", p->at->y) }'
    assert trace(variables, text).ok().lines == ["2 22"]


def test_walk_a_list(variables):
    text = ('probe process(PROG).function("chain") { for (p = $head; p; p = @cast(p, "struct node")->next) '
            'println(user_string(@cast(p, "struct node")->name)) }')
    assert trace(variables, text).ok().lines == ["first", "second"]


def test_null_pointer_is_a_soft_error(variables):
    text = 'probe process(PROG).function("chain") { println($head->next->next->value) }'
    result = trace(variables, text)
    assert result.status == 1 and "read fault" in result.err and "0x" in result.err
    caught = ('probe process(PROG).function("chain") { try { println($head->next->next->value) } '
              'catch (e) { println("caught ", e) } }')
    assert trace(variables, caught).ok().out.startswith("caught read fault")


def test_vars_of_a_function_with_many(tmp_path):
    source = tmp_path / "many.c"
    locals_ = "".join(f"volatile int v{i} = {i};" for i in range(150))
    source.write_text(f"int main(void) {{ {locals_} return v0; }}")
    program = compile_source(source, "-O0", "-g")
    lines = trace(program, 'probe process(PROG).function("main") { println($$vars) }', "-DMAXSTRINGLEN=4096").ok().lines
    assert re.sub("=0x[0-9a-f]+", "", lines[0]).split() == [f"v{i}" for i in range(150)]


def test_skip_badvars(variables):
    text = 'probe process(PROG).function("chain") { println($nosuch, "|", $head->next->next->value) }'
    assert trace(variables, text, "--skip-badvars").ok().lines == ["0|0"]


def test_float_is_not_an_integer(variables):
    """A floating-point value has no integer reading; its bits are printed or the script is refused."""
    result = trace(variables, 'probe process(PROG).function("real") { println($d$) }')
    assert result.ok().lines == ["?"]


def test_write_needs_guru_mode(variables):
    text = 'probe process(PROG).function("many") { $a = 10 }'
    result = trace(variables, text).failed()
    assert "semantic error: write to target variable not permitted; need stap -g" in result.err


def test_assigned_type_errors(variables):
    for body, message in (('println($nosuch)', "unable to find local 'nosuch'"),
                          ('println($head->nosuch)', "unable to find member 'nosuch' for struct node"),
                          ('println($n->x)', "invalid access '->x' vs. int"),
                          ('println(@var("nosuch@variables.c"))', "nosuch")):
        result = trace(variables, f'probe process(PROG).function("chain") {{ {body} }}').failed()
        assert "semantic error" in result.err and message in result.err


@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3"])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_optimised_variables_are_right_or_refused(level, cc):
    """With location lists a variable is either right or not available, never wrong."""
    program = compile_target("variables.c", level, "-g", "-w", cc=cc)
    text = ('probe process(PROG).function("chain") { println($head->value, $head->next->value, $n) } '
            'probe process(PROG).function("find") { println($node->value, " ", $value) } '
            'probe process(PROG).function("chain").return { println("= ", $return, " ", $n) }')
    lines = trace(program, text).ok().lines
    assert lines == ["124", "= 2 4", "1 2", "1 3"]


def test_unavailable_variable_says_why():
    program = compile_target("variables.c", "-O2", "-g")
    line = line_of("variables.c", "chain-body")
    text = f'probe process(PROG).statement("chain@variables.c:{line}") {{ println($here->x) }}'
    result = trace(program, text)
    assert result.status == 0 or "semantic error" in result.err and "here" in result.err


def test_register(variables):
    text = 'probe process(PROG).function("nothing") { println(register("rip") != 0, u_register("rsp") != 0) }'
    assert trace(variables, text).ok().lines == ["11"]


def test_argument_functions(variables):
    text = ('probe process(PROG).function("many") { println(int_arg(1), int_arg(2), long_arg(3), uint_arg(4), '
            'ulong_arg(5), int_arg(6)) } '
            'probe process(PROG).function("name_of") { println(pointer_arg(1) == $node) }')
    assert sorted(trace(variables, text).ok().lines) == ["1", "123456"]


@pytest.mark.parametrize("model", ["global-dynamic", "local-dynamic", "initial-exec"])
def test_thread_local_variables_of_a_library(model):
    """Each thread has its own; one that it has not used yet has the value that it would begin with."""
    library = compile_target("tls.c", "-DLIBRARY", "-shared", "-fPIC", "-O1", "-g", f"-ftls-model={model}",
                             output="libtls.so")
    program = compile_target("tls.c", "-O1", "-g", "-ldl", "-pthread", output="loads")
    text = (f'probe process("{library}").function("show") '
            '{ printf("%d %d %d %s %d\\n", $number, $tls_first, $tls_record->number, @var("tls_record")->name$, @var("tls_hidden")) }')
    want = [line for n in range(1, 5) for line in (f'{n} 11 7 "seven" 5', f'{n} {11 + n} {7 + 10 * n} "seven" {5 - n}')]
    assert trace(program, text, command=f"{program} {library}").ok().lines == want
    # of a block that is not there yet nothing is known where zeros are not in the file
    text = f'probe process("{library}").function("show") {{ try {{ println(@var("tls_zero")) }} catch {{ println("none") }} }}'
    lines = trace(program, text, command=f"{program} {library}").ok().lines
    assert lines[1::2] == ["1", "2", "3", "4"] and set(lines[::2]) <= {"none", "0"}


def test_thread_local_variables_of_a_library_linked():
    library = compile_target("tls.c", "-DLIBRARY", "-shared", "-fPIC", "-O1", "-g", output="libtls.so")
    program = compile_target("tls.c", str(library), "-Wl,--no-as-needed", str(library), "-O1", "-g", "-ldl", "-pthread",
                             output="linked")
    text = (f'probe process("{library}").function("show") {{ println($number, " ", $tls_first) }}')
    assert trace(program, text).ok().lines == [line for n in range(1, 5) for line in (f"{n} 11", f"{n} {11 + n}")]


def test_value_in_a_vector_register(tmp_path):
    """The kernel does not hand them to eBPF: that is told, with the register's name."""
    (tmp_path / "floats.c").write_text("__attribute__((noinline, noclone)) double scale(int n, float x, double y) { return n * x + y; }\n"
                                       "int main(int argc, char **argv) { return scale(argc, 2.5f * argc, argc) == 0; }\n")
    program = compile_source(tmp_path / "floats.c", "-O2", "-g")
    for variable, register in (("$x", "xmm0"), ("$y", "xmm1")):
        result = stap("-p2", "-e", f'probe process("{program}").function("scale") {{ println({variable}) }}').failed()
        assert f"(it is in the vector register {register}, which eBPF programs cannot read)" in result.err
    assert trace(program, 'probe process(PROG).function("scale") { println($$parms) }').ok().out == "n=0x1 x=? y=?\n"
