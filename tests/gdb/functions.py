# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb on a program: its functions as JSON lines into $TRUTH: name, file, line, [[parameter, type], ...]."""
import json
import os
import re

import gdb

out = open(os.environ["TRUTH"], "w")
gdb.execute("set pagination off")
listing = gdb.execute("info functions -q", to_string=True).split("Non-debugging symbols:")[0]
file = None
for line in listing.splitlines():
    if line.startswith("File "):
        file = line[5:-1]
        continue
    match = re.match(r"(\d+):\s.*?(\w+)\(", line)
    if not match:
        continue
    number, name = int(match.group(1)), match.group(2)
    symbols = [s for s in gdb.lookup_static_symbols(name) if s.is_function] or \
        [s for s in [gdb.lookup_global_symbol(name)] if s]
    for symbol in symbols:
        if symbol.line != number:
            continue
        block = gdb.block_for_pc(int(symbol.value().address))
        while str(block.function) != name and block.superblock:
            block = block.superblock
        parameters = [(s.name, str(s.type)) for s in block if s.is_argument]
        out.write(json.dumps([name, file, number, parameters]) + "\n")
out.close()
