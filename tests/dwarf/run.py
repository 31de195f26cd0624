#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares dbgeval with gdb over a generated corpus, and over the functions of given programs.

  run.py --dbgeval PATH [--seeds N] [--steps N] [--min PERCENT] [--funcs PROGRAM...]

Prints the percentage of agreement and fails below --min.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import gen  # noqa: E402

VARIANTS = [(cc, opt, dw, pie) for cc in ("gcc", "clang") for opt in ("-O0", "-O1", "-O2", "-O3")
            for dw, pie in (("-gdwarf-5", ["-fPIE", "-pie"]), ("-gdwarf-4", ["-fno-pie", "-no-pie"]))]


def ask_gdb(tool, mode, program, steps, show):
    env = dict(os.environ, DBGEVAL=str(tool), MODE=mode, STEPS=str(steps), SHOW=str(show),
               DEBUGINFOD_URLS="")
    r = subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", str(HERE / "gdbside.py"), str(program)],
                       env=env, capture_output=True, text=True, timeout=600)
    diffs = [x for x in r.stdout.splitlines() if x.startswith("DIFF")]
    last = [x for x in r.stdout.splitlines() if x.startswith("RESULT")]
    if not last:
        return 0, 1, [r.stdout[-500:] + r.stderr[-1500:]]
    _, a, t = last[-1].split()
    return int(a), int(t), diffs


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--dbgeval", required=True)
    ap.add_argument("--seeds", type=int, default=4)
    ap.add_argument("--first", type=int, default=1)
    ap.add_argument("--steps", type=int, default=250)
    ap.add_argument("--show", type=int, default=3)
    ap.add_argument("--min", type=float, default=99.9)
    ap.add_argument("--funcs", nargs="*", default=[])
    a = ap.parse_args()
    tool = pathlib.Path(a.dbgeval).resolve()
    failed = False
    agreed = total = 0
    with tempfile.TemporaryDirectory() as d:
        for seed in range(a.first, a.first + a.seeds):
            src = pathlib.Path(d) / f"g{seed}.c"
            src.write_text(gen.program(seed))
            for cc, opt, dw, pie in VARIANTS:
                exe = src.with_suffix(f".{cc}{opt}{dw}")
                subprocess.run([cc, "-w", "-g", opt, dw, *pie, str(src), "-o", str(exe)], check=True)
                ok, n, diffs = ask_gdb(tool, "values", exe, a.steps, a.show)
                agreed += ok
                total += n
                for x in diffs:
                    print(f"seed {seed} {cc} {opt} {dw}: {x}")
    if total:
        percent = 100 * agreed / total
        print(f"variables: {agreed} of {total} agree with gdb: {percent:.3f}%")
        failed |= percent < a.min
    for p in a.funcs:
        ok, n, diffs = ask_gdb(tool, "funcs", p, 0, a.show)
        print("\n".join(diffs))
        print(f"{p}: functions: {ok} of {n} agree with gdb: {100 * ok / n:.3f}%")
        failed |= 100 * ok / n < 99.5
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
