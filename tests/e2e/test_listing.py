# SPDX-License-Identifier: GPL-2.0-or-later
"""-l and -L: what is listed, in which format, and the exit status."""
import re
import subprocess

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


def functions_at(places, spec):
    """Names of the functions that .function(SPEC) lists."""
    result = stap("-l", f'process("{places}").function("{spec}")')
    assert result.status == (0 if result.out else 1)
    return [line.split('function("')[1].split("@")[0] for line in result.lines]


def test_functions_that_span_a_line(places):
    """By a wildcard, those whose source reaches over the line: with code there or not."""
    inner = line_of("places.c", "inlined-first")
    third = line_of("places.c", "outer-third")
    for line, names in ((inner - 2, ["inlined"]), (inner, ["inlined"]), (inner + 1, ["inlined"]), (third, ["outer"]),
                        (third - 3, ["outer"]), (third - 6, []), (1, [])):
        assert functions_at(places, f"*@places.c:{line}") == names, line
    assert functions_at(places, f"*@places.c:{inner}-{third}") == ["helper", "inlined", "outer"]
    assert functions_at(places, f"o*@places.c:{inner}-{third}") == ["outer"]
    assert functions_at(places, f"*@places.c:{inner},{third}") == ["inlined", "outer"]


def test_line_of_a_named_function_does_not_matter(places):
    """So names as listed for another version of a program do."""
    for spec in ("outer@places.c:1", "outer@places.c:9999", "outer@places.c+200", "outer@places.c:*"):
        assert functions_at(places, spec) == ["outer"]
    assert functions_at(places, "outer@other.c:1") == []


def rows_at_entry(program, function):
    """The lines that the line table has at a function's first instruction, in its order: by objdump and nm."""
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    entry = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(f" {function}"))
    table = subprocess.run(["objdump", "--dwarf=decodedline", program], capture_output=True, text=True, check=True)
    rows = re.findall(r"^\S+ +(\d+) +0x([0-9a-f]+)\b", table.stdout, re.M)
    return [int(line) for line, address in rows if int(address, 16) == entry]


def test_entry_of_an_optimised_function_is_its_last_line_there():
    program = compile_target("variables.c", "-O2", "-g")
    numbers = [int(line.rsplit(":", 1)[1].split('"')[0]) for line in
               listing("-l", program, 'process(PROG).statement("chain@variables.c:*")')]
    rows = rows_at_entry(program, "chain")
    assert min(numbers) == rows[-1] > rows[0]


def test_lines_where_something_is_inlined_are_listed():
    """A line of a function is its own even if all code of it is of what was inlined there."""
    program = compile_target("places.c", "-O2", "-g")
    numbers = {int(line.rsplit(":", 1)[1].split('"')[0]) for line in
               listing("-l", program, 'process(PROG).statement("outer@places.c:*")')}
    assert {line_of("places.c", "outer-second"), line_of("places.c", "outer-third"),
            line_of("places.c", "outer-fourth")} <= numbers
    assert line_of("places.c", "inlined-first") not in numbers


def test_a_list_of_lines_has_each_place_once():
    program = compile_target("places.c", "-O2", "-g")
    second, third = line_of("places.c", "outer-second"), line_of("places.c", "outer-third")
    text = f'probe process(PROG).statement("outer@places.c:{second - 2},{second},{third}") {{ println(pp()) }}'
    assert len(set(re.findall(r"pc=\S+", stap("-p2", "-e", with_program(text, program)).ok().out))) == 2
    lines = listing("-l", program, f'process(PROG).statement("outer@places.c:{second - 2},{second},{third}")')
    assert [line.rsplit(":", 1)[1] for line in lines] == [f'{second - 2}")', f'{third}")']
