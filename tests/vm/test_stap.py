# SPDX-License-Identifier: GPL-2.0-or-later
"""The same stap on other kernels: unit tests of what meets the kernel, tests/kernel, a selection of the end-to-end tests."""
import dataclasses
import shlex
import xml.etree.ElementTree as ET

import pytest

import machine
import suite
from conftest import ONLY, SELECTION, UNITS, unit_program

SECONDS = 900


@pytest.mark.parametrize("name", UNITS)
def test_unit(vm, name):
    result = vm.run(f"cd {suite.TOP}; exec {unit_program(name)} {'short' if name == 'bpf_ops' else ''}", timeout=400)
    assert result.status == 0, f"status {result.status}\n" + (result.out + result.err)[-5000:]


@dataclasses.dataclass
class Outcome:
    cases: int = 0
    failures: str = ""


@dataclasses.dataclass
class Outcomes:
    """Of the selection's functions: "tests.e2e.FILE.FUNCTION" -> Outcome."""
    of: dict
    late: bool          # the time was over before all had run


@pytest.fixture(scope="session")
def outcomes(vm, wanted):
    """All that are wanted run by one pytest over there, which is told to end in time for its results."""
    tests = [test for test in wanted if ONLY.get(test, vm.name) == vm.name]
    if not tests:
        return Outcomes({}, False)
    result = vm.run(f"cd {suite.TOP}; exec timeout -s INT {SECONDS * machine.SLOWER} python3 -B -m pytest -q -p no:cacheprovider --tb=short "
                    f"--junitxml=/out/results {shlex.join(tests)}", timeout=SECONDS + 60)
    assert "results" in result.files, result.out[-3000:] + result.err[-3000:]
    cases = list(ET.fromstring(result.files["results"]).iter("testcase"))
    named = [case for case in cases if case.get("name")]    # the one that ran when the time was over has no name
    found = {}
    for case in named:
        outcome = found.setdefault(f"{case.get('classname')}.{case.get('name').split('[')[0]}", Outcome())
        outcome.cases += 1
        for bad in (*case.findall("failure"), *case.findall("error"), *case.findall("skipped")):
            outcome.failures += f"{case.get('name')}: {bad.text or bad.get('message')}\n"
    return Outcomes(found, late=len(named) < len(cases))


def test_time_suffices(outcomes):
    assert not outcomes.late, f"the selection takes more than {SECONDS * machine.SLOWER} s"


@pytest.mark.parametrize("test", SELECTION)
def test_end_to_end(vm, outcomes, test):
    if ONLY.get(test, vm.name) != vm.name:
        pytest.skip(f"only {ONLY[test]} can")
    outcome = outcomes.of.get(test.removesuffix("]").split("[")[0].replace(".py::", ".").replace("/", "."))
    if not outcome and outcomes.late:
        pytest.skip("the time was over")
    assert outcome, "was not run"
    assert not outcome.failures, outcome.failures[:5000]
