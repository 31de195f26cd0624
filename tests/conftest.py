# SPDX-License-Identifier: GPL-2.0-or-later
import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import support  # noqa: E402

TEST_SECONDS = 400


def pytest_collection_modifyitems(items):
    """Without the command under test every test fails at once instead of one by one."""
    if items and not support.STAP.exists():
        pytest.exit(f"{support.STAP} is not built", returncode=3)


@pytest.fixture(autouse=True)
def time_limit():
    """A test that hangs fails, and the others go on."""
    def expired(number, frame):
        raise TimeoutError(f"the test took more than {TEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def private_cache(monkeypatch, tmp_path_factory):
    """Each run of the tests has its own cache of compiled scripts, shared by its tests."""
    directory = tmp_path_factory.getbasetemp() / "systemtap"
    monkeypatch.setenv("SYSTEMTAP_DIR", str(directory))


@pytest.fixture(scope="session")
def places():
    """tests/targets/places.c, not optimised."""
    return support.compile_target("places.c")


@pytest.fixture(scope="session")
def variables():
    """tests/targets/variables.c, likewise."""
    return support.compile_target("variables.c")


@pytest.fixture
def beside():
    """beside(ARGV...): starts a program; it is killed when the test ends."""
    started = []

    def start(*argv, **kwargs):
        started.append(support.Background(argv, **kwargs))
        return started[-1]

    yield start
    for program in started:
        try:
            os.killpg(program.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        program.process.wait()
