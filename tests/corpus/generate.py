# SPDX-License-Identifier: GPL-2.0-or-later
"""Random C programs for comparing variables: generate.program(seed) is a text that compiles and ends quickly.

Every variable has a name of its own in its function, is set before main's work begins (the stack is scrubbed
first), and computations are free of undefined behaviour that would let runs differ.
"""
import random

INTS = ["int", "unsigned", "short", "unsigned short", "long", "unsigned long", "long long", "signed char",
        "unsigned char", "enum colour", "_Bool"]

HEAD = """#include <stdint.h>
#include <string.h>
enum colour {{ RED, GREEN = 7, BLUE = 100 }};
struct inner {{ short a; unsigned b; long c; }};
struct record {{ int first; unsigned flag : 3; int small : 7; struct inner in; long table[3]; struct record *next; }};
volatile long sink;
long total = {total};
static int hidden = {hidden};
static struct record shared = {{ {total}, 5, -9, {{ -3, 4, 5 }}, {{ 7, 8, 9 }}, &shared }};
__attribute__((noinline)) void scrub(void) {{ volatile char area[16384]; for (int i = 0; i < 16384; i++) area[i] = 0; }}
"""


class Function:
    """One function: parameters, locals, statements that use them."""

    def __init__(self, number, rng, earlier):
        self.number, self.rng, self.earlier = number, rng, earlier
        self.parameters = [(rng.choice(INTS), f"p{number}_{i}") for i in range(rng.randrange(0, 9))]
        self.by_pointer = rng.random() < 0.5
        self.static = rng.random() < 0.5
        self.inline = self.static and rng.random() < 0.4
        self.scope = [name for _, name in self.parameters]
        self.lines = []
        self.count = 0

    def value(self, depth=0):
        rng = self.rng
        kind = rng.randrange(8)
        if kind < 3 and self.scope:
            return rng.choice(self.scope)
        if kind < 5 or depth > 2:
            return str(rng.randrange(-50, 1000))
        if kind == 5 and self.by_pointer:
            return rng.choice(["r->first", "r->in.a", "(long)r->in.b", "r->table[1]", "r->small"])
        if kind == 6:
            return rng.choice(["total", "hidden", "shared.in.c", "sink"])
        operator = rng.choice(["+", "-", "^", "&", "|"])
        return f"(long)((unsigned long)({self.value(depth + 1)}) {operator} (unsigned long)({self.value(depth + 1)}))"

    def call(self):
        if not self.earlier:
            return "3"
        target = self.rng.choice(self.earlier)
        arguments = [self.value(1) for _ in target.parameters]
        if target.by_pointer:
            arguments.append("&shared" if not self.by_pointer else "r")
        return f"f{target.number}({', '.join(arguments)})"

    def statement(self, indent):
        rng = self.rng
        pad = "\t" * indent
        kind = rng.randrange(9)
        if kind < 3:
            name = f"v{self.number}_{self.count}"
            self.count += 1
            self.lines.append(f"{pad}{rng.choice(INTS)} {name} = {self.value()};")
            self.scope.append(name)
        elif kind == 3:
            self.lines.append(f"{pad}sink += {self.value()};")
        elif kind == 4 and self.scope:
            self.lines.append(f"{pad}{rng.choice(self.scope)} += {self.value()};")
        elif kind == 5 and indent < 3:
            self.block(indent, f"if ({self.value()} > {rng.randrange(300)}) {{")
        elif kind == 6 and indent < 3:
            loop = f"i{self.number}_{self.count}"
            self.count += 1
            self.block(indent, f"for (int {loop} = 0; {loop} < {rng.randrange(1, 4)}; {loop}++) {{")
        elif kind == 7 and indent == 1:
            self.lines.append(f"{pad}sink += {self.call()};")
        else:
            self.lines.append(f"{pad}s{self.number}.in.c += {self.value()}; s{self.number}.small = {rng.randrange(-60, 60)};")

    def block(self, indent, head):
        visible = len(self.scope)
        self.lines.append("\t" * indent + head)
        for _ in range(self.rng.randrange(1, 4)):
            self.statement(indent + 1)
        self.lines.append("\t" * (indent + 1) + "sink ^= 1;")
        self.lines.append("\t" * indent + "}")
        del self.scope[visible:]

    def text(self):
        number = self.number
        parameters = [f"{kind} {name}" for kind, name in self.parameters]
        if self.by_pointer:
            parameters.append("struct record *r")
        attribute = "" if self.inline else "__attribute__((noinline)) "
        self.lines.append(f"\tstruct record s{number} = {{ {number}, 3, {number % 60}, {{ 1, 2, {number} }}, {{ 4, 5, 6 }}, &shared }};")
        for _ in range(self.rng.randrange(4, 12)):
            self.statement(1)
        self.lines.append(f"\tsink += s{number}.first + s{number}.in.c + s{number}.small;")
        result = self.value()
        head = f"{attribute}{'static ' if self.static else ''}long f{number}({', '.join(parameters) or 'void'})\n{{\n"
        return head + "\n".join(self.lines) + f"\n\treturn {result};\n}}\n"


def program(seed):
    rng = random.Random(seed)
    functions = []
    parts = [HEAD.format(total=rng.randrange(100000), hidden=rng.randrange(-1000, 1000))]
    for number in range(rng.randrange(3, 7)):
        function = Function(number, rng, list(functions))
        parts.append(function.text())
        functions.append(function)
    calls = []
    for function in functions:
        arguments = [str(rng.randrange(-100, 5000)) for _ in function.parameters]
        if function.by_pointer:
            arguments.append("&shared")
        calls.append(f"\tsink += f{function.number}({', '.join(arguments)});")
    parts.append("int main(void)\n{\n\tscrub();\n" + "\n".join(calls) + "\n\treturn 0;\n}\n")
    return "\n".join(parts)
