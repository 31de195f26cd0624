# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs whose files are replaced, removed or changed while they are probed, or before a saved script is run."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from support import STAP, background, compile_target, run, stap, with_program

TEXT = """
probe begin { println("ready") }
probe process(PROG).begin { begun++ }
probe process(PROG).function("work") { n++ }
probe end { println(n, " ", begun) }
global n, begun
"""
FORMER = "only processes that run the former file are seen"


def rename_over(program, other):
    os.rename(other, program)


def remove_and_copy(program, other):
    program.unlink()
    os.rename(other, program)


def write_in_place(program, other):
    program.write_bytes(other.read_bytes())


def nothing(program, other):
    program.chmod(0o700)
    os.utime(program)
    link = program.with_name("link")
    os.link(program, link)
    link.unlink()


@pytest.mark.parametrize("change,hits,told", [
    (rename_over, 0, f"was replaced while it was probed: {FORMER}"),
    (remove_and_copy, 0, f"was (removed or renamed|replaced) while it was probed: {FORMER}"),
    (write_in_place, 3, "was changed while it was probed: its probes stay where they are in the former contents"),
    (nothing, 3, None)])
def test_file_of_a_probed_program(tmp_path, change, hits, told):
    program, other = tmp_path / "forks", tmp_path / "other"
    shutil.copy2(compile_target("forks.c"), program)
    shutil.copy2(program, other)
    with background("-e", with_program(TEXT, program)) as stap_:
        stap_.wait_for("ready")
        subprocess.run([program, "2"], check=True)
        change(program, other)
        if told:
            stap_.wait_for(f"WARNING: '{program}' {told}\n", where="err")
        subprocess.run([program, "2"], check=True)
        stap_.signal(signal.SIGINT)
        result = stap_.finish(10).ok()
    assert result.lines == ["ready", f"{3 + hits} {3 + hits}"]
    assert result.err.count("WARNING") == bool(told), result.err


@pytest.mark.parametrize("flags,counts,told", [
    (None, "3 3 3", None),
    (("-O0", "-g"), "3 0 3", "'{program}' was replaced after the script was compiled: "
                             "1 probe point is left out; compile it again"),
    (("-O2", "-g"), "0 0 3", r'Build-id mismatch \[man warning::buildid\]: "{program}", expected [0-9a-f]+ '
                             "actual [0-9a-f]+: 2 probe points are left out; compile the script again")])
def test_saved_script_of_a_program_built_again(tmp_path, flags, counts, told):
    program, same = tmp_path / "forks", compile_target("forks.c", output="same")
    shutil.copy2(compile_target("forks.c"), program)
    text = TEXT.replace("global n, begun", 'probe process("%s").function("work") { m++ } global n, begun, m' % same)
    saved = stap("-p4", "-m", "saved", "-e", with_program(text.replace("begun)", 'begun, " ", m)'), program),
                 cwd=tmp_path).ok().out.strip()
    if flags:
        shutil.copy2(compile_target("forks.c", *flags), tmp_path / "other")
        os.rename(tmp_path / "other", program)
    result = run([STAP.with_name("staprun"), saved, "-c", f"sh -c '{program} 2; {same} 2'"], cwd=tmp_path).ok()
    assert result.lines == ["ready", counts]
    if told:
        assert re.fullmatch(f"WARNING: {told.format(program=program)}\n", result.err), result.err
    else:
        assert result.err == ""
