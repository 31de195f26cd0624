# SPDX-License-Identifier: GPL-2.0-or-later
"""The image with which a machine runs tests of this tree: python, pytest, tests/ and what these start."""
import os
import pathlib
import re
import shutil
import subprocess

import kernels
import machine

TOP = machine.TOP
STAP = pathlib.Path(os.environ.get("STAP", TOP / "build" / "src" / "cli" / "stap")).absolute()
KERNELS = os.environ.get("BPFTAP_KERNELS", ",".join(kernels.PATTERNS)).split(",")
PYTHON = pathlib.Path("/usr/bin/python3")
TARGETS = kernels.CACHE.parent / "targets"
TOOLS = ("bash", "cat", "curl", "ip", "nft", "nm", "objcopy", "pgrep", "prlimit", "sh", "sleep", "strip", "taskset")
PACKAGES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "attr", "py")
LEFT_OUT = {"test", "idlelib", "lib2to3", "tkinter", "ensurepip", "distutils", "turtle.py", "pydoc_data"}


def built_here(path):
    """The tests' own caches and results, and parts of python that no test needs."""
    return path.name in LEFT_OUT or path.name == "__pycache__" and path.is_relative_to(TOP)


def standard_library():
    query = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    return pathlib.Path(subprocess.check_output([PYTHON, "-c", query], text=True).strip())


def debug_file(path):
    """Where Debian keeps the symbols of a stripped file, so that frames have the names they have here."""
    notes = subprocess.check_output(["readelf", "-n", path], text=True)
    build_id = re.search(r"Build ID: (\w\w)(\w+)", notes)
    return pathlib.Path(f"/usr/lib/debug/.build-id/{build_id[1]}/{build_id[2]}.debug")


def python_image(stap=STAP):
    image = machine.stap_image(stap)
    image.add(PYTHON)
    image.add(standard_library(), built_here)
    for package in PACKAGES:
        for suffix in ("", ".py", "-*"):
            for where in pathlib.Path("/usr/lib/python3/dist-packages").glob(package + suffix):
                image.add(where, built_here)
    for tool in TOOLS:
        image.add(shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"))
    image.add(debug_file("/lib/x86_64-linux-gnu/libc.so.6"))
    for name in ("passwd", "group", "nsswitch.conf", "hosts"):
        image.add(f"/etc/{name}")
    image.add(TOP / "tests", built_here)
    image.add(TOP / "tools")
    image.add(TOP / "docs")
    for program in ("staprun", "stap-prep"):
        image.add(stap.parent / program)
    image.add(TARGETS / "c")
    for nginx in TARGETS.glob("nginx/nginx*/objs/nginx"):
        image.add(nginx)
        image.link(str(TARGETS / "nginx" / "nginx"), str(nginx))
    variables = {"STAP": stap, "XDG_CACHE_HOME": kernels.CACHE.parent.parent}
    image.file("/environment", machine.environment(variables))
    return image
