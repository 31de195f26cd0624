# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums JUnit result files: summary.py NAME=FILE...

Lists failures and the reasons of skips, then prints "N passed, N failed, N skipped".
A file that is missing or unreadable counts as one failure: a suite or a step that left no results.
Exit status 1 if anything failed or nothing passed.
"""
import sys
import xml.etree.ElementTree as ET


def cases(path):
    """(name, outcome, reason) of each test case of a JUnit file; the one in which pytest was interrupted has no name."""
    for case in filter(lambda case: case.get("name"), ET.parse(path).getroot().iter("testcase")):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
        failed = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if failed is not None:
            yield name, "failed", (failed.get("message") or "").split("\n")[0]
        elif skipped is not None:
            yield name, "skipped", skipped.get("message") or ""
        else:
            yield name, "passed", ""


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for argument in sys.argv[1:]:
        suite, path = argument.split("=", 1)
        try:
            found = list(cases(path))
        except (OSError, ET.ParseError) as error:
            found = [(suite, "failed", f"left no results: {error}")]
        if not found:
            found = [(suite, "failed", "ran no test")]
        for name, outcome, reason in found:
            count[outcome] += 1
            if outcome != "passed":
                print(f"{outcome}: {suite}: {name}: {reason}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main())
