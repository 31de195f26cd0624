#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles the scripts of a directory of examples, such as those that come with SystemTap, and says which fail.

usage: examples.py [-p PASS] [-k REGEX] [DIRECTORY]

A script NAME.stp is compiled with the arguments of the line "test_check: stap ..." of NAME.meta beside it, or
without any. A line per script: its path, "ok" or the first error. The last line has the sums. STAP names
the command; the default directory is /usr/share/systemtap/examples.
"""
import argparse
import os
import pathlib
import re
import shlex
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent
STAP = os.environ.get("STAP", TOP / "build" / "src" / "cli" / "stap")
SECONDS = 60


def arguments(script):
    """What comes after "stap" in the check of an example."""
    meta = script.with_suffix(".meta")
    text = meta.read_text(encoding="utf-8", errors="replace") if meta.exists() else ""
    check = re.search(r"^test_check: *stap (.*)$", text, re.M)
    return shlex.split(check.group(1)) if check else [script.name]


def verdict(script, last_pass):
    given = [word for word in arguments(script) if not re.fullmatch(r"-p\d", word)]
    given = [word.replace("-wp4", "-w") for word in given]
    try:
        result = subprocess.run([STAP, f"-p{last_pass}", *given], cwd=script.parent, capture_output=True, text=True,
                                errors="replace", timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    if result.returncode == 0:
        return "ok"
    errors = [line for line in result.stderr.splitlines() if re.search("error", line, re.I)]
    return (errors or result.stderr.splitlines() or [f"status {result.returncode}"])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-p", dest="last_pass", type=int, default=2, help="last pass (default: 2)")
    parser.add_argument("-k", dest="only", default="", help="only paths that match this")
    parser.add_argument("directory", type=pathlib.Path, nargs="?", default="/usr/share/systemtap/examples")
    options = parser.parse_args()
    scripts = [s for s in sorted(options.directory.rglob("*.stp"))
               if "tapset" not in s.parent.name and re.search(options.only, str(s))]
    good = 0
    for script in scripts:
        said = verdict(script, options.last_pass)
        good += said == "ok"
        print(f"{script.relative_to(options.directory)}: {said}", flush=True)
    print(f"{good} of {len(scripts)} compile")


main()
