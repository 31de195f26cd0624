# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions, statements and functions, run by a begin handler: a script prints what it should."""
import pytest

from support import script

I64MAX = 2**63 - 1
I64MIN = -2**63

EXPRESSIONS = [
    # arithmetic as in C on 64 bits
    ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("10 - 4 - 3", "3"), ("7 / 2", "3"), ("-7 / 2", "-3"),
    ("7 % 3", "1"), ("-7 % 3", "-1"), ("7 % -3", "1"),
    ("9223372036854775807 + 1", str(I64MIN)), ("0xffffffffffffffff", "-1"), ("0x10 + 010", "24"),
    ("1 << 40", str(1 << 40)), ("-16 >> 2", "-4"), ("5 & 3", "1"), ("5 | 3", "7"), ("5 ^ 3", "6"),
    ("~0", "-1"), ("!5", "0"), ("!0", "1"), ("-(-3)", "3"), ("+4", "4"),
    ("1 + 2 << 3", "24"), ("1 | 2 ^ 3 & 4", "3"), ("2 < 3 == 1", "1"),
    # comparison and logic
    ("3 < 5", "1"), ("5 <= 5", "1"), ("-1 < 0", "1"), ("5 > 3 && 2 > 1", "1"), ("0 || 0", "0"),
    ("0 || 7", "1"), ("1 && 0", "0"), ('"abc" < "abd"', "1"), ('"abc" == "abc"', "1"),
    ('"abc" != "abc"', "0"), ('"b" > "abc"', "1"), ('"a" <= "a"', "1"),
    ("-9223372036854775808 < 9223372036854775807", "1"),
    # ternary
    ("1 ? 2 : 3", "2"), ("0 ? 2 : 1 ? 5 : 6", "5"), ('0 ? "a" : "b"', "b"),
    # strings
    ('"a" . "b" . "c"', "abc"), ('"a" "b"', "ab"), ('"tab\\tquote\\"\\x41\\101"', 'tab\tquote"AA'),
    # regular expressions
    ('"hello" =~ "l+o$"', "1"), ('"hello" !~ "^x"', "1"), ('"hello" =~ "^(he|ho)[^xyz]{2}o"', "1"),
    ('"hello" =~ "L"', "0"), ('"a.b" =~ "a\\\\.b"', "1"), ('"axb" =~ "a\\\\.b"', "0"),
    ('"x" =~ "^[[:alpha:]]$"', "1"), ('"" =~ "^$"', "1"),
]


@pytest.mark.parametrize("expression,value", EXPRESSIONS)
def test_expression(expression, value):
    assert script(f"probe oneshot {{ println({expression}) }}").ok().out == value + "\n"


def test_expressions_are_evaluated_at_run_time_too():
    """The same operators on values that constant folding cannot see."""
    text = """
        global a = 7, b = 3, m = -7, s = "abc"
        probe oneshot {
            a += 0; b += 0; m += 0; s .= ""
            println(a + b, " ", a - b, " ", a * b, " ", a / b, " ", m / b, " ", a % b, " ", m % b)
            println(a << b, " ", m >> 1, " ", a & b, " ", a | b, " ", a ^ b, " ", ~a, " ", !a)
            println(a < b, a <= b, a > b, a >= b, a == b, a != b, m < b, a && 0, 0 || b)
            println(s < "abd", s <= "abc", s > "ab", s >= "b", s == "abc", s != "abc", " ", s . "d")
        }"""
    assert script(text).ok().lines == ["10 4 21 2 -2 1 -1", "56 -4 3 7 4 -8 0", "001101101",
                                       "111010 abcd"]


STATEMENTS = [
    # assignment operators and increments
    ('x = 5; x += 2; x -= 1; x *= 4; x /= 3; x %= 5; println(x)', "3\n"),
    ('x = 6; x <<= 2; x >>= 1; x |= 1; x &= 0xf; x ^= 3; println(x)', "14\n"),
    ('x = 5; println(x++, " ", x, " ", ++x, " ", x--, " ", --x)', "5 6 7 7 5\n"),
    ('s = "a"; s .= "b"; s .= "c"; println(s)', "abc\n"),
    ('x = y = 4; println(x + y)', "8\n"),
    # control flow
    ('if (0) println("a"); else if (1) println("b"); else println("c")', "b\n"),
    ('i = 0; while (i < 3) { print(i); i++ } println()', "012\n"),
    ('for (i = 0; i < 10; i++) { if (i == 2) continue; if (i == 5) break; print(i) } println()', "0134\n"),
    ('for (;;) { if (++n > 3) break } println(n)', "4\n"),
    ('for (i = 0; i < 2; i++) for (j = 0; j < 2; j++) { if (j) break; print(i, j, " ") } println()',
     "00 10 \n"),
    ('if (1) { println("a"); exit(); next } println("b")', "a\n"),
    ('if (1) ; println("empty")', "empty\n"),
    ('{ { println("block") } }', "block\n"),
    # short circuit
    ('x = 0; if (0 && x++) ; if (1 || x++) ; if (1 && x++) ; println(x)', "1\n"),
    # error handling
    ('try { error("boom") println("no") } catch (e) { println("caught " . e) }', None),
    ('try { println(1 / (x + 0)) } catch { println("caught") }', "caught\n"),
    ('try { try { error("in") } catch { error("out") } } catch (e) { println(substr(e, 0, 3)) }', "out\n"),
    ('try { println("fine") } catch { println("no") } println("on")', "fine\non\n"),
]


@pytest.mark.parametrize("body,output", STATEMENTS)
def test_statement(body, output):
    result = script(f"probe oneshot {{ {body} }}").ok()
    if output is None:
        assert result.out.startswith("caught boom")
    else:
        assert result.out == output


PROGRAMS = {
    "function": ('function add(a, b) { return a + b } probe oneshot { println(add(2, 3)) }', "5\n"),
    "typed function": ('function f:string(n:long) { return sprint(n) . "!" } probe oneshot { println(f(4)) }',
                       "4!\n"),
    "no return": ('function f() { println("in f") } probe oneshot { f() println("out") }', "in f\nout\n"),
    "implicit return": ('function f(x) { if (x) return 5 } probe oneshot { println(f(1), f(0)) }', "50\n"),
    "recursion": ('function fact(n) { return n < 2 ? 1 : n * fact(n - 1) } probe oneshot { println(fact(5)) }',
                  "120\n"),
    "mutual recursion": ('function even(n) { return n == 0 ? 1 : odd(n - 1) } '
                         'function odd(n) { return n == 0 ? 0 : even(n - 1) } '
                         'probe oneshot { println(even(6), odd(6)) }', "10\n"),
    "string recursion": ('function r(s, n) { if (n == 0) return s; return r(s . "x", n - 1) } '
                         'probe oneshot { println(r("a", 4)) }', "axxxx\n"),
    "overload by arity": ('function g() { return 0 } function g(x) { return 1 } function g(x, y) { return 2 } '
                          'probe oneshot { println(g(), g(1), g(1, 2)) }', "012\n"),
    "overload by next": ('function f(x) { if (x > 10) next; println("small") } function f(x) { println("big") } '
                         'probe oneshot { f(1) f(20) }', "small\nbig\n"),
    "overload priority": ('function f():3 { println("third") } function f():1 { println("first") } '
                          'probe oneshot { f() }', "first\n"),
    "parameters are copies": ('function f(x) { x = 9; return x } probe oneshot { y = 1; f(y); println(y) }',
                              "1\n"),
    "locals are fresh": ('function f() { n++; return n } probe oneshot { println(f(), f()) }', "11\n"),
    "globals": ('global a = 5, s = "str", n probe oneshot { n++; println(a, s, n) a = 7; println(a) }',
                "5str1\n7\n"),
    "globals shared": ('global n function bump() { n += 2 } probe begin(1) { bump() } '
                       'probe begin(2) { bump() println(n) exit() }', "4\n"),
    "comments": ('# one\n// two\n/* three\n */ probe oneshot /* in */ { println("x") # end\n }', "x\n"),
    "alias": ('probe foo = begin { x = 3 } probe foo { println(x) exit() }', "3\n"),
    "alias epilogue": ('probe foo += begin { println("after ", x) } probe foo { x = 4; println("body") exit() }',
                       "body\nafter 4\n"),
    "alias both": ('probe foo = begin { x = 1 }, { println("epilogue ", x) } '
                   'probe foo { x += 1; exit() }', "epilogue 2\n"),
    "alias dotted": ('probe a.b.c = begin { v = "v" } probe a.b.* { println(v) exit() }', "v\n"),
    "alias next": ('probe foo = begin { if (1) { exit(); next } } probe foo { println("no") }', ""),
    "braces": ('probe a.x = begin(1) { n = "x" } probe a.y = begin(2) { n = "y" } '
               'probe a.{x,y} { println(n) exit() }', "x\n"),
    "optional": ('probe no.such.probe ?, begin { println("ran") exit() }', "ran\n"),
    "sufficient": ('probe begin(1) !, begin(2) { println("once") } probe begin(3) { exit() }', "once\n"),
    "condition false": ('global on = 0 probe begin if (on) { println("no") } probe begin(9) { exit() }', ""),
    "condition true": ('global on = 1 probe begin if (on) { println("yes") } probe begin(9) { exit() }', "yes\n"),
    "macro": ('@define twice(x) %( ((@x) * 2) %) @define text %( "t" %) '
              'probe oneshot { println(@twice(1 + 2), @text) }', "6t\n"),
    "macro in macro": ('@define a %( 1 %) @define b(x) %( (@a + @x) %) probe oneshot { println(@b(@a)) }', "2\n"),
    "conditional": ('probe oneshot { println(%( arch == "x86_64" %? "yes" %: "no" %)) }', "yes\n"),
    "conditional version": ('probe oneshot { println(%( kernel_v >= "2.6.30" %? 1 %: 0 %), '
                            '%( kernel_v < "2.6.30" %? 1 %: 0 %)) }', "10\n"),
    "conditional systemtap": ('probe oneshot { println(%( systemtap_v >= "1.8" %? 1 %: 0 %)) }', "1\n"),
    "conditional numbers": ('probe oneshot { println(%( 1 < 2 && "a" != "b" %? "t" %: "f" %)) }', "t\n"),
    "conditional nested": ('probe oneshot { println(%( 1 == 1 %? %( 2 == 3 %? 1 %: 2 %) %: 3 %)) }', "2\n"),
    "matched": ('probe oneshot { if ("an example string" =~ "str(ing)") '
                'println(matched(0), "|", matched(1), "|", ngroups()) }', "string|ing|2\n"),
    "define choose": ('probe oneshot { println(@choose_defined($nothing, 4)) }', "4\n"),
    "unused function is not elaborated": ('function f() { return nosuch() } probe oneshot { println(1) }', None),
    "delete scalar": ('global n = 4, s = "x" probe oneshot { delete n; delete s; println(n, "[", s, "]") }',
                      "0[]\n"),
    "private": ('private global p = 3 private function f() { return p } probe oneshot { println(f()) }', "3\n"),
    "string doubles": ('probe oneshot { s = "0123456789abcdef"; for (i = 0; i < 4; i++) s .= s; '
                      'println(strlen(s)) }', "256\n"),
    "string is cut": ('probe oneshot { s = "0123456789abcdef"; for (i = 0; i < 7; i++) s .= s; '
                      'println(strlen(s)) }', "511\n"),
    "keywords in names": ('probe oneshot { foreach_x = 1; iffy = 2; println(foreach_x + iffy) }', "3\n"),
    "dollar names": ('probe oneshot { a$b = 2; println(a$b) }', "2\n"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    text, output = PROGRAMS[name]
    if output is None:
        assert "unresolved function" in script(text).failed().err
    else:
        assert script(text).ok().out == output


def test_loops_far_beyond_small_limits():
    text = 'probe oneshot { for (i = 0; i < 100000; i++) s += i; println(s) }'
    assert script(text, "-D", "MAXACTION_INTERRUPTIBLE=1000000").ok().out == f"{sum(range(100000))}\n"


def test_arguments():
    result = script('probe oneshot { println($1 + 1, " ", @2, " ", $#, " ", @#) }', "41", "two words").ok()
    assert result.out == "42 two words 2 2\n"


def test_argument_as_probe_point():
    assert script('probe $1 { println("x") exit() }', "begin").ok().out == "x\n"


def test_missing_argument():
    result = script('probe oneshot { println($1) }').failed()
    assert "command line argument" in result.err


def test_script_file_and_standard_input(tmp_path):
    path = tmp_path / "x.stp"
    path.write_text('#!/usr/bin/env stap\nprobe oneshot { println("from file ", @1) }\n')
    from support import stap
    assert stap(path, "arg").ok().out == "from file arg\n"
    assert stap("-", data='probe oneshot { println("from stdin") }').ok().out == "from stdin\n"


def test_script_is_executable(tmp_path):
    from support import STAP, run
    path = tmp_path / "x.stp"
    path.write_text(f'#!{STAP}\nprobe oneshot {{ println("executed") }}\n')
    path.chmod(0o755)
    assert run([path]).ok().out == "executed\n"


def test_private_where_the_language_has_it():
    text = "@__private30 global g = 1 @__private30 function f() { return g } probe oneshot { println(f()) }"
    assert script(text).ok().out == "1\n"
    assert script(text, "--compatible=2.9").ok().out == "1\n"
