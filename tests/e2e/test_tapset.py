# SPDX-License-Identifier: GPL-2.0-or-later
"""The library: functions exist with SystemTap's names, parameters and types."""
import re

import pytest

from support import TOP, compile_target, run, stap

SIGNATURES = [line for line in (TOP / "tests" / "tapset" / "signatures.txt").read_text().splitlines()
              if not line.startswith("#")]


@pytest.fixture(scope="module")
def functions():
    """'name:type(parameters)' of every function that the command knows, types of parameters included."""
    found = set()
    for line in stap("--dump-functions").ok().lines:
        match = re.match(r"(?:private )?(\w+):(\w+) \((.*)\)", line)
        if match:
            name, kind, parameters = match.groups()
            kind = "" if kind == "unknown" else f":{kind}"
            found.add(f"{name}{kind}({parameters.replace(', ', ',')})")
    return found


@pytest.mark.parametrize("signature", SIGNATURES)
def test_function(functions, signature):
    if signature not in functions:
        name = re.match(r"\w+", signature).group()
        raise AssertionError(f"{signature}: there is {[f for f in functions if re.match(name + r'[:(]', f)]}")


def calls(functions):
    """A statement for each public function that calls it with plain arguments."""
    for signature in sorted(functions):
        name, kind, parameters = re.match(r"(\w+)(:\w+)?\((.*)\)", signature).groups()
        if name.startswith(("_", "set_kernel_")) or "unknown" in parameters:    # the latter are refused, with a reason
            continue
        values = ['"x"' if p.endswith(":string") else "1" for p in parameters.split(",") if p]
        call = f"{name}({', '.join(values)})"
        yield f"println({call})" if kind else call


def test_every_function_compiles(functions):
    """Each function gets through all passes up to the object, in a handler of the process and in one of stap."""
    program = compile_target("variables.c")
    bodies = list(calls(functions))
    for point in (f'process("{program}").function("nothing")', "begin"):
        for start in range(0, len(bodies), 25):
            body = " ".join(bodies[start:start + 25])
            result = stap("-g", "-p4", "-e", f"probe {point} {{ {body} }}")
            assert result.status == 0, (point, bodies[start:start + 25], result.err)


@pytest.mark.parametrize("point", ["process", "kernel"])
def test_every_function_loads(functions, point):
    """The kernel accepts each function in a handler of a process and of the kernel."""
    program = compile_target("variables.c")
    bodies = list(calls(functions))
    place = f'process("{program}").function("nothing")' if point == "process" else 'kernel.trace("sched_process_exec")'
    for start in range(0, len(bodies), 10):
        body = " ".join(f"if (target() == 1) {{ {b} }}" for b in bodies[start:start + 10])
        text = f"probe {place} {{ {body} }} probe begin {{ exit() }}"
        result = stap("-g", "-w", "-e", text)
        assert result.status == 0, (bodies[start:start + 10], result.err)


def test_reference(tmp_path):
    """Every public function and alias has a doc comment, and the pages made of them are pages."""
    run([TOP / "tools" / "tapset_reference.py", TOP / "tapset", tmp_path / "man3"]).ok()
    page = run(["man", "-l", tmp_path / "man3" / "function::user_string.3stap"], env={"MANWIDTH": "100"}).ok().out
    assert "user_string:string(addr:long, err_msg:string)" in page and "tapset::user_string(3stap)" in page
