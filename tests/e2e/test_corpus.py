# SPDX-License-Identifier: GPL-2.0-or-later
"""Generated programs, every compiler, level and DWARF version once: what stap reads at each statement is what gdb reads."""
import re
import sys

from support import SANITIZED, TOP, run


def test_values_agree_with_gdb():
    programs = 4 if SANITIZED else 16
    result = run([sys.executable, TOP / "tests" / "corpus" / "run", "--programs", programs], timeout=300)
    last = result.lines[-1]
    assert result.status == 0, result.out[-3000:]
    assert int(re.search(r"(\d+) values agree", last).group(1)) > 2000 * programs / 16, last
