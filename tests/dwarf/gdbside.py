# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside gdb: compares what gdb knows with what dbgeval prints.

  DBGEVAL=path MODE=values STEPS=n gdb -q -batch -x gdbside.py PROGRAM
  DBGEVAL=path MODE=funcs gdb -q -batch -x gdbside.py PROGRAM

The last line is "RESULT agreed total"; lines before it show differences.
"""
import collections
import os
import re
import struct
import subprocess

import gdb

TOOL = os.environ["DBGEVAL"]
PROGRAM = gdb.current_progspace().filename
SHOW = int(os.environ.get("SHOW", "10"))
REGS = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"] + [f"r{i}" for i in range(8, 16)] + ["rip"]
C = {v: getattr(gdb, v) for v in dir(gdb) if v.startswith("TYPE_CODE_")}
agreed = total = shown = 0


def report(ok, what):
    global agreed, total, shown
    total += 1
    agreed += ok
    if not ok and shown < SHOW:
        shown += 1
        print("DIFF", what)


# ---- spelling of types as SystemTap has it ----

def spell_left(t):
    code = t.code
    quals = ""
    u = t.unqualified()
    if t.name and code in (C["TYPE_CODE_PTR"],):
        return t.name
    if str(t) != str(u):
        s = str(t)
        # gdb puts qualifiers of a non-pointer in front, of a pointer behind
        if code == C["TYPE_CODE_PTR"]:
            tail = s.rsplit("*", 1)[1]
        else:
            tail = s[:len(s) - len(str(u))] if s.endswith(str(u)) else s
        for q in ("const", "volatile", "restrict", "_Atomic"):
            if re.search(rf"\b{q}\b", tail):
                quals += " " + q
    return spell_bare(u) + quals


def spell_bare(t):
    code = t.code
    if code == C["TYPE_CODE_PTR"]:
        if t.target().tag == "__va_list_tag":
            return "va_list"
        return spell_left(t.target()) + "*"
    if code == C["TYPE_CODE_ARRAY"]:
        e = t.target()
        while e.code == C["TYPE_CODE_ARRAY"]:
            e = e.target()
        return spell_left(e) + "[]"
    if code == C["TYPE_CODE_FUNC"]:
        return spell(t.target()) + " ("
    if code == C["TYPE_CODE_STRUCT"] and t.name is None:
        return "struct {...}"
    if code in (C["TYPE_CODE_STRUCT"], C["TYPE_CODE_UNION"], C["TYPE_CODE_ENUM"]):
        word = {C["TYPE_CODE_STRUCT"]: "struct", C["TYPE_CODE_UNION"]: "union",
                C["TYPE_CODE_ENUM"]: "enum"}[code]
        return f"{word} {t.tag or '{...}'}"
    return t.name or str(t)


def spell(t):
    f = t
    while f.code in (C["TYPE_CODE_PTR"], C["TYPE_CODE_ARRAY"]):
        f = f.target()
    s = spell_left(t)
    if f.code == C["TYPE_CODE_FUNC"]:
        ps = [spell(x.type) for x in f.fields()]
        text = str(f)
        if text.endswith(", ...)") or text.endswith("(...)"):
            ps.append("...")
        elif not ps:
            ps = ["void"] if text.endswith("(void)") else ["..."]
        s += ") (" + ", ".join(ps) + ")"
    return s


INTWORDS = {"long", "short", "unsigned", "signed", "int", "char"}


def same_type(a, b):
    """gdb says `long` for some of what DWARF calls `long int`."""
    def norm(t):
        words = re.findall(r"\w+|\W", t)
        ints = sorted(w for w in words if w in INTWORDS)
        if len(ints) > 1 and "char" not in ints:
            ints.remove("int") if "int" in ints else None
        return [w for w in words if w not in INTWORDS and w != " "], ints
    return a == b or norm(a) == norm(b)


# ---- values as (bits, mask) ----

def scalar(v, t):
    n = t.sizeof
    if t.code == C["TYPE_CODE_FLT"]:
        if n not in (4, 8):
            raise ValueError("float size")
        return int.from_bytes(struct.pack("<f" if n == 4 else "<d", float(v)), "little")
    return int(v) & ((1 << (8 * n)) - 1)


def bits(v):
    """Value and the mask of bits that are known to matter."""
    t = v.type.strip_typedefs()
    n = t.sizeof
    if t.code in (C["TYPE_CODE_STRUCT"], C["TYPE_CODE_UNION"]):
        val = mask = 0
        for f in t.fields():
            if not hasattr(f, "bitpos"):
                continue
            w = f.bitsize or f.type.sizeof * 8
            part = v[f]
            if f.bitsize:
                pv, pm = int(part) & ((1 << w) - 1), (1 << w) - 1
            else:
                pv, pm = bits(part)
            val = (val & ~(pm << f.bitpos)) | (pv << f.bitpos)
            mask |= pm << f.bitpos
        return val, mask
    if t.code == C["TYPE_CODE_ARRAY"]:
        lo, hi = t.range()
        w = t.target().sizeof * 8
        val = mask = 0
        for i in range(lo, hi + 1):
            pv, pm = bits(v[i])
            val |= pv << (w * (i - lo))
            mask |= pm << (w * (i - lo))
        return val, mask
    return scalar(v, t), (1 << (8 * n)) - 1


def gdb_value(sym, frame):
    """("value", bits, mask) or ("none", why)."""
    try:
        v = sym.value(frame)
        if v.is_optimized_out:
            return ("none", "optimized out")
        if "synthetic pointer" in str(v):
            return ("none", "synthetic pointer")
        return ("value",) + bits(v)
    except gdb.error as e:
        # clang's typed expressions are beyond gdb 13
        return ("skip" if "Incompatible types on DWARF stack" in str(e) else "none", str(e))
    except ValueError as e:
        return ("skip", str(e))


class Server:
    def __init__(self):
        self.p = subprocess.Popen([TOOL, "serve", PROGRAM], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, pid, bias, regs):
        words = " ".join(f"{r & (2**64 - 1):x}" for r in regs)
        self.p.stdin.write(f"at {pid} {bias:x} {words}\n")
        self.p.stdin.flush()
        res = {}
        for line in self.p.stdout:
            line = line.rstrip("\n")
            if line == ".":
                return res
            name, typ, size, val = line.split("|", 3)
            res.setdefault(name, (typ, int(size), val))
        raise RuntimeError("dbgeval died")


def load_bias():
    link = int(subprocess.run([TOOL, "entry", PROGRAM], capture_output=True, text=True).stdout, 16)
    for line in gdb.execute("info files", to_string=True).splitlines():
        m = re.search(r"Entry point: (0x[0-9a-f]+)", line)
        if m:
            return int(m.group(1), 16) - link
    return 0


def compare_stop(server, bias):
    frame = gdb.newest_frame()
    pc = frame.pc()
    block = gdb.block_for_pc(pc)
    if block is None or block.function is None and block.superblock is None:
        return
    regs = [int(frame.read_register(r)) for r in REGS] + [int(frame.read_register("fs_base"))]
    ours = server.ask(gdb.selected_inferior().pid, bias, regs)
    syms = collections.OrderedDict()
    while block is not None and not block.is_global and not block.is_static:
        for s in block:
            # a constant is a variable without location, or an enumerator
            if s.name not in syms and (s.is_variable or s.is_argument or
                                       s.is_constant and s.name in ours):
                syms[s.name] = s
        if block.function is not None:
            break
        block = block.superblock
    where = f"{pc - bias:#x} {frame.name()}"
    for name, s in syms.items():
        theirs = gdb_value(s, frame)
        mine = ours.get(name)
        if theirs[0] == "skip":
            continue
        if mine is None:
            report(theirs[0] == "none", f"{where} {name}: not found; gdb {theirs}")
            continue
        want = spell(s.type)
        report(same_type(mine[0], want), f"{where} {name}: type '{mine[0]}', gdb '{want}'")
        if mine[2].startswith("!"):
            report(theirs[0] == "none", f"{where} {name}: {mine[2]}; gdb {theirs}")
        elif theirs[0] == "none":
            report(False, f"{where} {name}: {mine}; gdb {theirs}")
        else:
            val = int.from_bytes(bytes.fromhex(mine[2]), "little")
            report(val & theirs[2] == theirs[1] & theirs[2],
                   f"{where} {name}: {val & theirs[2]:x}, gdb {theirs[1] & theirs[2]:x}")
    for name in ours:
        if name not in syms and not ours[name][2].startswith("!"):
            report(False, f"{where} {name}: {ours[name]}; unknown to gdb")


def values():
    for c in ("set pagination off", "set confirm off", "set print symbol off", "set startup-with-shell off",
              "set disable-randomization on", "break main"):
        gdb.execute(c, to_string=True)
    gdb.execute("run > /dev/null", to_string=True)
    bias = load_bias()
    server = Server()
    objfile = gdb.lookup_objfile(PROGRAM)
    for i in range(int(os.environ.get("STEPS", "300"))):
        if not gdb.selected_inferior().pid:
            break
        sal = gdb.newest_frame().find_sal()
        if sal.symtab is None or sal.symtab.objfile != objfile:
            break
        compare_stop(server, bias)
        gdb.execute("stepi" if i % 4 else "step", to_string=True)
    try:
        gdb.execute("kill", to_string=True)
    except gdb.error:
        pass


def funcs():
    ours = {}
    for line in subprocess.run([TOOL, "funcs", PROGRAM], capture_output=True,
                               text=True).stdout.splitlines():
        name, file, ln, pc, inl, params = line.split("|", 5)
        if inl == "0":
            ours[(name, os.path.basename(file), int(ln))] = (int(pc, 16), params.strip(), file)
    gdb.execute("set width 0")
    file, seen = None, set()
    text = gdb.execute("info functions -n", to_string=True)
    for line in text.splitlines():
        m = re.match(r"File (.*):$", line)
        if m:
            file = m.group(1)
        m = re.match(r"(\d+):\t(.*)$", line)
        if not m:
            continue
        f = re.search(r"([A-Za-z_][A-Za-z_0-9]*)\(", re.sub(r"\(\*[^)]*\)", "", m.group(2)))
        name = f.group(1) if f else "?"
        key = (name, os.path.basename(file), int(m.group(1)))
        if key in seen:
            continue
        seen.add(key)
        have = ours.get(key)
        if have is None and subprocess.run(["sh", "-c", 'nm "$1" | grep -q " $2[.]part"', "sh",
                                            PROGRAM, name]).returncode == 0:
            continue            # only a part of it has code of its own: not a call
        if have is None:
            report(False, f"{key}: not found by dbgeval")
            continue
        report(have[2].endswith(file), f"{key}: file {have[2]}, gdb {file}")
        block = gdb.block_for_pc(have[0])
        while block is not None and (block.function is None or block.function.name != name):
            block = block.superblock
        if block is None:
            report(False, f"{key}: gdb has no such function at {have[0]:#x}")
            continue
        args = " ".join(f"${s.name}:{spell(s.type)}" for s in block if s.is_argument)
        report(sorted(have[1].split(" $")) == sorted(args.split(" $")) or have[1] == args,
               f"{key}: {have[1]}; gdb {args}")
    for key in ours:
        if key not in seen:
            report(False, f"{key}: unknown to gdb")


values() if os.environ.get("MODE", "values") == "values" else funcs()
print(f"RESULT {agreed} {total}")
