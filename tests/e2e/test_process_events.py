# SPDX-License-Identifier: GPL-2.0-or-later
"""process.begin, .end, .thread.begin, .thread.end, .syscall and .syscall.return."""
import subprocess

import pytest

from support import background, compile_target, script, stap, trace, with_program


@pytest.fixture(scope="module")
def threads():
    return compile_target("threads.c", "-O0", "-g", "-pthread")


@pytest.fixture(scope="module")
def forks():
    return compile_target("forks.c")


def test_begin_and_end_of_a_path(forks):
    text = ('global b, e probe process(PROG).begin { b[pid()]++ } probe process(PROG).end { e[pid()]++ } '
            'probe end { n = m = 0; foreach (p in b) n++; foreach (p in e) m++; println(n, " ", m) }')
    assert trace(forks, text, command=f"{forks} 2").ok().out == "3 3\n"


def test_begin_without_path_is_the_command_and_its_children(forks):
    text = 'global b probe process.begin { b[pid()]++ } probe end { n = 0; foreach (p in b) n++; println(n) }'
    assert stap("-e", text, "-c", f"{forks} 2").ok().out == "3\n"


def test_other_processes_are_not_reported(forks):
    text = with_program('probe begin { println("ready") } probe process(PROG).begin { println(execname()) }', forks)
    with background("-e", text, "-T", "2") as stap_:
        stap_.wait_for("ready")
        subprocess.run(["/bin/true"], check=True)
        subprocess.run([forks, "0"], check=True)
        assert stap_.finish(10).ok().lines == ["ready", "forks"]


def test_begin_reports_processes_that_already_run(beside):
    program = compile_target("waits.c")
    waits = beside(program, "50")
    text = with_program('probe process(PROG).begin { println(pid()) exit() }', program)
    assert script(text, "-T", "5").ok().out == f"{waits.pid}\n"


def test_context_of_processes_that_already_run(beside):
    """What begin says of such a process is the same as what end says."""
    program = compile_target("waits.c")
    waits = beside(program, "50")
    what = ('printf("%d %d %d %d %d %s %s %d %d\\n", pid(), tid(), ppid(), uid(), egid(), execname(), pexecname(), '
            'pgrp(), sid())')
    text = with_program(f'probe process(PROG).begin {{ {what} println(cmdline_str(), " ", pp()) }} '
                        f'probe process(PROG).end {{ {what} exit() }}', program)
    with background("-e", text, "-T", "10") as stap_:
        stap_.wait_for("waits 50")
        waits.process.kill()
        lines = stap_.finish(15).ok().lines
    assert lines[0] == lines[2] and lines[0].startswith(f"{waits.pid} {waits.pid} ")
    assert lines[1] == f'{program} 50 process("{program}").begin'


def test_global_variables_of_processes_that_already_run(beside):
    program = compile_target("waits.c", "-O0", "-g")
    beside(program, "1")
    text = with_program('probe process(PROG).begin { println(@var("sink@waits.c", PROG) >= 0) exit() }', program)
    assert script(text, "-T", "5").ok().out == "1\n"


def test_threads_that_already_run(beside):
    """Each thread but the first is reported by thread.begin, each once."""
    program = compile_target("idle.c", "-pthread")
    idle = beside(program, "3")
    idle.wait_for("ready")
    text = with_program('global seen probe process(PROG).thread.begin { seen[tid()]++ if (pid() == tid()) println("?") } '
                        'probe timer.ms(500) { n = 0; foreach (t in seen) { n++; if (seen[t] != 1) println(t) } '
                        'println(n) exit() }', program)
    assert script(text).ok().out == "3\n"


def test_processes_that_begin_meanwhile_are_reported_once(forks):
    """However many begin and end while the session starts, none is reported twice."""
    text = with_program('global b probe process(PROG).begin { b[pid()]++ } probe end { n = 0; foreach (p in b) if (b[p] > 1) n++; println(n) }', forks)
    storm = subprocess.Popen(["sh", "-c", f"while :; do {forks} 0; done"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(5):
            assert script(text, "-T", "1", "-D", "MAXMAPENTRIES=100000").ok().out == "0\n"
    finally:
        storm.kill()
        storm.wait()


def test_target_and_its_children_that_already_run(beside):
    """-x: process.begin means the target and what descends from it."""
    program = compile_target("waits.c")
    shell = beside("/bin/sh", "-c", f"{program} 50 & {program} 50 & echo ready; wait")
    shell.wait_for("ready")
    text = ('global n probe process.begin { n++ } probe process.end { println("end ", execname()) } '
            'probe timer.ms(300) { println(n) exit() }')
    assert script(text, "-x", str(shell.pid)).ok().out == "3\n"


def test_process_id_begin_and_end(beside):
    program = compile_target("waits.c")
    waits = beside(program, "50")
    text = f'probe process({waits.pid}).begin {{ println("begin") }} ' \
           f'probe process({waits.pid}).end {{ println("end") exit() }}'
    with background("-e", text) as stap_:
        stap_.wait_for("begin")
        waits.process.kill()
        assert stap_.finish(10).ok().lines == ["begin", "end"]


def test_threads(threads):
    text = ('global b, e probe process(PROG).thread.begin { b++ } probe process(PROG).thread.end { e++ } '
            'probe end { println(b, " ", e) }')
    began, ended = map(int, trace(threads, text, command=f"{threads} 3").ok().out.split())
    assert began == ended and began in (3, 4)


def test_syscalls(forks):
    text = ('global n probe process(PROG).syscall { n[$syscall]++ } '
            'probe end { println(n[61], " ", n[231] > 0, " ", n[57] + n[56]) }')
    assert trace(forks, text, command=f"{forks} 2").ok().out == "2 1 2\n"    # wait4, exit_group, fork or clone


def test_syscall_arguments_and_result():
    text = ('probe process("/bin/cat").syscall { if ($syscall == 1) printf("write(%d, %s, %d)\\n", $arg1, '
            'user_string_n($arg2, $arg3), $arg3) } '
            'probe process("/bin/cat").syscall.return { if ($syscall == 1) println("= ", $return) }')
    lines = stap("-e", text, "-c", "sh -c 'echo -n abcde | /bin/cat > /dev/null'").ok().lines
    assert lines == ["write(1, abcde, 5)", "= 5"]


def test_syscall_error_result():
    text = ('global path probe process("/bin/cat").syscall { path = $syscall == 257 ? user_string($arg2, "") : "" } '
            'probe process("/bin/cat").syscall.return { if (path == "/no/such/file") println($return) }')
    result = stap("-e", text, "-c", "/bin/cat /no/such/file")
    assert result.lines == ["-2"]


def test_exit_status_of_a_signal(beside):
    """A process killed by a signal still has its end probe."""
    program = compile_target("waits.c")
    text = with_program('probe process(PROG).end { println("gone") exit() } probe begin { println("ready") }', program)
    with background("-e", text) as stap_:
        stap_.wait_for("ready")
        waits = beside(program, "50")
        waits.process.kill()
        assert "gone" in stap_.finish(10).ok().lines
