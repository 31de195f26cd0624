# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of a kernel's functions share."""
import pathlib

import pytest


@pytest.fixture
def own_machine():
    """For tests that change the machine they run on; others build their programs where stap fails, too."""
    if not pathlib.Path("/modules/list").exists():
        pytest.skip("changes the machine: runs in those of tests/vm only")
