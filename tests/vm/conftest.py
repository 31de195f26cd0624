# SPDX-License-Identifier: GPL-2.0-or-later
"""A booted machine for each kernel, shared by all tests; skips when the kernel cannot be had."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import kernels  # noqa: E402
import machine  # noqa: E402
import suite  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BPFTAP_BUILD", suite.TOP / "build"))
# veth and bridge have functions to probe; nf_tables and bridge the hooks of packets that have no links
MODULES = ("veth", "iptable_filter", "nf_tables", "bridge")
UNITS = ("bpf_corpus", "bpf_exact", "bpf_probe", "bpf_ops", "probe_attach")


def unit_program(name):
    return BUILD / "tests" / "unit" / f"unit_{name}"


@pytest.fixture(scope="session", params=suite.KERNELS)
def vm(request):
    try:
        kernels.get(request.param)
    except kernels.Unavailable as error:
        pytest.skip(str(error))
    image = suite.python_image()
    for name in UNITS:
        image.add(unit_program(name))
    with machine.Machine(request.param, image, MODULES) as booted:
        yield booted
