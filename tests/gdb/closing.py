# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb, attached to an nginx worker: what stands in each connection at ngx_close_connection.

Writes one JSON object per hit to the file named by $TRUTH: number, fd, action, destroyed, and the
frames as (function, offset in it), without inlined and tail-called ones, which have no frame of their own.
"""
import json
import os

import gdb

out = open(os.environ["TRUTH"], "w")


def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            name = frame.name()
            start = int(gdb.parse_and_eval(f"(long)&'{name}'")) if name else 0
            yield name, frame.pc() - start
        frame = frame.older()


class Closing(gdb.Breakpoint):
    def stop(self):
        c = gdb.parse_and_eval("(ngx_connection_t *)$rdi")
        action = c["log"]["action"]
        record = {"number": int(c["number"]), "fd": int(c["fd"]), "destroyed": int(c["destroyed"]),
                  "action": action.string() if int(action) else None, "frames": list(frames())}
        out.write(json.dumps(record) + "\n")
        out.flush()
        return False


gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
Closing("*ngx_close_connection")
print("armed", flush=True)
gdb.execute("continue")
