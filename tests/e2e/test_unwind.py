# SPDX-License-Identifier: GPL-2.0-or-later
"""User stacks as kernel handlers see them (ubacktrace, ustack, stacks as keys), compared with what gdb shows."""
import json
import re
import subprocess

import pytest

from support import Background, STAP, compile_source, compile_target, frame_name, gdb_script, script, trace, with_program

FRAME = re.compile(r" 0x[0-9a-f]+ : (\S+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[(.*)\]$")
ROOM = ("-D", "MAXSTRINGLEN=2000")
OMIT = ("-O2", "-fomit-frame-pointer")
KINDS = ("realigned", "sized", "huge", "signalled", "faults", "sorted", "threaded")


def plain(name):
    """One name for the aliases that libc gives a function."""
    return frame_name(name).replace("__GI_", "").lstrip("_")


def stack(lines):
    """(function, offset) of the lines that print_usyms made."""
    matches = [FRAME.match(line) for line in lines]
    assert all(matches), lines
    return [(plain(m.group(1)), int(m.group(2), 16)) for m in matches]


def gdb_stack(program, kind, truth):
    result = gdb_script("frames.py", program, kind, truth=truth, env={"FUNCTION": "innermost", "SIGNALS": "pass"})
    assert truth.exists(), result
    return [(plain(name), offset) for name, offset in json.loads(truth.read_text())]


def names(frames):
    return [name for name, _ in frames]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flags", [OMIT, ("-O2", "-static"), ("-O1", "-g", "-no-pie")], ids="".join)
def test_complete_as_in_gdb(flags, kind, tmp_path):
    program = compile_target("stacks.c", *flags, "-lpthread")
    text = 'probe process(PROG).function("innermost").call { print_usyms(ubacktrace()) exit() }'
    found = stack(trace(program, text, *ROOM, command=f"{program} {kind}").ok().lines)
    expected = gdb_stack(program, kind, tmp_path / "truth")
    assert names(found) == names(expected)
    assert [o for _, o in found[1:]] == [o for _, o in expected[1:]]


def test_all_functions_see_the_same_frames():
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = """probe process(PROG).function("innermost") {
        all = ubacktrace()
        for (i = 0; ustack(i); i++) one .= sprintf("%s0x%x", i ? " " : "", ustack(i))
        println(all == one, " ", ustack(0) == uaddr(), " ", ustack(i), " ", ustack(-1), " ", i)
        println(ucallers(2), "|", all)
        exit() }"""
    first, second = trace(program, text, *ROOM, command=f"{program} sized").ok().lines
    assert first == "1 1 0 0 9"
    few, every = second.split("|")
    assert every.startswith(few + " ") and len(few.split()) == 3


def test_frame_pointers_where_there_is_no_call_frame_information():
    program = compile_target("stacks.c", "-O0", "-fno-asynchronous-unwind-tables", "-lpthread")
    text = 'probe process(PROG).function("innermost").call { print_usyms(ubacktrace()) exit() }'
    found = stack(trace(program, text, *ROOM, command=f"{program} realigned").ok().lines)
    assert names(found)[:6] == ["innermost", "recurse", "recurse", "recurse", "realigned", "main"]
    assert names(found)[-1] == "start"


@pytest.mark.parametrize("function", ["ubacktrace", "sprint_ubacktrace"])
def test_stacks_as_keys(function):
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = f"""global s
        probe process(PROG).function("innermost") {{ s[{function}()] <<< 1 }}
        probe end {{ foreach (k in s-) printf("%d\\n%s\\n", @count(s[k]), {"k" if function[0] == "s" else "sprint_usyms(k)"}) }}"""
    out = trace(program, text, *ROOM, command=f"{program} many").ok().out
    found = re.findall(r"^(\d+)\n((?:.*\+0x.*\n)+)", out, re.M)
    stacks = [(int(count), re.findall(r"^(?: 0x\w+ : )?(\w+)\+", text, re.M)) for count, text in found]
    rest = ["main", "__libc_start_call_main", "__libc_start_main", "_start"]
    assert [(c, [frame_name(n) for n in s if n != "__libc_start_main_impl"]) for c, s in stacks] == [
        (30, ["innermost", "fork_left", "many", *[n for n in rest]]),
        (10, ["innermost", "fork_right", "many", *rest]),
        (1, ["innermost", *["recurse"] * 4, *rest])]


def test_return_probes_are_seen_through():
    """Their trampoline is on the stack in place of the return addresses."""
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = """global n
        probe process(PROG).function("recurse").return { if (!n++) { println("return") print_usyms(ubacktrace()) } }
        probe process(PROG).function("realigned").return { println("last") print_usyms(ubacktrace()) }
        probe process(PROG).function("innermost") { println("call") print_usyms(ubacktrace()) }"""
    out = trace(program, text, *ROOM, command=f"{program} realigned").ok().out
    parts = {head: names(stack(body.splitlines())) for head, body in re.findall(r"^(\w+)\n((?: 0x.*\n)+)", out, re.M)}
    end = ["main", "libc_start_call_main", "libc_start_main", "start"]
    assert parts == {"call": ["innermost", "recurse", "recurse", "recurse", "realigned", *end],
                     "return": ["recurse", "recurse", "realigned", *end], "last": end}


def test_while_another_thread_changes_mappings():
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = """global s probe process(PROG).function("innermost") { s[ubacktrace()]++ }
        probe end { foreach (k in s) println(s[k], " ", k) }"""
    lines = trace(program, text, *ROOM, command=f"{program} mapping").ok().lines
    assert len(lines) == 1 and lines[0].startswith("3000 ") and len(lines[0].split()) == 1 + 10


def test_profile():
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = """global s, all probe timer.profile { if (pid() == target() && user_mode()) { all++ s[ubacktrace()]++ } }
        probe end { foreach (k in s) { println("= ", s[k]) print_usyms(k) } println("all ", all) }"""
    out = trace(program, text, *ROOM, command=f"{program} busy").ok().out
    total = int(re.search(r"^all (\d+)$", out, re.M).group(1))
    complete = 0
    for count, body in re.findall(r"^= (\d+)\n((?: 0x.*\n)+)", out, re.M):
        found = [FRAME.match(line) for line in body.splitlines()]
        if all(found) and names(stack(body.splitlines())) == ["spin", "busy", "main", "libc_start_call_main",
                                                              "libc_start_main", "start"]:
            complete += int(count)
    assert total > 5 and complete >= total * 0.8


def test_system_calls():
    """From a tracepoint: the registers with which the program entered the kernel."""
    program = compile_target("waits.c", *OMIT)
    text = """probe process(PROG).syscall { if (!n++) { print_usyms(ubacktrace()) exit() } } global n"""
    lines = trace(program, text, *ROOM).ok().lines
    assert names(stack(lines))[-1] in ("start", "dl_start_user") and len(lines) > 1


PLUGIN = """#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) static void inner(long n) { void *volatile p = calloc(1, 54321); free(p); }
long plugin_work(long n) { inner(n); usleep(150000); return n + 1; }
"""


def test_library_that_is_opened_later(tmp_path):
    """Its call frame information arrives soon after it was met or mapped."""
    source = tmp_path / "later.c"
    source.write_text(PLUGIN)
    library = compile_source(source, *OMIT, "-shared", "-fPIC", output="later.so")
    host = compile_target("host.c", *OMIT, "-ldl")
    libc = re.search(r"libc\.so\.6 => (\S+)", subprocess.check_output(["ldd", host], text=True)).group(1)
    text = (f'probe process("{libc}").function("calloc") '
            '{ if (pid() == target() && $elem_size == 54321) { println("=") print_usyms(ubacktrace()) } }')
    out = script(text.replace("$elem_size", "register(\"rsi\")"), *ROOM, "-c", f"{host} {library} 5").ok().out
    last = out.split("=\n")[-1].splitlines()
    assert names(stack(last))[1:4] == ["inner", "plugin_work", "main"] and names(stack(last))[-1] == "start"


def test_process_that_runs_already():
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = with_program('probe process(PROG).function("innermost") { print_usyms(ubacktrace()) exit() }', program)
    tracer = Background([STAP, "-e", text + ' probe begin { println("armed") }', *ROOM])
    tracer.wait_for("armed")
    subprocess.run([program, "threaded"], check=True)
    assert tracer.process.wait(timeout=20) == 0
    lines = [line for line in tracer.out.splitlines() if line.startswith(" 0x")]
    assert names(stack(lines))[-3:] == ["thread", "start_thread", "clone3"]


def test_number_of_frames_is_limited_by_maxbacktrace():
    program = compile_target("stacks.c", *OMIT, "-lpthread")
    text = 'probe process(PROG).function("innermost") { println(ubacktrace(), "|", ustack(3), "|", ustack(4)) exit() }'
    frames, third, fourth = trace(program, text, "-D", "MAXBACKTRACE=4", command=f"{program} sized").ok().out.split("|")
    assert len(frames.split()) == 4 and int(third) and not int(fourth)
