# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel without type information, with debug information of another build, and one that lockdown closes: what still
works does, and what does not says why."""
import pytest

import machine
import suite

COMMAND = "dd if=/proc/version of=/dev/null bs=999"


@pytest.fixture(scope="module", params=suite.KERNELS)
def poor(request, boot):
    """A machine of its own, that the tests take something away from."""
    def image():
        image = machine.stap_image(suite.STAP)
        image.add(suite.STAP.parent / "stap-prep")
        return image

    with boot(request.param, image) as booted:
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
