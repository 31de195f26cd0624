# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of the tapset's names (tapset.names): what is looked up in it, and that it never tells what is no longer so."""
import os
import pathlib
import shutil
import time

import pytest

from support import STAP, TOP, run, stap


@pytest.fixture
def tapset(tmp_path):
    """A copy of the library as it is installed, its table too."""
    where = tmp_path / "tapset"
    shutil.copytree(TOP / "tapset", where)
    for path in (pathlib.Path(STAP).resolve().parents[2] / "tools" / "syscalls").iterdir():
        if path.suffix in (".stp", ".names"):
            shutil.copy2(path, where)
    return where


def with_library(tapset, text, *args):
    return stap("-e", text, *args, env={"SYSTEMTAP_TAPSET": str(tapset)})


def opened(tapset, text):
    """The files of the library that stap opens for a script."""
    result = run(["strace", "-f", "-e", "trace=open,openat", "-o", tapset.parent / "trace", STAP, "-p2", "-e", text],
                 env={"SYSTEMTAP_TAPSET": str(tapset), "LSAN_OPTIONS": "detect_leaks=0"})  # it cannot be traced
    result.ok()
    lines = (tapset.parent / "trace").read_text().splitlines()
    return {line.split('"')[1].removeprefix(f"{tapset}/") for line in lines
            if f'"{tapset}/' in line and " = -1 " not in line and "O_DIRECTORY" not in line}


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_only_what_is_needed_is_read(tapset):
    assert opened(tapset, "probe begin { exit() }") == {"tapset.names", "session.stp"}
    assert opened(tapset, "probe begin { println(1) }") == {"tapset.names"}
    call = opened(tapset, 'probe syscall.getppid { println(name) }')
    assert len([path for path in call if path.startswith("syscalls_")]) == 1, call
    (tapset / "tapset.names").unlink()
    assert len(opened(tapset, "probe begin { exit() }")) > 60


def test_without_table(tapset):
    (tapset / "tapset.names").unlink()
    assert with_library(tapset, 'probe begin { println(strlen("abc")) exit() }').ok().out == "3\n"


@pytest.mark.parametrize("damage", [
    lambda data: b"",
    lambda data: data[:len(data) // 2],
    lambda data: data + b"x",
    lambda data: data[:16] + b"\xff" * 64 + data[80:],
    lambda data: bytes(255 - b for b in data),
])
def test_damaged_table(tapset, damage):
    table = tapset / "tapset.names"
    table.write_bytes(damage(table.read_bytes()))
    assert with_library(tapset, 'probe begin { println(strlen("abc")) exit() }').ok().out == "3\n"


def test_a_file_that_was_written_since(tapset):
    """What it defines now counts, not what the table says, also where its size is the same."""
    path = tapset / "ansi.stp"
    text = path.read_text()
    assert "function ansi_reset_color" in text
    path.write_text(text.replace("ansi_reset_color", "ansi_reset_colur"))
    assert with_library(tapset, "probe begin { ansi_reset_colur() exit() }").ok().out == "\x1b[0;0m"
    result = with_library(tapset, "probe begin { ansi_reset_color() exit() }")
    assert result.status == 1 and "unresolved function ansi_reset_color" in result.err
    path.write_text(text + "\nfunction one_more:long () { return 5 }\nprobe one.more = begin { v = 6 }\n")
    assert with_library(tapset, "probe one.more { println(one_more(), v) exit() }").ok().out == "56\n"


def test_a_file_of_another_size_with_an_old_date(tapset):
    path = tapset / "ansi.stp"
    path.write_text(path.read_text() + "\nfunction one_more:long () { return 5 }\n")
    os.utime(path, (0, 0))
    assert with_library(tapset, "probe begin { println(one_more()) exit() }").ok().out == "5\n"


def test_files_come_and_go(tapset):
    (tapset / "kernel" / "extra.stp").write_text("probe extra.name = begin { v = 7 }\nfunction extra:long () { return 8 }\n")
    (tapset / "extra.stpm").write_text("@define extra %( 9 %)\n")
    assert with_library(tapset, "probe extra.name { println(v, extra(), @extra) exit() }").ok().out == "789\n"
    (tapset / "ansi.stp").unlink()
    result = with_library(tapset, "probe begin { ansi_reset_color() exit() }")
    assert result.status == 1 and "unresolved function ansi_reset_color" in result.err


def test_names_in_several_files(tapset, tmp_path):
    """Overloads and aliases of the user's directory beside those that the table knows."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mine.stp").write_text("function ansi_reset_color:string (n:long) { return sprint(n) }\n"
                                   "probe never.mine = begin { v = 3 }\nprobe oneshot = begin { println(\"mine\") }\n")
    script = "probe never.mine { println(ansi_reset_color(v)) ansi_reset_color() exit() }"
    assert with_library(tapset, script, "-I", str(mine)).ok().out == "3\n\x1b[0;0m"
    listed = stap("-I", str(mine), "-l", "never*", env={"SYSTEMTAP_TAPSET": str(tapset)}).ok().out
    assert "never" in listed and "never.mine" in stap("-I", str(mine), "-l", "never.*",
                                                      env={"SYSTEMTAP_TAPSET": str(tapset)}).out
    both = with_library(tapset, "probe oneshot { println(1) }", "-I", str(mine)).ok().out     # the library's exits
    assert "mine\n" in both and both.count("1\n") == 2


def test_macros(tapset, tmp_path):
    """Those of the table are read when they are used; one of the user's with the name of the library's is an error."""
    assert with_library(tapset, 'probe begin { println(@cast_sizeof("struct task_struct") > 1000) exit() }').ok().out == "1\n"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mine.stpm").write_text("@define mine(x) %( (@x + 1) %)\n")
    assert with_library(tapset, "probe begin { println(@mine(2)) exit() }", "-I", str(mine)).ok().out == "3\n"
    name = next(line.split()[1].split("(")[0] for line in (tapset / "types.stpm").read_text().splitlines()
                if line.startswith("@define"))
    (mine / "mine.stpm").write_text(f"@define {name} %( 1 %)\n")
    result = with_library(tapset, "probe begin { exit() }", "-I", str(mine))
    assert f"duplicate definition of library macro '@{name}'" in result.err


def test_similar_names(tapset):
    """What is proposed for a name that does not exist comes from the table too."""
    result = with_library(tapset, "probe begin { ansi_reset_colr() }")
    assert "ansi_reset_color" in result.err, result.err
    result = with_library(tapset, "probe vfs.raed { }")
    assert "read" in result.err, result.err


def test_same_listing(tapset):
    """With and without the table stap knows the same names."""
    environment = {"SYSTEMTAP_TAPSET": str(tapset)}
    first = [stap(option, env=environment).ok().out for option in ("--dump-functions", "--dump-probe-aliases")]
    (tapset / "tapset.names").unlink()
    assert first == [stap(option, env=environment).ok().out for option in ("--dump-functions", "--dump-probe-aliases")]
    assert len(first[1].splitlines()) > 1000


def test_the_table_is_installed_in_time(tapset):
    """Its date is not before that of any file it tells of: otherwise they would all be scanned."""
    table = (tapset / "tapset.names").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns <= table for path in tapset.rglob("*.stp")) and time.time_ns() > table
