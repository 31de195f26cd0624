# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb on a program: the stack at the first hit of $FUNCTION, as JSON pairs (symbol, offset in it), into $TRUTH.

Without inlined and tail-called frames, which have no frame of their own.  Symbols are those of the
symbol tables, not of the debug information.  With $SIGNALS the program gets its signals.
"""
import json
import os
import re

import gdb

gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
if "SIGNALS" in os.environ:
    gdb.execute("handle all nostop noprint pass")
gdb.execute(f"break *{os.environ['FUNCTION']}")
gdb.execute("run")
frames = []
frame = gdb.newest_frame()
while frame is not None:
    if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
        text = gdb.execute(f"info symbol {frame.pc()}", to_string=True)
        name, offset = re.match(r"(\S+)(?: \+ (\d+))? in section", text).groups()
        frames.append((name, int(offset or 0)))
    frame = frame.older()
with open(os.environ["TRUTH"], "w") as out:
    json.dump(frames, out)
gdb.execute("kill")
