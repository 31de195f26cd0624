# SPDX-License-Identifier: GPL-2.0-or-later
"""Where debug information of a kernel that does not run here (-r) is found: a program stands for vmlinux."""
import pathlib
import subprocess

import pytest

from support import Background, compile_target, run, stap, wait_until

STATEMENTS = 'kernel.statement("hit@hits.c:*")'
DEBUGINFOD = list(pathlib.Path("/usr/lib/x86_64-linux-gnu").glob("libdebuginfod.so.1"))


@pytest.fixture
def whole(tmp_path):
    """vmlinux as it was linked."""
    return compile_target("hits.c", "-O1", "-g", "-Wl,--build-id")


@pytest.fixture
def tree(tmp_path, whole):
    """A directory for -r: vmlinux without debug information, with a link to NAME.debug that is not there."""
    directory = tmp_path / "tree"
    directory.mkdir()
    link = tmp_path / "linked.debug"
    subprocess.run(["objcopy", "--only-keep-debug", whole, link], check=True)
    subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={link}", whole, directory / "vmlinux"], check=True)
    return directory


def points(release, **env):
    result = stap("-r", release, "-L", STATEMENTS, env=env)
    return result.lines if result.status == 0 else None


@pytest.fixture
def expected(tmp_path, whole):
    """What is listed where vmlinux has everything."""
    directory = tmp_path / "whole"
    directory.mkdir()
    (directory / "vmlinux").symlink_to(whole)
    lines = points(directory)
    assert any("$number:long int" in line for line in lines)
    return lines


def test_debug_link(tmp_path, tree, expected):
    assert points(tree) is None
    for place in (tree / "linked.debug", tree / ".debug" / "linked.debug", tmp_path / "else" / str(tree)[1:] / "linked.debug"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(tmp_path / "linked.debug")
        assert points(tree, SYSTEMTAP_DEBUGINFO_PATH=f".:.debug:{tmp_path}/else") == expected, place
        place.unlink()


def test_split_off(tmp_path, expected, tree):
    """A file with nothing but what was split off, as some distributions have it below .build-id."""
    directory = tmp_path / "alone"
    directory.mkdir()
    (directory / "vmlinux").symlink_to(tmp_path / "linked.debug")
    assert points(directory) == expected


def test_debug_link_to_another_build(tmp_path, tree):
    (tree / "linked.debug").symlink_to(compile_target("hits.c", "-O0", "-g", "-Wl,--build-id"))
    assert points(tree) is None


@pytest.mark.skipif(not DEBUGINFOD, reason="no libdebuginfod")
def test_server(tmp_path, tree, expected):
    """Of a kernel that does not run here the file without debug information tells the build to ask for."""
    note = next(line.split()[-1] for line in run(["readelf", "-n", tree / "vmlinux"]).lines if "Build ID" in line)
    served = tmp_path / "srv" / "buildid" / note / "debuginfo"
    served.parent.mkdir(parents=True)
    served.symlink_to(tmp_path / "linked.debug")
    server = ("import http.server; s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler); "
              "print(s.server_port, flush=True); s.serve_forever()")
    with Background(["python3", "-c", server], cwd=tmp_path / "srv") as process:
        port = wait_until(lambda: process.out.strip(), what="the server's port")
        env = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{port}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
        assert points(tree, **env) == expected
        asked = process.err.count("GET ")
        assert points(tmp_path / "none", **env) is None and process.err.count("GET ") == asked
        hint = stap("-r", tmp_path / "none", "-p2", "-e", f"probe {STATEMENTS} {{ println(pp()) }}", env=env).failed().err
        assert "nothing here tells the build id to ask for" in hint and "put a file vmlinux" in hint
