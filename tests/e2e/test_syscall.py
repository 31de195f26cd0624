# SPDX-License-Identifier: GPL-2.0-or-later
"""syscall.NAME: system calls of both interfaces, their variables, and points that share one event."""
import re
import sys

from support import script, stap


def test_open_and_its_return():
    text = ('probe syscall.openat { if (pid() == target()) '
            'printf("%s(%d) %s %s(%s)\\n", execname(), pid(), pn(), ppfunc(), argstr) } '
            'probe syscall.openat.return { if (pid() == target()) println(name, " = ", retstr) }')
    out = script(text, "-c", "cat /etc/hostname /nonexistent").out
    assert re.search(r'^cat\(\d+\) syscall\.openat __x64_sys_openat\(AT_FDCWD, "/etc/hostname", O_RDONLY\)\n'
                     r'openat = 3$', out, re.M), out
    assert re.search(r'AT_FDCWD, "/nonexistent", O_RDONLY\)\nopenat = -2 \(ENOENT\)$', out, re.M), out


def test_a_listing_shows_the_variables():
    assert stap("-L", "syscall.openat").ok().out == (
        "syscall.openat name:string dfd:long dfd_str:string filename:string filename_unquoted:string flags:long "
        "flags_str:string mode:long argstr:string $regs:struct pt_regs* $id:long int\n")
    names = stap("-l", "syscall.open*").ok().lines
    assert {"syscall.open", "syscall.open_by_handle_at", "syscall.openat", "syscall.openat2"} <= set(names)


def test_several_probes_of_one_call_all_run():
    text = ('global a, b, c probe syscall.getppid { if (pid() == target()) a++ } '
            'probe syscall.* { if (pid() == target() && name == "getppid") b++ } '
            'probe syscall.getppid { if (pid() == target()) a++ } '
            'probe nd_syscall.getppid.return { if (pid() == target()) c++ } probe end { println(a, " ", b, " ", c) }')
    command = sys.executable + " -c 'import os\nfor i in range(1000): os.getppid()'"
    assert script(text, "-c", command).ok().out == "2000 1000 1000\n"


def test_the_points_of_the_tapset_are_no_users_business():
    assert "__syscall" not in stap("--dump-probe-types").ok().out
