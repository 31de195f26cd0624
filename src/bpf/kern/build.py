#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles the BPF routines in every variant and writes the objects as one C file, and what it
depends on as a makefile's rule.

usage: build.py CLANG INCLUDE OUTPUT DEPFILE SOURCE...
"""
import os
import subprocess
import sys
import tempfile

# (log2 of the slot's memory, largest string bound), smallest first
VARIANTS = [(15, 512), (17, 512), (20, 512), (18, 2048), (21, 8192)]
FLAGS = ["-target", "bpf", "-mcpu=v3", "-O2", "-std=gnu11", "-ffreestanding", "-ffunction-sections", "-Wall", "-Werror",
         "-Wno-unused-function", "-Wno-compare-distinct-pointer-types", "-c"]


def compile_one(clang, include, source, shift, bound, out):
    """The object, and the files read for it."""
    subprocess.run([clang, *FLAGS, "-I", include, f"-DRT_MEM_SHIFT={shift}", f"-DRT_STR_MAX={bound}",
                    "-MD", "-MF", out + ".d", source, "-o", out], check=True)
    with open(out, "rb") as f:
        code = f.read()
    with open(out + ".d", encoding="utf-8") as f:
        return code, f.read().replace("\\\n", " ").split(":", 1)[1].split()


def main():
    clang, include, output, depfile, *sources = sys.argv[1:]
    lines = ["/* Made by kern/build.py. */", '#include "bpf/routines.h"', ""]
    rows = []
    read = {os.path.realpath(__file__)}
    with tempfile.TemporaryDirectory() as tmp:
        for v, (shift, bound) in enumerate(VARIANTS):
            for s, source in enumerate(sources):
                code, files = compile_one(clang, include, source, shift, bound, os.path.join(tmp, "o"))
                read.update(files)
                lines.append(f"static const unsigned char object_{v}_{s}[] __attribute__((aligned(8))) = {{")
                lines += [",".join(map(str, code[i:i + 32])) + "," for i in range(0, len(code), 32)]
                lines.append("};")
            lines.append(f"static const struct routine_object objects_{v}[] = {{")
            lines += [f"\t{{ object_{v}_{s}, sizeof(object_{v}_{s}) }}," for s in range(len(sources))]
            lines += ["\t{ NULL, 0 }", "};"]
            rows.append(f"\t{{ {shift}, {bound}, objects_{v} }},")
    lines += ["const struct routine_variant routine_variants[] = {", *rows, "\t{ 0, 0, NULL }", "};", ""]
    with open(output, "w", encoding="ascii") as f:
        f.write("\n".join(lines))
    with open(depfile, "w", encoding="utf-8") as f:
        f.write(f"{output}: {' '.join(sorted(read))}\n")


if __name__ == "__main__":
    main()
