# SPDX-License-Identifier: GPL-2.0-or-later
"""Processors that go offline and come online while scripts run."""
import os
import pathlib
import time

import pytest

from support import background

ONLINE = pathlib.Path("/sys/devices/system/cpu/cpu1/online")


@pytest.fixture
def second(own_machine):
    """Switches the second processor on and off; it is on at the end."""
    yield lambda on: ONLINE.write_text(str(int(on)))
    ONLINE.write_text("1")


def use_second(seconds):
    """This process works on the second processor for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {1})
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        os.stat("/")
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize("point, offline_at_start", [("timer.profile", True), ("timer.profile", False),
                                                     ("perf.type(1).config(0).sample(5000000)", True)])
def test_events_come_with_their_processor(second, point, offline_at_start):
    text = (f'global n, s, m probe begin {{ println("ready") }} '
            f'probe {point} {{ n[cpu()]++ s[cpu()] <<< 1 if (cpu() == 1) m++ }} '
            'probe timer.s(1) { if (n[1] > 40) exit() } '
            'probe end { printf("%d %d %d %d\\n", n[0] > 0, n[1], @count(s[1]), m) }')
    if offline_at_start:
        second(False)
    with background("-e", text) as tracer:
        tracer.wait_for("ready\n", 120)
        if not offline_at_start:
            second(False)
        second(True)
        use_second(3)
        result = tracer.finish(60)
    first, *counts = map(int, result.out.split("\n")[1].split())
    assert first == 1 and counts[0] > 40 and counts == counts[:1] * 3, result
    assert "came online" not in result.err
