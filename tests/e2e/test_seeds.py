# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts and remarks that users published, as far as they probe processes and use the language."""
import pytest

from support import compile_target, script, stap, trace


def test_language_samples():
    text = '''
global i
probe begin {
    if (pid() == target()) print(1); else print(0);
    while (i < 10) { ++i; }
    for (i = 0; i < 10; i++)
        print(i);
    print("\\n")
    exit()
}'''
    assert script(text).ok().out == "00123456789\n"


def test_reads_table():
    """Counting by name and process in an array, printed and cleared by a timer, sorted by a key."""
    program = compile_target("forks.c")
    text = '''
global reads
probe process("%s").function("work") { reads[execname(), pid()]++ }
probe end {
    foreach ([execname, pid+] in reads)
        printf("%%s(%%d) : %%d \\n", execname, pid, reads[execname, pid])
    delete reads
}''' % program
    import re
    lines = stap("-e", text, "-c", f"{program} 2").ok().lines
    assert len(lines) == 3 and all(re.fullmatch(r"forks\(\d+\) : 1 ", line) for line in lines)
    pids = [int(line.split("(")[1].split(")")[0]) for line in lines]
    assert pids == sorted(pids)


def test_fork_and_sleep_program(tmp_path):
    """The program of the notes: three forks; eight processes in the end."""
    import subprocess
    source = tmp_path / "forker.c"
    source.write_text("#include <unistd.h>\nint main(void) { for (int i = 0; i < 3; i++) { fork(); usleep(100000); } }\n")
    subprocess.run(["gcc", "-g", "-o", tmp_path / "forker", source], check=True)
    text = ('global seen probe process("%s").begin { seen[pid()] = 1 } probe process("%s").end { gone[pid()] = 1 } '
            'global gone probe timer.s(2) { foreach (p in seen) n++; foreach (p in gone) m++; println(n, " ", m) exit() }'
            ) % (tmp_path / "forker", tmp_path / "forker")
    assert stap("-e", text, "-c", f"sh -c '{tmp_path}/forker; sleep 3'").out == "8 8\n"


def test_probe_as_argument():
    program = compile_target("places.c")
    text = 'probe $1 { println(ppfunc()) }'
    assert stap("-e", text, "-c", str(program), f'process("{program}").function("outer")').ok().out == "outer\n"


def test_function_pattern_and_statement():
    program = compile_target("places.c")
    assert trace(program, 'probe process(PROG).function("out*") { println(probefunc()) }').ok().lines == ["outer"]


def test_write_a_variable():
    """$var = value needs -g, and a kernel that lets a probe write user memory."""
    program = compile_target("variables.c")
    text = 'probe process(PROG).function("many") { $h = 100 } ' \
           'probe process(PROG).function("many").return { println($return) }'
    result = trace(program, text, "-g")
    if result.status:
        assert "write" in result.err
        pytest.skip("this kernel does not let probes write: " + result.err.splitlines()[0])
    assert result.lines == ["100"]


def test_double_pointer():
    program = compile_target("variables.c")
    text = 'probe process(PROG).function("chain") { println($pp[0]->value, $pp[0]->next->value) }'
    assert trace(program, text).ok().out == "12\n"


def test_structure_with_one_or_two_dollars():
    program = compile_target("variables.c")
    text = 'probe process(PROG).function("chain") { println($head->at$) println($head->at$$) println($$parms) }'
    lines = trace(program, text).ok().lines
    assert lines[:2] == ["{.x=11, .y=-12}"] * 2 and lines[2].startswith("head=0x")
