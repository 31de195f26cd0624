#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads every probe alias of the kernel's part of the library and says which ones this kernel takes.

usage: load_aliases.py [ALIAS...]

Each handler uses all variables that -L shows for its alias, so that nothing of it is left out. A line per
alias: "NAME ok", or "NAME: " and the first error. STAP names the command.
"""
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
STAP = os.environ.get("STAP", TOP / "build" / "src" / "cli" / "stap")
GROUP = 20


def stap(*arguments):
    return subprocess.run([STAP, *arguments], capture_output=True, text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL)


def aliases():
    """The public aliases of tapset/kernel, from its source: they are there whether the kernel has them or not."""
    names = []
    for source in sorted((TOP / "tapset" / "kernel").glob("*.stp")):
        names += re.findall(r"^probe ((?!_)[\w.]+) \+?=", source.read_text(encoding="utf-8"), re.M)
    return [name for name in names if not name.startswith("netfilter.")]


def variables(families):
    """Of each alias, its own ones as -L shows them."""
    found = {}
    for family in families:
        for line in stap("-L", f"{family}.**").stdout.splitlines():
            name, *rest = re.sub(r" \$.*", "", line).split(" ")
            found[name] = [word.split(":")[0] for word in rest if ":" in word]
    return found


def handler(name, own):
    uses = " ".join(f"println({variable})" for variable in own)
    return f"probe {name} {{ if (target() == 1) {{ {uses} }} }}\n"


def script(names, own):
    """A line for each alias."""
    return "".join(handler(name, own.get(name, [])) for name in names)


def errors_of(result):
    return [line for line in result.stderr.splitlines() if re.match(r"(?!\s).*(error|failed|cannot|refused)", line,
                                                                    re.I)]


def refused(names, own):
    """The aliases that the compiler refuses, all at once by the lines that its errors name, with the first error of each."""
    found = {}
    while True:
        left = [name for name in names if name not in found]
        result = stap("-v", "-p2", "-e", script(left, own))
        first, new, file = None, {}, "<input>"
        for line in re.findall("(?m)^.*error: .*", result.stderr):
            first = first or (line if "error: no match" not in line else None)
            place = re.search(r" at ([^\s:]*):(\d+):\d+", line)
            if not place:
                continue
            file = place[1] or file     # none: that of the message before
            if file == "<input>":
                new.setdefault(left[int(place[2]) - 1], first)
                first = None
        if not new:     # what else is wrong shows when they are loaded
            return found
        found.update(new)


def load(names, own):
    """The first error, "" if there is none."""
    result = stap("-e", script(names, own) + "probe begin { exit() }")
    return "" if result.returncode == 0 else (errors_of(result) or result.stderr.splitlines() or ["no message"])[0]


def load_all(names, own):
    """(name, error) of each: many at once if these load."""
    if len(names) == 1 or load(names, own):
        return [(name, load([name], own)) for name in names]
    return [(name, "") for name in names]


def main():
    wanted = sys.argv[1:] or aliases()
    own = variables(sorted({name.split(".")[0] for name in wanted}))
    errors = refused(wanted, own)
    rest = [name for name in wanted if name not in errors]
    for start in range(0, len(rest), GROUP):
        errors.update(load_all(rest[start:start + GROUP], own))
    for name in wanted:
        print(f"{name}: {errors[name]}" if errors[name] else f"{name} ok")


main()
