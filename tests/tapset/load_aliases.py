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


def load(names, own):
    """The first error, "" if there is none."""
    text = "".join(handler(name, own.get(name, [])) for name in names)
    result = stap("-e", text + "probe begin { exit() }")
    errors = [line for line in result.stderr.splitlines() if re.search("error|failed|cannot|refused", line, re.I)]
    return "" if result.returncode == 0 else (errors or result.stderr.splitlines() or ["no message"])[0]


def absent(names):
    """Whether none of them has a point in this kernel."""
    text = "".join(f"probe {name} ? {{ println(1) }}\n" for name in names)
    result = stap("-p2", "-e", text + "probe begin { exit() }")
    return result.returncode == 0 and re.findall(r"^(.*) /\* <- ", result.stdout, re.M) == ["begin"]


def load_all(names, own):
    """(name, error) of each: many at once if these load."""
    if len(names) == 1 or load(names, own):
        return [(name, load([name], own)) for name in names]
    return [(name, "") for name in names]


def main():
    wanted = sys.argv[1:] or aliases()
    own = variables(sorted({name.split(".")[0] for name in wanted}))
    listed, others = [name for name in wanted if name in own], [name for name in wanted if name not in own]
    groups = [listed[start:start + GROUP] for start in range(0, len(listed), GROUP)]
    found = [pair for group in groups for pair in load_all(group, own)]
    if others:
        found += [(name, "no such point") for name in others] if absent(others) else load_all(others, own)
    for name, error in found:
        print(f"{name}: {error}" if error else f"{name} ok")


main()
