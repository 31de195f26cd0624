# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb on a program: the argument of every malloc of the C library, one a line, into $TRUTH."""
import os

import gdb

out = open(os.environ["TRUTH"], "w")


class Malloc(gdb.Breakpoint):
    def stop(self):
        out.write(f"{int(gdb.parse_and_eval('$rdi'))}\n")
        return False


gdb.execute("set pagination off")
gdb.execute("set stop-on-solib-events 1")
gdb.execute("set exec-wrapper env -i LC_ALL=C PATH=/usr/bin:/bin")
gdb.execute("run")
while not any("libc.so" in o.filename for o in gdb.objfiles()):
    gdb.execute("continue")
gdb.execute("set stop-on-solib-events 0")
address = int(gdb.parse_and_eval("(long)&malloc"))
Malloc(f"*{address:#x}")
gdb.execute("continue")
out.close()
