# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls as stap and strace show them, in one run of a command that both watch: the same calls in the same order, and
which arguments that both print are equal.

As a program: straced.py COMMAND... prints the figures and what differs.
"""
import collections
import dataclasses
import re
import sys

from support import SESSION, stap

HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_%d.h"
# Other names of the same bits: strace's, ours.
SYNONYMS = {"AF_UNIX": "AF_LOCAL", "NULL": "0", "AT_STATX_SYNC_AS_STAT": "0"}
SOCKET_CALLS = ("socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown "
                "setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg").split()
IPC_CALLS = "semop semget semctl semtimedop msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl".split()
SCRIPT = """
probe syscall.* {
	if (target_set_pid(pid()) && (execname() != "strace" || $id == 59))
		printf("%d %d %d %s\\n", tid(), $id, __sys_ia32(), argstr)
}
"""


def numbers(bits):
    """Number by name of the calls of an interface."""
    with open(HEADER % bits, encoding="ascii") as f:
        return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)", f.read())}


@dataclasses.dataclass
class Report:
    calls: int = 0              # that strace shows
    same: int = 0               # of them, those that stap shows at the same place
    arguments: int = 0          # that both print
    equal: int = 0
    differences: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def __str__(self):
        return (f"{self.calls} calls, {self.same} the same in the same order; "
                f"{self.arguments} arguments that both print, {self.equal} equal "
                f"({100 * self.equal / max(self.arguments, 1):.2f} %)")


def split(text):
    """The arguments of a call: split at commas outside of quotes and brackets."""
    parts, depth, quoted, word, i = [], 0, False, "", 0
    while i < len(text):
        c = text[i]
        if quoted and c == "\\":
            word += text[i:i + 2]
            i += 2
            continue
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "([{":
            depth += 1
        elif not quoted and c in ")]}":
            depth -= 1
        if c == "," and not depth and not quoted:
            parts.append(word.strip())
            word = ""
        else:
            word += c
        i += 1
    return parts + [word.strip()] if word.strip() or parts else []


def string(text):
    """The bytes of a quoted string, and whether it was cut; None: it is none."""
    m = re.fullmatch(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?', text, re.S)
    if not m:
        return None
    body = re.sub(r"\\u([0-9a-fA-F]{4})", lambda u: chr(int(u[1], 16)), m[1])
    out = bytearray()
    for piece in re.finditer(r"\\([0-7]{1,3}|.)|([^\\])", body, re.S):
        if piece[2]:
            out += piece[2].encode()
        elif piece[1][0] in "01234567":
            out.append(int(piece[1], 8) & 255)
        else:
            out += {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "v": b"\v", "f": b"\f",
                    "e": b"\x1b"}.get(piece[1], piece[1].encode())
    return bytes(out), bool(m[2])


def number(text):
    if re.fullmatch(r"-?(0x[0-9a-f]+|0[0-7]+|\d+)", text):
        sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
        return sign * int(digits, 8 if re.fullmatch("0[0-7]+", digits) else 0)
    return None


def value(text):
    """What an argument says, comparable: a number, or a set of words and bits."""
    text = SYNONYMS.get(text, text)
    if number(text) is not None:
        return number(text)
    words = "|".join(SYNONYMS.get(w.strip(), w.strip()) for w in text.split("|"))
    words = re.sub(r"(FUTEX_\w+)_PRIVATE\b", r"\1|FUTEX_PRIVATE_FLAG", words).split("|")
    return frozenset(number(w) if number(w) is not None else w for w in words) - {0}


def is_text(a):
    return a.startswith(('"', "[", "{"))


def equal(ours, theirs):
    """None: they cannot be compared, as one shows what is behind an address and the other the address."""
    parts = re.findall(r"(\S+) /\* (.*?) \*/", theirs)       # numbers, and their names
    if parts and not is_text(theirs):
        total = sum(number(n) or 0 for n, _ in parts)
        return equal(ours, str(total)) is True or equal(ours, "|".join(w.split(" or ")[0] for _, w in parts)) is True
    a, b = string(ours), string(theirs)
    if a and b:
        cut = a[1] or b[1]
        n = min(len(a[0]), len(b[0])) if cut else max(len(a[0]), len(b[0]))
        return a[0][:n] == b[0][:n]
    if theirs.startswith("[") and ours.startswith("["):
        x, y = split(ours[1:-1]), split(theirs[1:-1])
        return len(x) == len(y) and all(equal(p, q) is not False for p, q in zip(x, y))
    if is_text(theirs) or (is_text(ours) and not a):
        return None
    if a:                               # our string, their address
        return None
    x, y = value(ours), value(theirs)
    if isinstance(x, int) and isinstance(y, int):
        return (x - y) % (1 << 64) == 0 or ((x - y) % (1 << 32) == 0 and min(x, y) < 0)
    return x == y


def parse_strace(text):
    """Calls by thread: (name, arguments), in order."""
    calls, bits = collections.defaultdict(list), {}
    for line in text.splitlines():
        m = re.match(r"(\d+) +(.*)", line)
        if not m:
            continue
        tid, rest = int(m[1]), m[2]
        mode = re.match(r"strace: \[ Process PID=(\d+) runs in (\d+) bit mode. \]", rest) or \
            re.match(r"\[ Process PID=(\d+) runs in (\d+) bit mode. \]", rest)
        if mode:
            bits[int(mode[1])] = int(mode[2])
            continue
        m = re.match(r"(\w+)\((.*)", rest, re.S)
        if m and not rest.startswith(("+++", "---", "<...")):
            body = m[2]
            for end in (" <unfinished ...>",):
                if body.endswith(end):
                    body = body[:-len(end)]
            body = re.sub(r"\)\s*= (\?|-?\d+|0x[0-9a-f]+)[^\"]*$", "", body)
            calls[tid].append((m[1], split(body), bits.get(tid, 64)))
    return calls


def parse_stap(text):
    calls = collections.defaultdict(list)
    for line in text.split("\n"):
        m = re.match(r"(\d+) (-?\d+) (\d) (.*)", line)
        if m:
            calls[int(m[1])].append((int(m[2]), 32 if m[3] == "1" else 64, split(m[4])))
    return calls


def compare(argv, timeout=120):
    """Runs the command under both."""
    out = SESSION / "strace.out"
    command = f"strace -f -q -s 4096 -X verbose -e verbose=none -e 'signal=!all' -o {out} " + " ".join(argv)
    r = stap("-e", SCRIPT, "-s", "16", "-o", SESSION / "stap.out", "-c", command, timeout=timeout)
    assert r.status == 0, r.err
    theirs = parse_strace(out.read_text(encoding="utf-8", errors="replace"))
    ours = parse_stap((SESSION / "stap.out").read_text(encoding="utf-8", errors="replace"))
    names = {bits: numbers(bits) for bits in (32, 64)}
    report = Report()
    for tid, calls in theirs.items():
        mine = ours.get(tid, [])
        # before the program begins, only stap sees what its thread does
        if calls and calls[0][0] == "execve":
            first = next((i for i, c in enumerate(mine) if c[0] == 59), 0)
            mine = mine[first:]
        match(report, calls, mine, names)
    return report


def arranged(name, theirs):
    """What strace prints in another order, or in another unit, as the call has it; None: not comparable."""
    if name == "clone" and any("=" in a for a in theirs):
        named = dict(a.split("=", 1) for a in theirs)
        return [named.get(n) for n in ("flags", "child_stack", "parent_tid", "child_tidptr")]
    if name == "_llseek":               # it joins the halves of the offset
        return theirs[:1]
    if name == "mmap2" and len(theirs) == 6:    # in bytes, not pages
        return theirs[:5] + [hex((number(theirs[5]) or 0) >> 12)]
    return theirs


def match(report, theirs, ours, names):
    """Aligns the calls of one thread; a call that one of them lacks does not shift the rest."""
    k = 0
    for name, arguments, _ in theirs:
        report.calls += 1
        wanted = {(names[bits].get(name), bits) for bits in (32, 64)}
        if name in SOCKET_CALLS:
            wanted.add((names[32]["socketcall"], 32))
        if name in IPC_CALLS:
            wanted.add((names[32]["ipc"], 32))
        found = next((i for i in range(k, min(k + 20, len(ours))) if ours[i][:2] in wanted), None)
        if found is None:
            report.differences[f"{name}: only strace shows it"] += 1
            continue
        for i in range(k, found):
            report.differences[f"number {ours[i][0]}: only stap shows it"] += 1
        report.same += found == k
        k = found + 1
        for i, (a, b) in enumerate(zip(ours[found][2], arranged(name, arguments))):
            same = equal(a, b) if b else None   # what is printed when the call is over, in another line
            if same is None:
                continue
            report.arguments += 1
            report.equal += same
            if not same:
                report.differences[f"{name}: argument {i + 1}: {a} | {b}"] += 1


if __name__ == "__main__":
    result = compare(sys.argv[1:])
    print(result)
    for text, n in result.differences.most_common():
        print(f"{n:6} {text[:200]}")
