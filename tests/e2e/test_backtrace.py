# SPDX-License-Identifier: GPL-2.0-or-later
"""User-space backtraces and symbols, compared with what gdb shows."""
import json
import re
import subprocess

import pytest

from support import compile_target, frame_name, gdb_script, script, trace

FRAME = re.compile(r" 0x([0-9a-f]+) : (\S+)\+0x([0-9a-f]+)/0x([0-9a-f]+) \[(.*)\]$")


def gdb_frames(program, function, truth):
    """(symbol, offset) of each frame of gdb's backtrace at the first hit of a function, innermost first."""
    result = gdb_script("frames.py", program, truth=truth, env={"FUNCTION": function})
    assert truth.exists(), result
    return [tuple(frame) for frame in json.loads(truth.read_text())]


def frames(text):
    return [FRAME.match(line) for line in text.splitlines() if line.startswith(" 0x")]


@pytest.mark.parametrize("flags", [("-O0", "-g"), ("-O2", "-g", "-fomit-frame-pointer"),
                                   ("-O2", "-fomit-frame-pointer"),
                                   ("-O2", "-g", "-no-pie"), ("-O3", "-g", "-fno-omit-frame-pointer")],
                         ids=lambda f: "".join(f))
def test_complete_as_in_gdb(flags, tmp_path):
    program = compile_target("deep.c", *flags)
    text = 'probe process(PROG).function("deepest") { print_ubacktrace() exit() }'
    found = frames(trace(program, text, "-D", "MAXBACKTRACE=40").ok().out)
    assert all(found)
    names = [f.group(2) for f in found]
    assert names[0] == "deepest" and names[-1] == "_start" and "main" in names
    offsets = [int(f.group(3), 16) for f in found]
    expected = gdb_frames(program, "deepest", tmp_path / "truth")
    assert [frame_name(n) for n in names] == [frame_name(n) for n, _ in expected]
    # gdb stops at the entry, the probe stands behind the prologue where there are no location lists
    assert offsets[1:] == [o for _, o in expected[1:]]


def test_format():
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("deepest") { print_ubacktrace() exit() }'
    first = frames(trace(program, text).ok().out)[0]
    assert first.group(2) == "deepest" and first.group(3) == "0" and first.group(5) == str(program)
    # A symbol reaches to the next one.
    listed = subprocess.check_output(["nm", program], text=True).splitlines()
    symbols = sorted({int(line.split()[0], 16) for line in listed if re.match("[0-9a-f]+ [tTwW] ", line)})
    start = next(int(line.split()[0], 16) for line in listed
                 if line.endswith(" deepest"))
    assert int(first.group(4), 16) == min(s for s in symbols if s > start) - start


def test_brief():
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("deepest") { print_ubacktrace_brief() exit() }'
    lines = trace(program, text).ok().lines
    assert lines[0] == "deepest+0x0" and re.fullmatch(r"_start\+0x[0-9a-f]+", lines[-1])
    assert any(re.fullmatch(r"main\+0x[0-9a-f]+", line) for line in lines)


def test_sprint_and_raw():
    program = compile_target("deep.c", "-O2", "-g")
    text = ('probe process(PROG).function("deepest") { s = sprint_ubacktrace(); println(s) '
            'println("raw ", ubacktrace()) exit() }')
    out = trace(program, text, "-D", "MAXSTRINGLEN=4000").ok().out
    assert re.search(r"^deepest\+0x0 \[deep\]$", out, re.M) and re.search(r"^main\+0x[0-9a-f]+ \[deep\]$", out, re.M)
    raw = re.search(r"^raw (.*)$", out, re.M).group(1).split()
    assert len(raw) > 5 and all(re.fullmatch(r"0x[0-9a-f]+", word) for word in raw)


def test_print_usyms_of_a_raw_backtrace():
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("deepest") { print_usyms(ubacktrace()) exit() }'
    names = [f.group(2) for f in frames(trace(program, text, "-D", "MAXSTRINGLEN=4000").ok().out)]
    assert names[0] == "deepest" and "main" in names


def test_after_the_process_has_gone():
    """The program ends long before its lines are printed."""
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("deepest") { print_ubacktrace() }'
    out = trace(program, text).ok().out
    assert [f.group(2) for f in frames(out)][0] == "deepest" and "_start+0x" in out


def test_from_a_return_probe():
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("sorts").return { print_ubacktrace() exit() }'
    names = [f.group(2) for f in frames(trace(program, text).ok().out)]
    assert "main" in names and names[-1] == "_start"


def test_inside_a_library():
    library = compile_target("plugin.c", "-shared", "-fPIC", "-O2", "-g", output="plugin.so")
    host = compile_target("host.c", "-O0", "-g", "-ldl")
    text = f'probe process("{library}").function("plugin_work") {{ print_ubacktrace() exit() }}'
    result = script(text, "-c", f"{host} {library} 1").ok()
    names = [(f.group(2), f.group(5)) for f in frames(result.out)]
    assert names[0] == ("plugin_work", str(library))
    assert ("main", str(host)) in names


def test_depth_is_limited_by_maxbacktrace():
    program = compile_target("deep.c", "-O2", "-g")
    text = 'probe process(PROG).function("deepest") { print_ubacktrace() exit() }'
    assert len(frames(trace(program, text, "-D", "MAXBACKTRACE=3").ok().out)) == 3


def test_deep_recursion():
    program = compile_target("deep.c", "-O0", "-g")
    text = 'probe process(PROG).function("deepest") { print_ubacktrace() exit() }'
    out = trace(program, text, "-D", "MAXBACKTRACE=100", command=f"{program} 40").ok().out
    names = [f.group(2) for f in frames(out)]
    assert names.count("frame") == 41 and names[-1] == "_start"


def test_from_given_registers():
    program = compile_target("deep.c", "-O2", "-g")
    text = ('probe process(PROG).function("deepest") { print_ubacktrace() println("--") '
            'print_ubacktrace(uaddr(), register("rsp"), register("rbp")) println("--") '
            'print_ubacktrace(ustack(1), register("rsp") + 8, register("rbp")) println("--") print_ubacktrace(0, 0, 0) exit() }')
    own, given, caller, nowhere = trace(program, text, command=f"{program} 3").ok().out.split("--\n")
    assert len(frames(own)) > 8 and given == own
    assert caller == own.split("\n", 1)[1] and "compare" in caller.splitlines()[0]
    assert not frames(nowhere)


def test_symbol_functions():
    program = compile_target("deep.c", "-O2", "-g")
    text = ('probe process(PROG).function("deepest") { println(usymname(uaddr()), "|", usymdata(uaddr()), "|", '
            'umodname(uaddr()), "|", usymname(1), "|", ustack(0) == uaddr()) exit() }')
    name, data, module, unknown, same = trace(program, text).ok().out.strip().split("|")
    assert name == "deepest" and module == str(program) and same == "1"
    assert re.fullmatch(rf"deepest\+0x0/0x[0-9a-f]+ \[{re.escape(str(program))}\]", data)
    assert unknown == "0x1"


def test_empty_without_a_user_context():
    assert script('probe begin { print_ubacktrace() exit() }').status in (0, 1)


def test_through_functions_whose_return_is_probed():
    """A pending return probe has replaced the return address on the stack."""
    program = compile_target("deep.c", "-O2", "-g", "-fomit-frame-pointer")
    plain = 'probe process(PROG).function("deepest") { print_ubacktrace() exit() }'
    hidden = ('global n probe process(PROG).function("frame").return { n++ } probe process(PROG).function("sorts").return { n++ } '
              'probe process(PROG).function("main").return { n++ } probe end { println(n) } ') + plain
    names = [f.group(2, 3) for f in frames(trace(program, plain).ok().out)]
    assert names and names == [f.group(2, 3) for f in frames(trace(program, hidden).ok().out)]


@pytest.mark.parametrize("point", ["begin", "end", "timer.ms(20)"])
def test_no_backtrace_where_there_is_no_stack(point):
    """As SystemTap says it; strings of addresses are empty."""
    calls = {"kernel": ["print_backtrace()", "print_backtrace_fileline()", "print(sprint_backtrace())"],
             "user": ["print_ubacktrace()", "print_ubacktrace_brief()", "print_ubacktrace(1, 2, 3)",
                      "print(sprint_ubacktrace())"]}
    text = " ".join(call for each in calls.values() for call in each)
    more = "" if point == "begin" else "probe begin { exit() }" if point == "end" else ""
    result = script(f'probe {point} {{ {text} println(backtrace(), ubacktrace(), ".") '
                    f'print_stack(backtrace()) exit() }} {more}').ok()
    assert result.lines == [f"<no {whose} backtrace at {point}>" for whose, each in calls.items() for _ in each] + ["."]


def test_no_kernel_backtrace_in_a_program(places):
    result = trace(places, 'probe process(PROG).function("outer") { print_backtrace() println(backtrace(), ".") }').ok()
    assert re.fullmatch(r'<no kernel backtrace at process\("[^"]*"\)\.function\("outer@[^"]*"\)>\n\.\n', result.out)


def test_no_user_backtrace_of_the_idle_task():
    text = ('probe kernel.trace("sched_switch") { if (tid() == 0) { print_ubacktrace() exit() } } '
            'probe timer.s(20) { exit() }')
    assert script(text).ok().out == '<no user backtrace at kernel.trace("sched:sched_switch")>\n'
