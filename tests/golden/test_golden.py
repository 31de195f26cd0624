# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden tests: what a stage prints for a script is compared with a file beside it.

A case is DIR/NAME.stp; its first line says the arguments ("# stap: -p1"), DIR/NAME.expected is what comes out:
standard output, then, when there is any, "--- stderr" and standard error, then "--- status N" when N is not 0.
GOLDEN_UPDATE=1 (tests/run-golden --update) writes the files instead; read the difference before committing it.
"""
import os
import pathlib
import re
import shlex

import pytest

from support import stap

HERE = pathlib.Path(__file__).resolve().parent
CASES = sorted(HERE.glob("*/*.stp"))


def outcome(case):
    """What the case prints, without what differs from run to run."""
    first = case.read_text().split("\n", 1)[0]
    assert first.startswith("# stap: "), f"{case} does not begin with '# stap: ARGUMENTS'"
    result = stap(*shlex.split(first[len("# stap: "):]), case.name, cwd=case.parent)
    text = result.out
    if result.err:
        text += "--- stderr\n" + result.err
    if result.status:
        text += f"--- status {result.status}\n"
    text = re.sub(r"\(similar: [^)]*\)", "(similar: ...)", text)    # depends on what else the library has
    text = re.sub(r"build id [0-9a-f]+", "build id ...", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0xADDRESS", text)


@pytest.mark.parametrize("case", CASES, ids=[f"{c.parent.name}/{c.stem}" for c in CASES])
def test_golden(case):
    expected = case.with_suffix(".expected")
    text = outcome(case)
    if os.environ.get("GOLDEN_UPDATE"):
        expected.write_text(text)
    assert text == expected.read_text()
