# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb: stops at each address of $POINTS and writes what every variable in scope holds.

One JSON line a stop into $TRUTH: [address, {name: number or null (not available)}, {structure: text}].
Numbers are taken as SystemTap's $$vars takes them: 64 bits, sign-extended from their type.
"""
import json
import os

import gdb

out = open(os.environ["TRUTH"], "w")
points = [int(word, 16) for word in open(os.environ["POINTS"]).read().split()]
LIMIT = int(os.environ.get("LIMIT", "3000"))
INTEGRAL = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_PTR)


def number(value):
    return int(value) & 0xffffffffffffffff


def text(value):
    """A structure as $x$$ shows it."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_STRUCT:
        return "{" + ", ".join(f".{f.name}={text(value[f])}" for f in kind.fields()) + "}"
    if kind.code == gdb.TYPE_CODE_ARRAY:
        return f"[{int(value[0])}, ...]"
    if kind.code == gdb.TYPE_CODE_PTR:
        return f"{int(value):#x}"
    return str(int(value))


def variables(frame):
    numbers, structures = {}, {}
    block = frame.block()
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument) or symbol.name in numbers or symbol.name in structures:
                continue
            kind = symbol.type.strip_typedefs()
            try:
                value = symbol.value(frame)
                if kind.code in INTEGRAL:
                    numbers[symbol.name] = None if value.is_optimized_out else number(value)
                elif kind.code == gdb.TYPE_CODE_STRUCT:
                    structures[symbol.name] = None if value.is_optimized_out else text(value)
            except gdb.error:
                (numbers if kind.code in INTEGRAL else structures)[symbol.name] = None
        if block.function is not None:
            break
        block = block.superblock
    return numbers, structures


class Stop(gdb.Breakpoint):
    seen = 0

    def stop(self):
        frame = gdb.newest_frame()
        numbers, structures = variables(frame)
        out.write(json.dumps([frame.pc(), numbers, structures]) + "\n")
        Stop.seen += 1
        return Stop.seen >= LIMIT


gdb.execute("set pagination off")
gdb.execute("set exec-wrapper env -i")
for point in points:
    Stop(f"*{point:#x}")
gdb.execute("run")
out.close()
