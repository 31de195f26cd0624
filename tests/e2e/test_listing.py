# SPDX-License-Identifier: GPL-2.0-or-later
"""-l and -L: what is listed, in which format, and the exit status."""
from support import TARGETS, compile_target, line_of, stap, with_program


def listing(option, program, pattern, *more):
    return [line.replace(str(program), "PROG").replace(f"{TARGETS}/", "") for line in
            stap(option, with_program(pattern, program), *more).ok().lines]


def test_functions_with_parameters(variables):
    lines = listing("-L", variables, 'process(PROG).function("*@variables.c")')
    names = [line.split('function("')[1].split("@")[0] for line in lines]
    assert names == sorted(["chain", "fails", "find", "main", "make_point", "many", "name_of", "nothing", "real",
                            "scalars", "twice"])
    by_name = dict(zip(names, lines))
    number = by_name["scalars"].split("@")[1].split('"')[0]
    assert by_name["scalars"] == (
        f'process("PROG").function("scalars@{number}") $c:char $s:short int $i:int $l:long int $uc:unsigned char '
        '$us:short unsigned int $ui:unsigned int $ul:long unsigned int $local:int')
    assert number.startswith("variables.c:")
    assert by_name["find"].endswith(") $node:struct node* $value:int")
    assert by_name["chain"].endswith(") $head:struct node* $text:char const* $pp:struct node** $n:int "
                                     "$here:struct point $numbers:int[]")
    assert by_name["real"].endswith(") $d:double $f:float")
    assert by_name["nothing"].endswith('")')


def test_line_is_that_of_the_declaration(variables):
    numbers = {}
    for number, text in enumerate((TARGETS / "variables.c").read_text().splitlines(), 1):
        for name in ("nothing", "find", "twice"):
            if f" {name}(" in text or f"*{name}(" in text:
                numbers.setdefault(name, number)
    for name, number in numbers.items():
        assert listing("-l", variables, f'process(PROG).function("{name}")') == \
            [f'process("PROG").function("{name}@variables.c:{number}")']


def test_return_lists_the_value(variables):
    (line,) = listing("-L", variables, 'process(PROG).function("find").return')
    assert line.startswith('process("PROG").function("find@variables.c:') and ").return" in line
    assert line.split(".return ")[1] == "$return:struct node* $node:struct node* $value:int"


def test_statements(variables):
    lines = listing("-l", variables, 'process(PROG).statement("scalars@variables.c:*")')
    numbers = [int(line.rsplit(":", 1)[1].split('"')[0]) for line in lines]
    assert numbers == sorted(numbers)
    for marker in ("scalars-local", "scalars-after"):
        assert line_of("variables.c", marker) in numbers
    assert all(line.startswith('process("PROG").statement("scalars@variables.c:') for line in lines)


def test_marks():
    program = compile_target("marks.c", "-O2", "-g")
    assert listing("-L", program, 'process(PROG).provider("shop").mark("*")') == [
        'process("PROG").provider("shop").mark("close")',
        'process("PROG").provider("shop").mark("order") $arg1:long $arg2:long $arg3:long $arg4:long']


def test_symbols_without_debug_information():
    program = compile_target("variables.c", "-O0")
    lines = listing("-l", program, 'process(PROG).function("*")')
    assert 'process("PROG").function("scalars")' in lines
    assert lines == sorted(lines)


def test_nothing_matches(variables):
    result = stap("-l", with_program('process(PROG).function("nosuch*")', variables))
    assert result.status == 1 and result.out == ""
    assert stap("-l", "nosuch.probe").status == 1
    assert stap("-L", 'process("/no/such/file").function("*")').status == 1


def test_simple_points():
    assert stap("-l", "begin").ok().out == "begin\n"
    assert stap("-l", "timer.ms(10)").ok().out == "timer.ms(10)\n"


def test_aliases(tmp_path):
    (tmp_path / "a.stp").write_text('probe my.one = begin { a = 1; b = "s" } probe my.two = end { c = 2 }\n')
    assert stap("-I", tmp_path, "-l", "my.*").ok().lines == ["my.one", "my.two"]
    assert stap("-I", tmp_path, "-L", "my.*").ok().lines == ["my.one a:long b:string", "my.two c:long"]


def test_each_point_once(variables):
    lines = listing("-l", variables, 'process(PROG).function("*")')
    assert len(lines) == len(set(lines))


def test_what_is_listed_can_be_probed(variables):
    for line in stap("-l", with_program('process(PROG).function("*@variables.c")', variables)).ok().lines:
        assert stap("-p4", "-e", f"probe {line} {{ println(pp()) }}").ok()


def test_library():
    library = compile_target("plugin.c", "-shared", "-fPIC", "-O0", "-g", output="plugin.so")
    lines = listing("-L", library, 'process(PROG).function("plugin*")')
    assert [l.split("@")[0] for l in lines] == ['process("PROG").function("plugin_inner',
                                                'process("PROG").function("plugin_work']
    assert lines[0].endswith("$value:long int")


def test_globals_are_not_listed(variables):
    assert "$global" not in "".join(listing("-L", variables, 'process(PROG).function("nothing")'))
