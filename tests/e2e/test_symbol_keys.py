# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of symbols as keys: kernel handlers store addresses, what user handlers see are the names."""
import pytest

from support import compile_target, trace


@pytest.fixture(scope="module")
def many():
    return compile_target("many.c", "-O0", "-g")


# every statement of main and f1: several addresses, two names
HITS = 'probe process(PROG).statement("main@*:*"), process(PROG).statement("f1@*:*") { '


def expect(many, declarations, handler, end, want):
    assert trace(many, f'global {declarations} {HITS} {handler} }} probe end {{ {end} }}').ok().out == want


def test_one_element_a_name(many):
    expect(many, "n, all", "n[usymname(uaddr())]++; all++",
           'foreach (name+ in n) { printf("%s ", name); sum += n[name] } println(sum == all, " ", all > 2)',
           "f1 main 1 1\n")


def test_lookup_by_name(many):
    expect(many, "n", "n[usymname(uaddr()), 1]++",
           'println(n["main", 1] > 5, " ", n["f2", 1], " ", ["f1", 1] in n, " ", ["f1", 2] in n, " ", n["f1", 1])',
           "1 0 1 0 1\n")


def test_delete_by_name(many):
    expect(many, "n", "n[usymname(uaddr())]++", 'delete n["main"] foreach (name in n) println(name)', "f1\n")


def test_statistics_are_merged(many):
    expect(many, "s, all", "s[usymname(uaddr())] <<< 3; all++",
           'println(@count(s["main"]) + @count(s["f1"]) == all, " ", @sum(s["f1"]) == 3 * @count(s["f1"]), " ", @max(s["main"]))',
           "1 1 3\n")


def test_order_by_name(many):
    expect(many, "n", 'n[usymname(uaddr()) . "!"]++', 'foreach (name- in n) printf("%s ", name) println()',
           "main! f1! \n")


def test_names_passed_through_functions(many):
    text = ('global n, last function note(name) { n[name]++; last = name } function here:string() { return usymname(uaddr()) } '
            f'{HITS} note(here()) }} probe end {{ foreach (name+ in n) printf("%s ", name) println(last == "f1") }}')
    assert trace(many, text).ok().out == "f1 main 0\n"


@pytest.fixture(scope="module")
def paths():
    return compile_target("paths.c", "-O1", "-g", "-fno-optimize-sibling-calls")


def test_stacks_longer_than_a_string(paths):
    out = trace(paths, "global s, n probe process(PROG).function(\"leaf*\") { b = sprint_ubacktrace(); s[b] <<< 2; n[b]++ } "
                "probe end { foreach (b in s-) { if (strlen(b) == 511) cut++; if (n[b] != @count(s[b]) || !(b in n)) differ++; "
                "sum += n[b]; all++ } println(cut > 0, \" \", differ, \" \", sum, \" \", all > 5 && all < 20) }").ok().out
    assert out == "1 0 100 1\n"


def test_changes_by_name(paths):
    out = trace(paths, "global s, n, keys probe process(PROG).function(\"leaf*\") { b = sprint_ubacktrace(); s[b] <<< 2; n[b]++; keys[b] = 1 } "
                "probe end { foreach (b in keys) { n[b]++; n[b] += 2; s[b] <<< 5; sum += @sum(s[b]); n[\"new\"]++; delete s[b]; "
                "left += b in s; if (all++ % 2) delete n[b] } foreach (b in n) { rest += n[b]; kept++ } foreach (b in s) left++ "
                "println(sum == 200 + 5 * all, \" \", left, \" \", kept == 1 + (all + 1) / 2, \" \", rest > kept, \" \", n[\"new\"] == all) }").ok().out
    assert out == "1 0 1 1 1\n"


def test_each_of_many_stacks_is_found(paths):
    """Sorted, every element looked up and deleted: time by the number of elements, not by its square."""
    out = trace(paths, "global s%[4000] probe process(PROG).function(\"leaf*\") { s[sprint_ubacktrace()] <<< 1 } "
                "probe end { foreach (b in s-) { all++; n += @count(s[b]) } println(all, \" \", n) }",
                "-DMAXSTRINGLEN=1024", command=f"{paths} all").ok().out
    assert out == "2048 2048\n"
