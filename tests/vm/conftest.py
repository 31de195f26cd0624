# SPDX-License-Identifier: GPL-2.0-or-later
"""A booted machine for each kernel, shared by all tests; skips when the kernel cannot be had."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import kernels  # noqa: E402
import machine  # noqa: E402
import suite  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BPFTAP_BUILD", suite.TOP / "build"))
# veth and bridge have functions to probe; nf_tables and bridge the hooks of packets that have no links
MODULES = ("veth", "iptable_filter", "nf_tables", "bridge", "nfsv4", "fuse", "tun")
UNITS = ("bpf_corpus", "bpf_exact", "bpf_probe", "bpf_ops", "probe_attach", "probe_ksyms")

SELECTION = (suite.TOP / "tests" / "vm" / "selection").read_text().split("\n")
SELECTION = [line for line in SELECTION if line and not line.startswith("#")]
ONLY = dict(line.split() for line in SELECTION if " " in line)      # test: the one kernel that can run it
SELECTION = [line.split()[0] for line in SELECTION]
KERNEL = [f"{path.relative_to(suite.TOP)}::{name}" for path in sorted((suite.TOP / "tests" / "kernel").glob("test_*.py"))
          for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)]
SELECTION += KERNEL
BRIEF = [line for line in (suite.TOP / "tests" / "vm" / "brief").read_text().split("\n") if line and not line.startswith("#")]


def unit_program(name):
    return BUILD / "tests" / "unit" / f"unit_{name}"


def pytest_configure(config):
    config.addinivalue_line("markers", "brief: what a stap with sanitizers runs in test.sh")


def pytest_collection_modifyitems(items):
    for item in items:
        if any(part in item.nodeid for part in BRIEF):
            item.add_marker("brief")


@pytest.fixture(scope="session")
def wanted(request):
    """Those of the selection that this run is to have, all unless it was told what to run."""
    chosen = {item.callspec.params["test"] for item in request.session.items if "test" in getattr(item, "fixturenames", ())}
    return [test for test in SELECTION if test in chosen]


@pytest.fixture(scope="session")
def targets(wanted):
    """The machine has no compiler; every test builds its programs, if they are not cached, before stap fails."""
    if not wanted:
        return
    subprocess.run([suite.PYTHON, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted], cwd=suite.TOP,
                   env=dict(os.environ, STAP="/bin/false", PYTEST_ADDOPTS=""), stdout=subprocess.DEVNULL, timeout=300)


@contextlib.contextmanager
def booted(kernel, make_image, modules=(), debug=False, **options):
    try:
        found = kernels.get(kernel)
        if debug:
            found.debug_disk()
    except kernels.Unavailable as error:
        pytest.skip(str(error))
    with machine.Machine(kernel, make_image(), modules, debug=debug, **options) as vm:
        yield vm


@pytest.fixture(scope="session")
def boot():
    """boot(KERNEL, IMAGE, ...), for `with`: a machine with what IMAGE() makes; skips the test if there is no such kernel."""
    return booted


def units_image():
    image = suite.python_image()
    for name in UNITS:
        image.add(unit_program(name))
    return image


@pytest.fixture(scope="session", params=suite.KERNELS)
def vm(request, targets):
    with booted(request.param, units_image, MODULES) as machine_:
        yield machine_
