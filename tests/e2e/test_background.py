# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions in the background: -F, staprun -A and -d."""
import os
import pathlib
import signal
import subprocess

import pytest

from support import STAP, background, compile_target, run, stap, wait_until

STAPRUN = STAP.with_name("staprun")
COUNTING = 'global n probe timer.ms(20) { println("t ", n++) } probe end { println("ended") }'


def sessions():
    return set(os.listdir("/run/bpftap")) if os.path.isdir("/run/bpftap") else set()


@pytest.fixture
def name():
    name = f"test_{os.getpid()}"
    yield name
    run([STAPRUN, "-d", name])


def start(name, text, *options, cwd):
    result = stap("-F", "-m", name, *options, "-e", text, cwd=cwd).ok()
    assert result.out == "" and result.err.endswith(f'To reconnect, type "staprun -A {name}"\n')


def test_output_to_a_file(tmp_path):
    program = compile_target("places.c", "-O0", "-g")
    output = tmp_path / "out"
    pid = int(stap("-F", "-o", output, "-e", f'probe process("{program}").function("outer") {{ println("hit") }} '
                   'probe end { println("ended") }').ok().out)
    run([program]).ok()      # armed when stap has returned
    os.kill(pid, signal.SIGINT)
    wait_until(lambda: output.read_text().endswith("ended\n"), what="the end")
    assert output.read_text() == "hit\nended\n"


def test_signal_switches_the_file(tmp_path):
    """No line is lost or cut between the files, and without a file the signal does nothing."""
    files = [tmp_path / "out", *(tmp_path / f"out.{n}" for n in range(1, 6))]
    pid = int(stap("-F", "-o", files[0], "-e", 'probe timer.us(200) { println("line ", n++, " of some length") } '
                   'global n').ok().out)
    for file in files:
        wait_until(lambda: file.exists() and file.stat().st_size > 200, what=f"lines in {file.name}")
        os.kill(pid, signal.SIGINT if file == files[-1] else signal.SIGUSR2)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), what="the end")
    texts = [file.read_text() for file in files]
    assert all(text.endswith("\n") for text in texts)
    lines = "".join(texts).splitlines()
    assert lines == [f"line {n} of some length" for n in range(len(lines))] and len(lines) > 50
    with background("-e", 'probe timer.ms(100) { println(n++) } global n') as stap_:
        stap_.wait_for("0")
        stap_.signal(signal.SIGUSR2)
        stap_.wait_for("2")
        stap_.signal(signal.SIGINT)
        assert stap_.finish(10).ok().err == ""


def attached(name):
    return subprocess.Popen([STAPRUN, "-A", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_output_in_memory_is_shown_to_who_asks(name, tmp_path):
    start(name, COUNTING, cwd=tmp_path)
    client = attached(name)
    first = [client.stdout.readline() for _ in range(3)]
    client.send_signal(signal.SIGQUIT)
    out, err = client.communicate(timeout=10)
    assert first == ["t 0\n", "t 1\n", "t 2\n"] and err.endswith(f'To reconnect, type "staprun -A {name}"\n')
    client = attached(name)
    lines = [client.stdout.readline() for _ in range(20)]     # from the beginning again, and on
    client.send_signal(signal.SIGINT)
    lines += client.stdout.readlines()      # communicate() would not see what is buffered already
    client.communicate(timeout=10)
    assert lines == [f"t {n}\n" for n in range(len(lines) - 1)] + ["ended\n"] and client.returncode == 0
    assert name not in sessions()


def test_memory_keeps_the_latest_lines(name, tmp_path):
    text = 'global n probe timer.ms(5) { for (i = 0; i < 200; i++) printf("%d %060d\\n", n++, 0) }'
    start(name, text, "-s", "1", cwd=tmp_path)
    client = attached(name)
    assert any(line.startswith("30000 ") for line in client.stdout)     # 1.8 megabytes
    client.kill()
    client.communicate()
    client = attached(name)
    numbers = [int(client.stdout.readline().split()[0]) for _ in range(1000)]
    client.kill()
    client.communicate()
    assert numbers[0] > 0 and numbers == list(range(numbers[0], numbers[0] + 1000))


def test_a_name_is_taken_once_and_free_after_a_kill(name, tmp_path):
    start(name, COUNTING, cwd=tmp_path)
    assert "a session of this name runs already" in stap("-F", "-m", name, "-e", COUNTING, cwd=tmp_path).failed().err
    assert run([STAPRUN, "-d", name]).ok().out == "" and name not in sessions()
    assert f"no session {name} runs in the background" in run([STAPRUN, "-A", name]).failed().err
    start(name, COUNTING, cwd=tmp_path)
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        if entry.read_bytes().split(b"\0")[1:4] == [b"-F", b"-m", name.encode()]:
            os.kill(int(entry.parent.name), signal.SIGKILL)
    start(name, COUNTING, cwd=tmp_path)


def test_failure_before_the_background_is_told():
    result = stap("-F", "-o", "/nonexistent/out", "-e", COUNTING).failed()
    assert result.out == "" and "Couldn't open output file /nonexistent/out" in result.err
    assert stap("-F", "-e", 'probe begin { error("early") }').failed().err.startswith("ERROR: early")
    assert stap("-F", "-e", 'probe begin { exit() println(1) }').ok().out == ""
