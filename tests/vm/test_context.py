# SPDX-License-Identifier: GPL-2.0-or-later
"""The library in handlers of kernel functions: every function loads, and stacks are what SystemTap shows."""
import re
import subprocess

import pytest

import suite

FUNCTION = "do_mkdirat"
MECHANISMS = [f'kernel.function("{FUNCTION}")', f'kprobe.function("{FUNCTION}").return']
GROUP = 60


def calls():
    """A statement for each public function of the library that calls it with plain arguments."""
    listing = subprocess.check_output([suite.STAP, "--dump-functions"], text=True)
    for line in sorted(set(listing.splitlines())):
        match = re.match(r"(\w+):(\w+) \((.*)\)", line)
        if not match or match[1].startswith(("_", "set_kernel_")) or "unknown" in match[3]:
            continue
        values = ['"x"' if p.endswith(":string") else "1" for p in match[3].split(",") if p]
        call = f"{match[1]}({', '.join(values)})"
        yield call if match[2] == "unknown" else f"println({call})"


def run_script(text):
    return f"cat > /s.stp <<'EOF'\n{text}\nEOF\nstap -g -w /s.stp || exit 1\n"


@pytest.mark.parametrize("point", MECHANISMS)
def test_every_function_loads(vm, point):
    bodies = list(calls())
    assert len(bodies) > 400
    script = ""
    for start in range(0, len(bodies), GROUP):
        group = " ".join(f"if (target() == 1) {{ {body} }}" for body in bodies[start:start + GROUP])
        script += f"echo {start} >&2\n" + run_script(f"probe {point} {{ {group} }} probe begin {{ exit() }}")
    result = vm.run(script, timeout=600)
    assert result.status == 0, result.err[-2000:]


HANDLER = """
print_backtrace() println("--") print(sprint_backtrace()) println("--") println(backtrace()) println("--")
printf("%x %x\\n", stack(0), caller_addr()) println(caller()) println(callers(0)) println(is_return(), " ", probefunc(), " ", addr() != 0)
println(stack_used() + stack_unused(), " ", stack_used() > 200) exit()"""


@pytest.mark.parametrize("point", [f'{family}.function("{name}"){suffix}' for family in ("kernel", "kprobe")
                                   for name in (FUNCTION, "do_mkd*t") for suffix in ("", ".return")])
def test_stack_of_a_function(vm, point):
    text = f"probe {point} {{ if (execname() == \"mkdir\") {{ {HANDLER} }} }}"
    result = vm.run("rm -rf /d; " + run_script(text).replace("/s.stp ||", "/s.stp -c 'mkdir /d' ||") +
                    f"echo ++; grep -w -e {FUNCTION} -e __x64_sys_mkdir -e do_syscall_64 /proc/kallsyms", timeout=240)
    assert result.status == 0, result.err
    shown, symbols = result.out.split("++\n")
    address = {fields[2]: int(fields[0], 16) for fields in map(str.split, symbols.splitlines())}
    printed, simple, raw, values = [part.splitlines() for part in shown.split("--\n")]
    entry = f" 0x{address[FUNCTION]:016x} : {FUNCTION}+0x0/0x"
    frame = re.compile(r" 0x([0-9a-f]{16}) : (\S+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[kernel\]")
    if point.endswith(".return"):
        assert printed[0].startswith("Returning from: " + entry) and printed[1].startswith("Returning to  : ")
        printed = [printed[1].removeprefix("Returning to  : "), *printed[2:]]
        caller = printed[0]
    else:
        assert printed[0].startswith(entry)
        caller = printed[1]
    frames = [frame.fullmatch(line).groups() for line in printed]
    for at, name, offset in frames:
        assert name not in address or int(at, 16) - address[name] == int(offset, 16)
    assert frame.fullmatch(caller)[2] == "__x64_sys_mkdir" and frames[-2][1] == "do_syscall_64"
    assert simple == [f"{name}+0x{offset} [kernel]" for _, name, offset in frames]
    assert raw == [" ".join(f"0x{at}" for at, _, _ in frames)]
    called_from = frame.fullmatch(caller)[1]
    assert values == [f"{frames[0][0]} {called_from}", f"__x64_sys_mkdir 0x{called_from}", f"0x{frames[0][0]}",
                      f"{int(point.endswith('.return'))} {FUNCTION} 1", "16384 1"]


def test_arguments_by_register(vm):
    text = ("probe kernel.function(\"do_mkdirat\") { if (execname() == \"mkdir\") { println(int_arg(1) == $dfd, pointer_arg(2) == $name, "
            "uint_arg(3) == $mode, ulong_arg(3) == $mode, s32_arg(1) == -100, longlong_arg(2) == $name, u64_arg(2) == $name) exit() } }")
    result = vm.run("rm -rf /d; " + run_script(text).replace("/s.stp ||", "/s.stp -c 'mkdir /d' ||"), timeout=240)
    assert result.out == "1111111\n", result.out + result.err
