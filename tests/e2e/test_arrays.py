# SPDX-License-Identifier: GPL-2.0-or-later
"""Associative arrays: keys, membership, iteration, deletion, limits, wrapping."""
import pytest

from support import script

PROGRAMS = {
    "number key": ('a[1] = 5; a[-7] = 6; println(a[1], a[-7], a[2])', "560\n"),
    "string value": ('s["k"] = "v"; s["k"] .= "w"; println(s["k"], "[", s["none"], "]")', "vw[]\n"),
    "increment": ('a[3]++; a[3]++; ++a[3]; a[3] += 10; println(a[3], " ", a[3]--, " ", a[3])', "13 13 12\n"),
    "many keys": ('m[1, "two", 3, "four", 5, "six", 7, "eight", 9] = 42; '
                  'println(m[1, "two", 3, "four", 5, "six", 7, "eight", 9], '
                  'm[1, "two", 3, "four", 5, "six", 7, "eight", 8])', "420\n"),
    "in": ('a[1] = 0; println(1 in a, 2 in a)', "10\n"),
    "in tuple": ('t["x", 1] = 1; println(["x", 1] in t, ["x", 2] in t, ["y", 1] in t)', "100\n"),
    "in wildcard": ('t["x", 1] = 1; println([*, 1] in t, ["x", *] in t, [*, 2] in t)', "110\n"),
    "reading does not create": ('a[1] = 1; println(a[5], 5 in a)', "00\n"),
    "empty key": ('s[""] = "empty"; println(s[""], "" in s)', "empty1\n"),
    "delete element": ('a[1] = 1; a[2] = 2; delete a[1]; delete a[77]; println(1 in a, 2 in a)', "01\n"),
    "delete array": ('a[1] = 1; a[2] = 2; delete a; println(1 in a, 2 in a)', "00\n"),
    "delete wildcard": ('t["x", 1] = 1; t["x", 2] = 2; t["y", 1] = 3; delete t["x", *]; '
                        'foreach ([k, n] in t) println(k, n)', "y1\n"),
    "foreach key up": ('a[3] = 1; a[-1] = 2; a[2] = 3; foreach (k+ in a) print(k, " ") println()', "-1 2 3 \n"),
    "foreach key down": ('a[3] = 1; a[-1] = 2; a[2] = 3; foreach (k- in a) print(k, " ") println()', "3 2 -1 \n"),
    "foreach value up": ('a[3] = 9; a[1] = 7; a[2] = 8; foreach (k in a+) print(k, " ") println()', "1 2 3 \n"),
    "foreach value down": ('a[3] = 9; a[1] = 7; a[2] = 8; foreach (k in a-) print(k, " ") println()', "3 2 1 \n"),
    "foreach string key": ('s["b"] = "1"; s["a"] = "3"; s["c"] = "2"; foreach (k+ in s) print(k) println()',
                           "abc\n"),
    "foreach string value": ('s["b"] = "1"; s["a"] = "3"; s["c"] = "2"; foreach (k in s+) print(k) println()',
                             "bca\n"),
    "foreach tuple": ('t["b", 1] = 5; t["a", 2] = 6; foreach ([k+, n] in t) print(k, n, " ") println()',
                      "a2 b1 \n"),
    "foreach second key": ('t["b", 1] = 5; t["a", 2] = 6; foreach ([k, n-] in t) print(k, n, " ") println()',
                           "a2 b1 \n"),
    "foreach value variable": ('a[1] = 10; a[2] = 20; foreach (v = k+ in a) print(k, ":", v, " ") println()',
                               "1:10 2:20 \n"),
    "foreach value sort": ('a[1] = 20; a[2] = 10; foreach (v+ = k in a) print(v, " ") println()', "10 20 \n"),
    "foreach limit": ('for (i = 0; i < 9; i++) a[i] = i; foreach (k- in a limit 3) print(k) println()', "876\n"),
    "foreach limit expression": ('for (i = 0; i < 9; i++) a[i] = i; n = 1; foreach (k+ in a limit n + 1) '
                                 '{ n = 5; print(k) } println()', "01\n"),
    "foreach slice": ('t["x", 1] = 1; t["y", 2] = 2; t["x", 3] = 3; foreach ([k, n+] in t["x", *]) print(n) '
                      'println()', "13\n"),
    "foreach break": ('for (i = 0; i < 9; i++) a[i] = i; foreach (k+ in a) { if (k == 2) continue; '
                      'if (k == 4) break; print(k) } println()', "013\n"),
    "foreach empty": ('a[1] = 1; delete a; foreach (k in a) println("no") println("done")', "done\n"),
    "foreach nested": ('a[1] = 1; a[2] = 1; foreach (i+ in a) foreach (j+ in a) print(i, j, " ") println()',
                       "11 12 21 22 \n"),
    "foreach next": ('a[1] = 1; foreach (k in a) { println("in"); exit(); next } println("no")', "in\n"),
    "many elements": ('for (i = 0; i < 2048; i++) a[i] = i * 2; n = 0; foreach (k in a) n += a[k]; println(n)',
                      f"{sum(2 * i for i in range(2048))}\n"),
    "string keys keep apart": ('s["ab"] = "1"; s["a"] = "2"; s["abc"] = "3"; println(s["a"], s["ab"], s["abc"])',
                               "213\n"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_array(name):
    body, output = PROGRAMS[name]
    declarations = [n for n in ("a", "s", "t", "m") if f"{n}[" in body or f"in {n}" in body or f" {n};" in body]
    text = f"global {', '.join(declarations)} probe oneshot {{ {body} }}"
    assert script(text, "-D", "MAXACTION_INTERRUPTIBLE=100000").ok().out == output


def test_overflow_is_an_error_that_names_the_array():
    result = script('global small[3] probe oneshot { for (i = 0; i < 4; i++) small[i] = i; println(small[0]) }')
    assert result.failed().out == ""
    assert "ERROR: Array overflow, check size limit (3) near identifier 'small' at <input>:1:" in result.err


def test_default_size_is_maxmapentries():
    text = 'global a probe oneshot { for (i = 0; i < $1; i++) a[i] = i; println("all", a[0]) }'
    options = ("-D", "MAXACTION_INTERRUPTIBLE=100000")
    assert script(text, *options, "2048").ok().out == "all0\n"
    assert "Array overflow, check MAXMAPENTRIES" in script(text, *options, "2049").failed().err
    assert script(text, *options, "-D", "MAXMAPENTRIES=3000", "2500").ok().out == "all0\n"


def test_overflow_can_be_caught():
    text = 'global a[2] probe oneshot { try { a[1]++; a[2]++; a[3]++ } catch { println("caught", a[1]) } }'
    assert script(text).ok().out == "caught1\n"


def test_wrapping_array_drops_the_oldest():
    text = ('global w%[3] probe oneshot { for (i = 1; i <= 5; i++) w[i] = i * i; '
            'foreach (k+ in w) print(k, "=", w[k], " ") println() }')
    assert script(text).ok().out == "3=9 4=16 5=25 \n"


def test_element_freed_by_delete_is_available_again():
    text = ('global a[2] probe oneshot { for (i = 0; i < 50; i++) { a[i] = i; a[i + 1] = 1; delete a } '
            'println("ok") }')
    assert script(text).ok().out == "ok\n"


def test_unread_globals_are_shown_at_the_end():
    text = ('global x, y, z, s, t, str probe begin { x++; y["a", 2] = "b"; z[1]++; s <<< 3; t[4, "r"] <<< 3; '
            'str = "q"; exit() }')
    lines = set(script(text).ok().lines)
    assert lines == {"x=1", 'y["a",2]="b"', "z[1]=1", "s @count=1 @min=3 @max=3 @sum=3 @avg=3",
                     't[4,"r"] @count=1 @min=3 @max=3 @sum=3 @avg=3', 'str="q"'}


def test_unread_array_is_shown_by_descending_value():
    text = "global z probe begin { z[1] = 5; z[2] = 9; z[3] = 7; exit() }"
    assert script(text).ok().lines == ["z[2]=9", "z[3]=7", "z[1]=5"]


def test_no_global_var_display():
    assert script("global x probe begin { x++; exit() }", "--no-global-var-display").ok().out == ""


def test_array_may_not_change_while_iterated():
    result = script("global a probe oneshot { a[1] = 1; foreach (k in a) delete a[k] }").failed()
    assert "variable 'a' modified during 'foreach' iteration" in result.err
