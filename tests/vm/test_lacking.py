# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel without type information, with debug information of another build, and one that lockdown closes: what still
works does, and what does not says why."""
import re

import pytest

import machine
import suite

COMMAND = "dd if=/proc/version of=/dev/null bs=999"


@pytest.fixture(scope="module")
def poor_image():
    def image():
        image = machine.stap_image(suite.STAP)
        image.add(suite.STAP.parent / "stap-prep")
        return image

    return image


@pytest.fixture(scope="module", params=suite.KERNELS)
def poor(request, boot, poor_image):
    """A machine of its own, that the tests take something away from."""
    with boot(request.param, poor_image) as booted:
        yield booted


def stap(vm, script, environment=""):
    return vm.run(f"{environment} stap -c '{COMMAND}' -e '{script}'", timeout=120)


@pytest.fixture
def without_types(poor):
    poor.run("mount -t tmpfs none /sys/kernel/btf").ok()
    yield poor
    poor.run("umount /sys/kernel/btf").ok()


def test_functions_without_types(without_types):
    script = ('probe kernel.function("vfs_read") { if (pid() == target() && long_arg(3) == 999) println(ppfunc(), " ", execname()) } '
              'probe kernel.function("vfs_read").return { if (pid() == target() && returnval()) println(returnval()) }')
    version = int(without_types.run("wc -c </proc/version").ok().out)
    assert stap(without_types, script).ok().out.splitlines() == ["vfs_read dd", str(version), "vfs_read dd"]


def test_types_are_missed_by_name(without_types):
    missing = "the kernel offers no type information (CONFIG_DEBUG_INFO_BTF"
    for script in ('probe kernel.function("vfs_read") { println($count) }',
                   'probe kernel.function("vfs_read").return { println($return) }',
                   'probe begin { println(@cast(1, "task_struct")->pid) }', 'probe begin { println(task_pid(1)) }'):
        result = stap(without_types, script)
        assert result.status == 1 and missing in result.err, result.err


@pytest.fixture
def wrong_build(poor):
    """A file with debug information in the kernel's place, that is not of this kernel."""
    path = f"/usr/lib/debug/boot/vmlinux-{poor.kernel.release}"
    poor.run(f"mkdir -p /usr/lib/debug/boot; cp {suite.STAP} {path}").ok()
    yield poor, path
    poor.run(f"rm {path}").ok()


def test_debug_information_of_another_build(wrong_build):
    vm, path = wrong_build
    why = f"{path} is of another build than the running kernel"
    result = stap(vm, 'probe kernel.statement("vfs_read@fs/read_write.c:*") { } probe kernel.function("vfs_read").inline { }')
    assert result.status == 1 and why in result.err and "linux-image-" in result.err
    result = stap(vm, 'probe kernel.function("vfs_read") { if (pid() == target()) println($count) }').ok()
    assert result.out.splitlines() == ["999", "999"]
    assert result.err.count(f"WARNING: {why}: its debug information is not used\n") == 1
    assert why in vm.run(f"{suite.STAP.parent}/stap-prep").out


SWITCHES = (("kprobes are", "/sys/kernel/debug/kprobes/enabled"), ("ftrace is", "/proc/sys/kernel/ftrace_enabled"))


@pytest.fixture(params=suite.KERNELS)
def spoiled(request, boot, poor_image):
    """For one test: a kernel stumbles over trampolines that were made while ftrace was off, once that is on again."""
    with boot(request.param, poor_image) as booted:
        yield booted


def test_probes_that_a_switch_silences(spoiled):
    """The warning is given for those points that do not fire, and for no others."""
    points = (("", 'kernel.function("vfs_read")'), ("", 'kernel.function("vfs_read").return'), ("", 'kprobe.function("vfs_read")'),
              ("", 'kprobe.function("vfs_read").return'), ("BPFTAP_WITHOUT=kprobe_multi", 'kprobe.function("vfs_read")'),
              ("BPFTAP_WITHOUT=kprobe_multi", 'kernel.function("vfs_*")'), ("", "process.end"), ("", "syscall.read"))
    for what, switch in SWITCHES:
        spoiled.run(f"echo 0 > {switch}").ok()
        silent = 0
        for environment, point in points:
            result = stap(spoiled, f"global n probe {point} {{ if (pid() == target()) n++ }} probe end {{ println(n > 0) }}", environment).ok()
            silent += result.out == "0\n"
            warned = f"{what} switched off: probe " in result.err and f" will not fire; write 1 to {switch}, and start" in result.err
            assert (result.out == "0\n") == warned and result.err.count("switched off") == warned, (environment, point, result)
        assert 0 < silent < len(points)
        prep = spoiled.run(f"{suite.STAP.parent}/stap-prep").out
        assert re.search(rf"^kernel functions switched on +no \({what} switched off: write 1 to {switch}\)", prep, re.M), prep
        if what == "kprobes are":
            spoiled.run(f"echo 1 > {switch}").ok()


def test_lockdown(poor):
    """The last one: it cannot be taken back."""
    poor.run("mount -t securityfs none /sys/kernel/security; echo confidentiality >/sys/kernel/security/lockdown").ok()
    why = "kernel lockdown is in confidentiality mode, which closes the kernel's memory and kprobes"
    result = stap(poor, 'probe kernel.function("vfs_read") { println(kernel_long($file)) }')
    assert result.status == 1 and why in result.err
    result = stap(poor, 'probe kprobe.function("vfs_*") { n++ } global n', "BPFTAP_WITHOUT=kprobe_multi")
    assert result.status == 1 and why in result.err and result.err.count("vfs_") == 2
    assert "more probe points could not be registered for the same reason" in result.err
    script = 'probe kernel.function("vfs_read") { if (pid() == target() && $count == 999) println(pp(), " ", execname()) }'
    assert stap(poor, script).ok().out.splitlines() == ['kernel.function("vfs_read") dd'] * 2
    assert stap(poor, 'probe begin { println("begin") } probe kernel.trace("sched_switch") { exit() }').ok().out == "begin\n"
    prep = poor.run(f"{suite.STAP.parent}/stap-prep")
    lines = {line[:56].rstrip(): line[57:] for line in prep.out.splitlines()}
    assert prep.status and lines["no lockdown of kernel memory"].startswith("no (lockdown: none integrity [confidentiality])")
    assert lines["kernel functions"] == "yes (fentry)" and lines["kernel functions by kprobe"].startswith("no"), prep.out
