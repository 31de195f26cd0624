# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb on a program: the functions of the stack at the first hit of $FUNCTION, one a line, into $TRUTH.

Without inlined and tail-called ones, which have no frame of their own.
"""
import os

import gdb

gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
gdb.execute(f"break *{os.environ['FUNCTION']}")
gdb.execute("run")
with open(os.environ["TRUTH"], "w") as out:
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            out.write(f"{frame.name()}\n")
        frame = frame.older()
gdb.execute("kill")
