# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of C headers in @cast: described by the compiler of the machine, if there is one."""
import pathlib
import re
import shutil

import pytest

from support import script

needs_compiler = pytest.mark.skipif(not (shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")),
                                    reason="no C compiler")


@needs_compiler
def test_types_of_a_header():
    text = ('function pause(t) { return &@cast(t, "struct timespec", "<time.h>") } '
            'probe syscall.clock_nanosleep { if (pid() == target()) { printf("%d %d %s\\n", pause($rqtp)->tv_sec, '
            '@cast($rqtp, "timespec", "<time.h>")->tv_nsec, @cast($rqtp, "timespec", "<time.h>")$) exit() } }')
    assert script(text, "-c", "sleep 3.25").out == "3 250000000 {.tv_sec=3, .tv_nsec=250000000}\n"
    offsets = ('probe oneshot { println(&@cast(0, "sockaddr_un", "<sys/un.h>")->sun_path, " ", '
               '&@cast(0, "timeval", "<sys/un.h><sys/time.h>")[1], " ", @defined(@cast(0, "timeval", "<sys/time.h>")->none), '
               '@defined(@cast(0, "none", "<time.h>")->x)) }')
    assert script(offsets).ok().out == "2 16 00\n"


@needs_compiler
def test_one_module_for_one_header():
    text = ('probe oneshot { if (randint(2)) p = &@cast(0, "sockaddr_un", "<sys/un.h>") else p = &@cast(16, "sockaddr_un", "<sys/un.h>") '
            'println(&p->sun_path & 15) }')
    assert script(text).ok().out == "2\n"


@pytest.mark.parametrize("header,hint", [
    ("<no/such/header.h>", "the C compiler did not take them: .*no/such/header.h"),
    ("<time.h", 'headers are written as "<sys/time.h>"'), ("<a b.h>", "headers are written as"),
    ('<x>\\n#error', "headers are written as")])
def test_headers_that_are_none(header, hint):
    err = script(f'probe oneshot {{ println(@cast(0, "timeval", "{header}")->tv_sec) }}').failed().err
    assert "type definition 'timeval' not found in '<" in err and (re.search(hint, err)
                                                                   or "need a C compiler" in err), err


def test_a_machine_without_a_compiler(tmp_path):
    result = script('probe oneshot { println(@cast(0, "timeval", "<sys/time.h>")->tv_sec) }',
                    env={"PATH": str(tmp_path)}).failed()
    assert "types of headers need a C compiler" in result.err
    assert not list(pathlib.Path("/tmp").glob("stap-header-*"))
