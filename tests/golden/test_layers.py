# SPDX-License-Identifier: GPL-2.0-or-later
"""The layers of src/: a folder includes only from folders to its left, and every file says what it is."""
import re

import pytest

from support import TOP

LAYERS = ({"base"}, {"lang", "dbg", "ir"}, {"out"}, {"probe", "bpf", "interp"}, {"sema"}, {"lower"}, {"run"}, {"cli"})
COMPILER = {"lang", "sema", "lower"}    # the run half knows only the program description that they make
RUNTIME = {"base", "ir", "rt"}      # what is compiled for eBPF, too, knows only plain headers
FILES = sorted((TOP / "src").rglob("*.[ch]"))


def allowed(folder):
    if folder == "rt":
        return RUNTIME
    before = set()
    for layer in LAYERS:
        if folder in layer:
            return (before - (COMPILER if folder == "run" else set())) | {folder, "rt"}
        before |= layer
    raise AssertionError(f"src/{folder} is in no layer")


@pytest.mark.parametrize("folder", sorted({path.relative_to(TOP / "src").parts[0] for path in FILES}))
def test_includes(folder):
    wrong = []
    for path in (TOP / "src" / folder).rglob("*.[ch]"):
        for included in re.findall(r'^#include "(\w+)/', path.read_text(), re.M):
            if included not in allowed(folder):
                wrong.append(f"{path.relative_to(TOP)} includes from {included}")
    assert not wrong


def test_heads():
    """The licence, then a comment on what the file is for."""
    missing = [str(path.relative_to(TOP)) for path in FILES
               if not re.match(r"(/\*|//) SPDX-License-Identifier: GPL-2.0-or-later( \*/)?\n/\*", path.read_text())]
    assert not missing
