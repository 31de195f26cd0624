# SPDX-License-Identifier: GPL-2.0-or-later
"""process.function: which functions a pattern names, and when the handler runs."""
import contextlib
import ctypes
import errno
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess

import pytest

from support import (compile_target, line_of, run, script, stap, trace, wait_until, with_program, background)


def test_thin_line(places):
    """begin, one function, printf of a variable, exit."""
    text = ('probe begin { println("begin") } '
            'probe process(PROG).function("outer") { printf("value %d\\n", $value) exit() }')
    assert trace(places, text).ok().out == "begin\nvalue 5\n"


PATTERNS = [
    ('function("helper")', ["helper", "helper"]),
    ('function("help*")', ["helper", "helper"]),
    ('function("helper@places.c")', ["helper", "helper"]),
    ('function("o*er")', ["outer", "other"]),
    ('function("o[tu]*er")', ["outer", "other"]),
    ('function("jump?")', ["jumps"] * 5),
    ('function("jumps").call', ["jumps"] * 5),
    ('function("recursive")', ["recursive"] * 5),
    ('function("recursive").return', ["recursive"] * 5),
    ('function("outer").exported', ["outer"]),
    ('function("inlined").inline', ["inlined", "inlined"]),
    ('function("inlined")', ["inlined", "inlined"]),
]


@pytest.mark.parametrize("suffix,hits", PATTERNS)
def test_pattern(places, suffix, hits):
    assert trace(places, f"probe process(PROG).{suffix} {{ println(ppfunc()) }}").ok().lines == hits


def test_alias_with_a_suffix(places):
    """What follows an alias's name goes to the point it stands for."""
    text = ('probe point = process(PROG).function("outer") { x = ppfunc() } '
            'probe point.call { println("call ", x) } probe point.return { println("return ", x) }')
    lines = trace(places, text).ok().lines
    assert lines and set(lines) == {"call outer", "return outer"} and lines[0] == "call outer"


def test_function_at_line(places):
    line = line_of("places.c", "outer-first") - 2
    text = f'probe process(PROG).function("outer@places.c:{line}") {{ println("hit") }}'
    assert trace(places, text).ok().out == "hit\n"
    text = f'probe process(PROG).function("*@places.c:{line}") {{ println(ppfunc()) }}'
    assert trace(places, text).ok().out == "outer\n"


def test_wildcard_probes_every_function(places):
    text = ('global n probe process(PROG).function("*@places.c").call { n[ppfunc()]++ } '
            'probe end { foreach (f+ in n) println(f, " ", n[f]) }')
    assert trace(places, text).ok().lines == ["helper 2", "jumps 5", "loop 1", "main 1", "other 1", "outer 1",
                                              "recursive 5"]


def test_call_leaves_out_inlines(places):
    result = trace(places, 'probe process(PROG).function("inlined").call { println("no") }').failed()
    assert "no match" in result.err


def test_return_of_inlines_is_refused_or_left_out(places):
    result = trace(places, 'probe process(PROG).function("inlined").return { println("no") }').failed()
    assert "WARNING: cannot probe .return of 1 inlined functions  inlined\n" in result.err
    assert "semantic error: no match" in result.err
    assert "inlined" not in trace(places, 'probe process(PROG).function("*").return { n++ } global n').ok().err


def test_entry_and_return_alternate(places):
    text = ('probe process(PROG).function("recursive") { println("in ", $depth) } '
            'probe process(PROG).function("recursive").return { println("out ", $return) }')
    assert trace(places, text).ok().lines == [f"in {n}" for n in (4, 3, 2, 1, 0)] + \
        [f"out {n}" for n in (0, 1, 2, 3, 4)]


def test_parameters_in_return_are_values_at_entry(variables):
    text = 'probe process(PROG).function("find").return { printf("%d %d\\n", $value, $return != 0) }'
    assert trace(variables, text).ok().lines == ["2 1", "3 0"]


def test_entry_expressions(variables):
    text = ('probe process(PROG).function("fails").return { println(@entry($depth), " ", '
            'gettimeofday_ns() >= @entry(gettimeofday_ns())) }')
    assert trace(variables, text).ok().lines == ["0 1", "1 1", "2 1", "3 1"]


def test_callee(places):
    text = 'probe process(PROG).function("outer").callee("helper") { println(ppfunc(), " ", $value) }'
    assert trace(places, text).ok().lines == ["helper 15"]


def test_callee_is_shown_with_its_caller(places):
    """In listings as found, in pp() as what is probed: a function."""
    listed = stap("-l", f'process("{places}").function("outer").callees').ok().lines
    named = [re.fullmatch(rf'process\("{places}"\)\.function\("outer@\S+:\d+"\)\.callee\("(\w+)@\S+:\d+"\)', line)
             for line in listed]
    assert [m and m[1] for m in named] == ["helper", "inlined"], listed
    text = 'probe process(PROG).function("outer").callee("helper").return { println(pp()) exit() }'
    assert re.fullmatch(rf'process\("{places}"\)\.function\("helper@\S+:\d+"\)\.return\n', trace(places, text).ok().out)


def test_callees_that_are_inlined(places):
    text = 'probe process(PROG).function("outer").callee("inlined") { println(ppfunc(), " ", $value) }'
    assert trace(places, text).ok().lines == ["inlined 5"]     # not that in other()
    text = 'probe process(PROG).function("outer").callees { println(ppfunc()) }'
    assert sorted(trace(places, text).ok().lines) == ["helper", "inlined"]


def test_program_of_the_working_directory(places):
    result = stap("-l", f'process("{places.name}").function("outer")', cwd=places.parent).ok()
    assert result.out.startswith(f'process("{places}").function("outer@')


def test_label(places):
    text = 'probe process(PROG).function("jumps").label("big") { println("big ", $value) }'
    assert trace(places, text).ok().lines == ["big 3", "big 4"]


def test_label_of_an_inlined_function():
    """In each copy."""
    program = compile_target("labels.c", "-O2", "-g")
    text = 'probe process(PROG).function("choose").label("big") { println(ppfunc(), " ", $value) }'
    # first(2), first(3), second(2), second(3), by turns
    assert trace(program, text).ok().lines == ["choose 3", "choose 4", "choose 4", "choose 6"]


def test_plt():
    program = compile_target("deep.c", "-O0", "-g", "-no-pie", "-fcf-protection=none", "-Wl,-z,lazy")
    assert trace(program, 'probe process(PROG).plt("qsort") { println("plt ", $$name) }').ok().lines == ["plt qsort"]


def test_unoptimised_and_non_pie():
    for flags in (("-O0", "-g", "-no-pie"), ("-O2", "-g", "-no-pie"), ("-O2", "-g", "-pie", "-fPIE")):
        program = compile_target("places.c", *flags)
        text = 'probe process(PROG).function("outer") { println($value) }'
        assert trace(program, text).ok().out == "5\n", flags


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
@pytest.mark.parametrize("dwarf", ["-gdwarf-4", "-gdwarf-5"])
def test_parameters_under_every_compiler(cc, level, dwarf):
    program = compile_target("variables.c", level, dwarf, "-w", cc=cc)
    text = ('probe process(PROG).function("many") { println($a, $b, $c, $d, $e, $f, $g, $h) } '
            'probe process(PROG).function("chain") { println($head->next->value, " ", user_string($text), " ", $n) }')
    assert trace(program, text).ok().lines == ["2 some text 4", "12345678"]


def test_path_is_searched_in_PATH(places, tmp_path):
    shutil.copy2(places, tmp_path / "prog-on-path")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    text = 'probe process("prog-on-path").function("outer") { println("hit") }'
    assert stap("-e", text, "-c", "prog-on-path", env=env).ok().out == "hit\n"


def test_relative_path(places):
    text = 'probe process("./places").function("outer") { println("hit") }'
    assert stap("-e", text, "-c", "./places", cwd=places.parent).ok().out == "hit\n"


def test_symbolic_link(places, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(places)
    assert trace(link, 'probe process(PROG).function("outer") { println("hit") }', command=places).ok().out == "hit\n"
    assert trace(places, 'probe process(PROG).function("outer") { println("hit") }', command=link).ok().out == "hit\n"


def test_script_probes_its_interpreter(places, tmp_path):
    interpreted = tmp_path / "interpreted"
    interpreted.write_text(f"#!{places}\n")
    interpreted.chmod(0o755)
    text = 'probe process(PROG).function("outer") { println("hit ", execname()) }'
    assert trace(interpreted, text).ok().out == "hit interpreted\n"


def test_process_without_path_is_the_command(places):
    text = 'probe process.function("outer") { println("hit") }'
    assert stap("-e", text, "-c", places).ok().out == "hit\n"


def test_unlisted_executable_matches_wildcard(places, tmp_path):
    for name in ("prog-a", "prog-b"):
        shutil.copy2(places, tmp_path / name)
    text = f'probe process("{tmp_path}/prog-*").function("outer") {{ println(execname()) }}'
    assert stap("-e", text, "-c", f"sh -c '{tmp_path}/prog-a; {tmp_path}/prog-b'").ok().lines == ["prog-a", "prog-b"]


def test_stripped_with_debuglink(places, tmp_path):
    program = tmp_path / "stripped"
    subprocess.run(["objcopy", "--only-keep-debug", places, tmp_path / "stripped.debug"], check=True)
    subprocess.run(["objcopy", "--strip-all", "--add-gnu-debuglink=stripped.debug", places, program],
                   check=True, cwd=tmp_path)
    assert trace(program, 'probe process(PROG).function("helper") { println($value) }').ok().lines == ["15", "6"]


def test_stripped_with_debuglink_in_dot_debug(places, tmp_path):
    program = tmp_path / "stripped"
    (tmp_path / ".debug").mkdir()
    subprocess.run(["objcopy", "--only-keep-debug", places, tmp_path / ".debug" / "stripped.debug"], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={tmp_path}/.debug/stripped.debug", places,
                    program], check=True)
    assert trace(program, 'probe process(PROG).function("helper") { println($value) }').ok().lines == ["15", "6"]


def test_stripped_with_symbols_only(places, tmp_path):
    """Without DWARF functions come from the symbol table: probed, but without variables."""
    program = tmp_path / "symbols"
    subprocess.run(["objcopy", "--strip-debug", places, program], check=True)
    text = 'probe process(PROG).function("outer") { println(ppfunc()) }'
    assert trace(program, text).ok().out == "outer\n"
    result = trace(program, 'probe process(PROG).function("outer") { println($value) }').failed()
    assert "semantic error" in result.err


def test_process_id(beside):
    program = compile_target("waits.c")
    waits = beside(program, "5")
    text = 'probe process($1).function("tick") { println(pid() == $1, " ", $number > 0) exit() }'
    assert script(text, str(waits.pid)).ok().out == "1 1\n"


def test_option_x_limits_nothing_but_sets_target(beside):
    program = compile_target("waits.c")
    one, two = beside(program, "5"), beside(program, "5")
    text = with_program('global seen probe process(PROG).function("tick") { if (pid() == target()) seen["target"]++; '
                        'else seen["other"]++ } '
                        'probe timer.ms(300) { println(seen["target"] > 5) exit() }', program)
    assert script(text, "-x", str(one.pid)).ok().out.startswith("1\n")
    assert two.process.poll() is None


def test_started_later(beside, places):
    """A process that starts after the script is probed too."""
    text = with_program('probe begin { println("ready") } probe process(PROG).function("outer") '
                        '{ println("hit") exit() }', places)
    with background("-e", text) as stap_:
        stap_.wait_for("ready")
        subprocess.run([places], check=True)
        assert stap_.finish(10).ok().lines == ["ready", "hit"]


def test_forked_children_are_probed():
    program = compile_target("forks.c")
    text = 'global n probe process(PROG).function("work") { n[$number]++ } ' \
           'probe end { foreach (k+ in n) print(k, ":", n[k], " ") println() }'
    assert trace(program, text, command=f"{program} 3").ok().out == "0:1 1:1 2:1 3:1 \n"


def test_executed_program_is_probed(places):
    program = compile_target("forks.c")
    text = f'probe process("{places}").function("outer") {{ println("hit ", execname()) }}'
    assert stap("-e", text, "-c", f"{program} 1 {places}").ok().out == "hit places\n"


def test_shared_library_opened_late():
    library = compile_target("plugin.c", "-shared", "-fPIC", "-O2", "-g", output="plugin.so")
    host = compile_target("host.c", "-O0", "-g", "-ldl")
    text = f'probe process("{library}").function("plugin_work") {{ println("work ", $value) }}'
    assert stap("-e", text, "-c", f"{host} {library} 3").ok().lines == ["work 1", "work 2", "work 3"]
    text = (f'probe process("{host}").library("{library}").function("plugin_work").return '
            '{ println("returned ", $return) }')
    assert stap("-e", text, "-c", f"{host} {library} 2").ok().lines == ["returned 7", "returned 9"]


def test_library_by_pattern(places):
    text = f'probe process("{places}").library("libc*").function("__libc_start_main*") {{ println("libc") }}'
    assert "libc" in stap("-e", text, "-c", places).ok().lines


def test_threads():
    program = compile_target("threads.c", "-O0", "-g", "-pthread")
    text = ('global calls, ids probe process(PROG).function("work") { calls[$number]++; ids[tid()]++ } '
            'probe end { foreach (k+ in calls) print(calls[k], " ") n = 0; foreach (t in ids) n++; println(n) }')
    assert trace(program, text, command=f"{program} 4 50").ok().out == "50 50 50 50 4\n"


def test_process_root_of_another_mount_namespace(places, tmp_path, beside):
    """A path as another process sees it, through /proc/PID/root."""
    root = tmp_path / "root"
    root.mkdir()
    program = compile_target("waits.c", "-O0", "-g", "-static")
    shutil.copy2(program, root / "contained")
    contained = beside("unshare", "--mount", "--propagation", "unchanged", "chroot", root, "/contained", "5")
    wait_until(lambda: os.readlink(f"/proc/{contained.pid}/exe").endswith("contained"), what="the program")
    text = f'probe process("/proc/{contained.pid}/root/contained").function("tick") {{ println("hit") exit() }}'
    assert script(text).ok().out == "hit\n"


def test_shared_handler_knows_its_point(places):
    text = 'probe process(PROG).function("o*er") { println(pp(), " ", ppfunc(), " ", probefunc()) }'
    lines = trace(places, text).ok().lines
    assert [line.split()[-2:] for line in lines] == [["outer", "outer"], ["other", "other"]]
    assert all(line.startswith(f'process("{places}").function("') for line in lines)


def exists_in_kernel(kind, number):
    """Asks bpf(2) for a descriptor of the program or link with this identity."""
    get_fd_by_id = {"prog": 13, "link": 30}
    attributes = struct.pack("III", number, 0, 0)
    fd = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(321), ctypes.c_long(get_fd_by_id[kind]), attributes,
                                                   ctypes.c_long(len(attributes)))
    if fd < 0:
        assert ctypes.get_errno() == errno.ENOENT, os.strerror(ctypes.get_errno())
        return False
    os.close(fd)
    return True


def held_in_kernel(pid):
    """The identities of the eBPF programs and links that a process holds: {("prog", 7), ...}."""
    held = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found = re.findall(r"(?m)^(prog|link)_id:\t(\d+)$", info.read_text())
            held.update((kind, int(number)) for kind, number in found)
    return held


def test_nothing_left_armed(places):
    text = with_program('probe process(PROG).function("o*er") { n++ } probe process(PROG).function("jumps").return { n++ } '
                        'probe begin { println("ready") } global n', places)
    with background("-e", text) as stap_:
        stap_.wait_for("ready")
        held = held_in_kernel(stap_.pid)
        assert {kind for kind, _ in held} == {"prog", "link"}
        assert all(exists_in_kernel(*item) for item in held)
        stap_.signal(signal.SIGINT)
        stap_.finish(20).ok()
    wait_until(lambda: not any(exists_in_kernel(*item) for item in held), what="programs and links to go")


def test_returns_of_what_is_not_called():
    """At such an entry the stack has no return address: putting another there would change the number of arguments."""
    program = compile_target("hits.c", "-O1", "-g")
    text = 'probe process(PROG).function("*").return { n[ppfunc()]++ } global n probe end { printf("%d %d\\n", n["hit"], n["main"]) }'
    assert trace(program, text, command=f"{program} 7 1").ok().lines == ["7 1"]
    err = script(with_program('probe process(PROG).function("_start").return { println(1) }', program)).failed().err
    assert "the return of '_start' cannot be probed: it is jumped to, not called" in err
    assert "_start" not in stap("-l", with_program('process(PROG).function("*").return', program)).ok().out
    assert "_start" in stap("-l", with_program('process(PROG).function("*")', program)).ok().out
    libc = next(line.split()[2] for line in run(["ldd", program]).ok().lines if "libc.so" in line)
    err = script(f'probe process("{libc}").function("_setjmp").return {{ println(1) }}').failed().err
    assert "the return of '_setjmp' cannot be probed: it keeps its return address" in err


def test_returns_of_what_returns_twice(tmp_path):
    """The program goes on, whatever of its calls is probed."""
    source = tmp_path / "twice.c"
    source.write_text("#include <setjmp.h>\n#include <stdlib.h>\nstatic jmp_buf place;\n"
                      "int main(void) { volatile int n = 0; if (_setjmp(place) < 3) longjmp(place, ++n); exit(n - 3); }\n")
    program = tmp_path / "twice"
    run(["gcc", "-O1", "-g", "-o", program, source]).ok()
    text = "probe process(PROG).plt.return { n[ppfunc()]++ } probe process(PROG).plt { n[ppfunc()]++ } global n " \
           'probe end { printf("%d\\n", n["_setjmp"]) }'
    assert trace(program, text).ok().lines == ["1"]
    err = script(with_program('probe process(PROG).plt("_setjmp").return { println(1) }', program)).failed().err
    assert "the return of '_setjmp' cannot be probed: it keeps its return address" in err
