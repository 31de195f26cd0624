# SPDX-License-Identifier: GPL-2.0-or-later
"""These tests change the machine they run on (processors offline, kernel.kptr_restrict): machines of tests/vm."""
import pathlib

import pytest


@pytest.fixture(autouse=True)
def in_a_machine_of_ours():
    if not pathlib.Path("/modules/list").exists():
        pytest.skip("runs in a machine of tests/vm only, which it changes")
