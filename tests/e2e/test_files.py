# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that scripts serve (procfs probes, prometheus), and standard input (input.char, input.line)."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import termios
import time

import pytest

from support import STAP, background, run, stap, wait_until

DIRECTORY = pathlib.Path("/run/bpftap-procfs")


@pytest.fixture
def session():
    """A name for the session's directory."""
    return f"files{os.getpid()}"


def serve(text, name, *options):
    tracer = background("-w", "-m", name, *options, "-e", text)
    return tracer


def served(tracer, name):
    where = DIRECTORY / name
    wait_until(lambda: any(where.iterdir()) if where.is_dir() else False, 30, f"files in {where}: {tracer.err}")
    return where


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)     # -m leaves its object there


def test_read_and_write(session):
    """Each read runs the handler anew; what is written comes line by line as the writer writes it."""
    with serve("""global n
            probe procfs("hello").read { $value = sprintf("%d ", ++n); $value .= execname(); $value .= "\\n" }
            probe procfs("hello").write { printf("%s wrote %s", execname(), $value) }
            probe procfs("done").write { exit() }""", session) as tracer:
        where = served(tracer, session)
        assert [run(["cat", where / "hello"]).ok().out for _ in range(3)] == ["1 cat\n", "2 cat\n", "3 cat\n"]
        (where / "hello").write_text("something\n")
        run(["sh", "-c", f"echo 1 > {where}/done"]).ok()
        assert tracer.finish().ok().out == "python3 wrote something\n"
    assert not where.exists()


def test_permissions(session):
    with serve("""global n
            probe procfs("r").read { n++ } probe procfs("w").write { n++ } probe procfs("rw").read, procfs("rw").write { n++ }
            probe procfs("a/b").umask(0040).read { n++ } probe procfs.umask(0).write { n++ }
            probe end { println(n) }""", session) as tracer:
        where = served(tracer, session)
        modes = {str(p.relative_to(where)): oct(p.stat().st_mode & 0o777) for p in where.rglob("*") if p.is_file()}
        tracer.signal(2)
        tracer.finish().ok()
    assert modes == {"r": "0o400", "w": "0o200", "rw": "0o600", "a/b": "0o404", "command": "0o222"}


def test_long_contents(session):
    """Longer than a string can be, read in parts of any size, cut at its maximum."""
    with serve("""probe procfs("long").read.maxsize(5000) { for (i = 0; i < 900; i++) $value .= sprintf("%d\\n", i) }
            probe procfs("short").read { for (i = 0; i < 900; i++) $value .= sprintf("%d\\n", i) }""", session,
               "-DMAXACTION=10000") as tracer:
        where = served(tracer, session)
        whole = "".join(f"{i}\n" for i in range(900))
        assert (where / "long").read_text() == whole
        assert run(["dd", f"if={where}/long", "bs=7"]).ok().out == whole
        assert (where / "short").read_text() == whole[:511]
        tracer.signal(2)
        tracer.finish().ok()


def test_errors_of_handlers_and_of_readers(session):
    with serve("""probe procfs("bad").read { $value = "a"; error("no") } probe procfs("only").write { println("") }""",
               session,
               "-DMAXERRORS=9") as tracer:
        where = served(tracer, session)
        assert (where / "bad").read_text() == "a"
        with pytest.raises(OSError):
            (where / "only").read_text()
        with pytest.raises(OSError):
            (where / "bad").write_text("x")
        with pytest.raises(FileNotFoundError):
            (where / "none").read_text()
        with pytest.raises(OSError):
            (where / "new").mkdir()
        tracer.signal(2)
        assert "ERROR: no\n" in tracer.finish(30).err


def test_a_killed_session_leaves_nothing_in_the_way(session):
    with serve('probe procfs("x").read { $value = "1" }', session) as tracer:
        where = served(tracer, session)
        tracer.signal(9)
        tracer.finish()
    with serve('probe procfs("x").read { $value = "2" }', session) as tracer:
        wait_until(lambda: os.access(where / "x", os.R_OK), 30)
        assert (where / "x").read_text() == "2"
        tracer.signal(2)
        tracer.finish().ok()


def test_metrics(session):
    with serve("""global calls
            probe begin { calls["open", "a \\"b\\""] = 3; calls["close", "c"] = 1 }
            probe prometheus { @prometheus_dump_array2(calls, "calls", "name", "who") }""", session) as tracer:
        lines = (served(tracer, session) / "__prometheus").read_text().splitlines()
        tracer.signal(2)
        tracer.finish().ok()
    assert sorted(lines) == ['calls{name="close",who="c"} 1', 'calls{name="open",who="a \\"b\\""} 3']


@pytest.mark.parametrize("text,error", [
    ('procfs("../x").read { }', "procfs path cannot be '../x'"), ('procfs("").read { }', "procfs path cannot be ''"),
    ('procfs("x").umask(01000).read { }', "procfs umask must be between 0 and 0777"),
    ('procfs("x").read { $other = "1" }', "invalid target symbol for procfs probe, $value expected"),
    ('procfs("x").write { $value = "1" }', "read-only in a procfs write probe"),
    ('procfs("x").read { $value = 1 }', "type mismatch"), ('procfs("x").read.maxsize(0) { }', "maxsize must be"),
])
def test_refused(text, error):
    result = stap("-p2", "-e", "probe " + text)
    assert result.status == 1 and error in result.err


INPUT = """
probe input.char { printf("[%s]", char == "\\n" ? "nl" : char) if (char == "q") exit() }
probe input.line { printf("<%s>", line) }
probe input.line { println(strlen(line)) }
"""


def test_input():
    result = subprocess.run([STAP, "-e", INPUT], input="ab\ncd\nq", capture_output=True, text=True, timeout=30,
                            check=True)
    assert result.stdout == "[a][b][nl]<ab\n>3\n[c][d][nl]<cd\n>3\n[q]"


def test_end_of_input_does_not_end_the_session():
    result = subprocess.run([STAP, "-T", "1", "-e", 'probe input.char { print(char) } probe end { print(".") }'],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout == "."


def test_input_from_a_terminal_comes_as_it_is_typed():
    ours, theirs = pty.openpty()
    with subprocess.Popen([STAP, "-e", INPUT + 'probe begin { println("ready") }'], stdin=theirs,
                          stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        os.write(ours, b"x")
        assert process.stdout.read(3) == "[x]"
        os.write(ours, b"q")
        assert process.stdout.read() == "[q]"
    assert process.returncode == 0
    os.close(theirs)
    os.close(ours)


def test_metrics_as_json(session):
    with serve("""
            probe begin {
                json_set_prefix("mine")
                json_add_numeric_metric("n", "a number", "count")
                json_add_string_metric("s", "")
                json_add_array("of_cpu", "by processor")
                json_add_array_numeric_metric("of_cpu", "hits", "how many", "")
                json_add_array_string_metric("of_cpu", "who", "of \\"whom\\"")
            }
            probe json_data {
                @json_output_data_start
                @json_output_numeric_value("n", -5)
                for (i = 0; i < 3; i++) {
                    @json_output_array_numeric_value("of_cpu", sprintf("cpu%d", i), "hits", i * 10)
                    @json_output_array_string_value("of_cpu", sprintf("cpu%d", i), "who", "a \\"b\\"")
                }
                @json_output_string_value("s", "text")
                @json_output_data_end
            }""", session) as tracer:
        where = served(tracer, session)
        for _ in range(2):
            assert json.loads((where / "data.json").read_text()) == {
                "n": -5, "of_cpu": [{"__id": f"cpu{i}", "hits": i * 10, "who": 'a "b"'} for i in range(3)], "s": "text"}
        metadata = json.loads((where / "metadata.json").read_text())
        tracer.signal(2)
        tracer.finish().ok()
    assert metadata == {"prefix": "mine", "metrics": [
        {"name": "n", "pointer": "/n", "type": "integer", "description": "a number", "units": "count"},
        {"name": "s", "pointer": "/s", "type": "string"},
        {"name": "of_cpu", "pointer": "/of_cpu", "type": "array", "description": "by processor", "index": "/__id",
         "metrics": [
            {"name": "hits", "pointer": "/hits", "type": "integer", "description": "how many"},
            {"name": "who", "pointer": "/who", "type": "string", "description": 'of "whom"'}]}]}


def test_a_second_signal_leaves_the_terminal_as_it_was(session):
    """And no files: a handler that takes too long is cut short by another ^C."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    text = ('probe begin { println("ready") } probe input.char { println(char) } probe procfs("f").read { $value = "x" } '
            'probe timer.ms(100) { while (1) n++ }')
    with subprocess.Popen([STAP, "-D", "MAXACTION=2000000000", "-m", session, "-e", text], stdin=theirs,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "ready\n" and termios.tcgetattr(theirs) != before
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT
    assert termios.tcgetattr(theirs) == before
    assert f"{DIRECTORY}/{session} " not in pathlib.Path("/proc/self/mounts").read_text()
    os.close(ours)
    os.close(theirs)
