# SPDX-License-Identifier: GPL-2.0-or-later
"""Random C programs full of variables: structs, bitfields, unions, arrays, enums, pointers, floats,
TLS, statics, inline functions, loops and nested blocks.  Deterministic by seed; no undefined behaviour,
no library calls but at the end."""
import random

PRELUDE = r"""
#include <stdint.h>
struct point { int x, y; };
struct bits { unsigned a : 3; int b : 5; unsigned long c : 33; signed char d : 4; _Bool e : 1; };
struct node { struct node *next; long key; const char *name; struct point at; unsigned char tag; };
union any { int i; unsigned u; float f; char c[8]; struct point p; };
struct mix { char c; short s; union { int in; float fl; }; struct { long l1; int l2; } sub; int arr[3];
	     enum { MA, MB = 7, MC } kind; };
enum color { RED = -1, GREEN, BLUE = 100 };
enum flags { F1 = 1, F2 = 2, F4 = 4 };
typedef unsigned long word_t;
typedef struct node node_t;
typedef int (*op_t)(int, int);
volatile long sink;
static __thread int tls_a = 11;
__thread struct point tls_p = { 1, 2 };
static int file_static = 5;
int global_int = 6;
const char *const names[4] = { "zero", "one", "two", "three" };
struct mix global_mix = { 'q', -3, { 9 }, { 123456789012L, 4 }, { 1, 2, 3 }, MB };
static int op_add(int a, int b) { int r = a + b; return r; }
static int op_mul(int a, int b) { int r = a * (b & 15); return r; }
"""

SCALARS = ["int", "unsigned", "long", "unsigned long", "short", "unsigned short", "char", "signed char",
           "unsigned char", "_Bool", "word_t", "long long", "int64_t", "uint8_t"]
OTHERS = ["double", "float", "enum color", "enum flags"]
STRUCTS = ["struct point", "struct bits", "struct mix", "union any", "node_t"]
POINTERS = ["struct node *", "const char *", "int *", "void *", "struct point *", "op_t"]


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.out = []
        self.n = 0
        self.funcs = []     # (name, [types])

    def name(self, p="v"):
        self.n += 1
        return f"{p}{self.n}"

    def typ(self):
        return self.r.choice(SCALARS * 2 + OTHERS + STRUCTS + POINTERS)

    def ints(self, env):
        """Expressions of integer type made from what is in scope."""
        res = ["tls_a", "file_static", "global_int", "tls_p.y", "global_mix.sub.l2",
               str(self.r.randint(-50, 1000))]
        for n, t in env:
            if t in SCALARS:
                res += [n, n]
            elif t in ("double", "float"):
                res.append(f"(int){n}")
            elif t.startswith("enum"):
                res.append(f"(int){n}")
            elif t == "struct point":
                res.append(f"{n}.x")
            elif t == "struct bits":
                res += [f"{n}.a", f"{n}.b"]
            elif t == "struct mix":
                res += [f"{n}.s", f"{n}.arr[1]", f"{n}.sub.l1"]
            elif t == "union any":
                res.append(f"{n}.u")
            elif t == "node_t":
                res.append(f"{n}.key")
            elif t == "struct node *":
                res.append(f"{n}->key")
            elif t == "const char *":
                res.append(f"{n}[0]")
            elif t == "int *":
                res.append(f"*{n}")
            elif t == "struct point *":
                res.append(f"{n}->y")
            elif t == "op_t":
                res.append(f"{n}(1, 2)")
            elif t == "int[]":
                res += [f"{n}[2]", f"{n}[(unsigned){self.r.randint(0, 9)} % 4]"]
            elif t == "int[][]":
                res.append(f"{n}[1][{self.r.randint(0, 2)}]")
        return res

    def expr(self, env):
        e = self.ints(env)
        a, b = self.r.choice(e), self.r.choice(e)
        return self.r.choice([
            f"(long)((unsigned long){a} + (unsigned long){b})",
            f"(long)((unsigned long){a} - (unsigned long){b})",
            f"(long)({a} ^ {b})", f"(long)({a} & 0xff)",
            f"(long)((unsigned)({a}) >> {self.r.randint(1, 7)})",
            f"({a} < {b})", f"(long){a}",
            f"(long)((unsigned long){a} * {self.r.randint(2, 9)}u)",
            f"(long)((unsigned){a} % {self.r.randint(3, 40)}u)"])

    def value(self, t, env):
        ofs = [n for n, ty in env if ty == t]
        if ofs and self.r.random() < 0.3:
            return self.r.choice(ofs)
        e = self.expr(env)
        if t in SCALARS:
            return f"({t}){e}"
        if t in ("double", "float"):
            return f"({t})({e} % 1000) / 4"
        if t == "enum color":
            return self.r.choice(["RED", "GREEN", "BLUE"])
        if t == "enum flags":
            return f"(enum flags)({e} & 7)"
        if t == "struct point":
            return f"(struct point){{ (int)({e} & 0xffff), {self.r.randint(0, 99)} }}"
        if t == "struct bits":
            return (f"(struct bits){{ (unsigned){e} & 7, {self.r.randint(-16, 15)}, "
                    f"(unsigned long){e} & 0x1ffffffffUL, {self.r.randint(-8, 7)}, {e} & 1 }}")
        if t == "struct mix":
            return (f"(struct mix){{ 'a', (short)({e} & 0x7fff), {{ 3 }}, {{ {e}, 5 }}, "
                    f"{{ 7, 8, 9 }}, MC }}")
        if t == "union any":
            return f"(union any){{ .u = (unsigned){e} }}"
        if t == "node_t":
            return f"(node_t){{ &global_node, {e}, names[1], {{ 1, 2 }}, 'n' }}"
        return {"struct node *": "&global_node", "const char *": f"names[(unsigned long){e} & 3]",
                "int *": "&global_int", "void *": "(void *)&global_mix",
                "struct point *": "&global_node.at",
                "op_t": self.r.choice(["op_add", "op_mul"])}[t]

    def stmts(self, env, depth, budget, ind):
        pad = "\t" * ind
        env = list(env)
        for _ in range(budget):
            k = self.r.random()
            if k < 0.40:
                t, n = self.typ(), self.name()
                st = "static " if self.r.random() < 0.06 and t in SCALARS else ""
                if st:
                    self.out.append(f"{pad}static {t} {n} = {self.r.randint(0, 99)};")
                    self.out.append(f"{pad}{n} += 1;")
                else:
                    self.out.append(f"{pad}{t} {n} = {self.value(t, env)};")
                env.append((n, t))
            elif k < 0.46:
                n = self.name("arr")
                if self.r.random() < 0.6:
                    self.out.append(f"{pad}int {n}[4] = {{ (int)({self.expr(env)} & 255), 2, 3, 4 }};")
                    env.append((n, "int[]"))
                else:
                    self.out.append(f"{pad}int {n}[2][3] = {{ {{ 1, 2, 3 }}, {{ (int)({self.expr(env)} & 63) }} }};")
                    env.append((n, "int[][]"))
            elif k < 0.58:
                ts = [(n, t) for n, t in env if t in SCALARS and not n.startswith("i")]
                if ts:
                    n, t = self.r.choice(ts)
                    self.out.append(f"{pad}{n} = ({t}){self.expr(env)};")
            elif k < 0.66:
                self.out.append(f"{pad}sink += {self.expr(env)};")
            elif k < 0.74 and self.funcs:
                f, ts = self.r.choice(self.funcs)
                n = self.name("res")
                args = ", ".join(self.value(t, env) for t in ts)
                self.out.append(f"{pad}long {n} = {f}({args});")
                env.append((n, "long"))
            elif k < 0.82 and depth < 3:
                i = self.name("i")
                self.out.append(f"{pad}for (int {i} = 0; {i} < {self.r.randint(2, 3)}; {i}++) {{")
                self.stmts(env + [(i, "int")], depth + 1, self.r.randint(1, 3), ind + 1)
                self.out.append(pad + "}")
            elif k < 0.92 and depth < 3:
                self.out.append(f"{pad}if ({self.expr(env)} & 1) {{")
                self.stmts(env, depth + 1, self.r.randint(1, 3), ind + 1)
                if self.r.random() < 0.5:
                    self.out.append(pad + "} else {")
                    self.stmts(env, depth + 1, self.r.randint(1, 2), ind + 1)
                self.out.append(pad + "}")
            else:
                self.out.append(f"{pad}sink ^= {self.expr(env)};")
        return env

    def function(self, n):
        ts = [self.typ() for _ in range(self.r.randint(1, 8))]
        ps = [(self.name("p"), t) for t in ts]
        kind = self.r.choice(["static ", "static ", "", "static inline ",
                              "static __attribute__((noinline)) ",
                              "static inline __attribute__((always_inline)) "])
        sig = ", ".join(f"{t}{'' if t.endswith('*') else ' '}{p}" for p, t in ps)
        self.out.append(f"{kind}long {n}({sig})\n{{")
        env = self.stmts(ps, 0, self.r.randint(3, 9), 1)
        self.out.append(f"\treturn {self.expr(env)};\n}}\n")
        self.funcs.append((n, ts))

    def program(self):
        self.out = [PRELUDE, "static struct node global_node = { 0, 77, \"gn\", { 3, 4 }, 't' };"]
        for i in range(6):
            self.function(f"fn{i}")
        self.out.append("int main(int argc, char **argv)\n{")
        self.out.append("\tglobal_node.next = &global_node;\n\tnode_t *self = global_node.next;")
        env = self.stmts([("argc", "int"), ("self", "struct node *")], 0, 10, 1)
        self.out.append(f"\tsink += {self.expr(env)};\n\treturn 0;\n}}")
        return "\n".join(self.out) + "\n"


def program(seed):
    return Gen(seed).program()


if __name__ == "__main__":
    import sys
    print(program(int(sys.argv[1])))
