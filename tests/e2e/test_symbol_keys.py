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
    expect(many, "n", 'n[usymname(uaddr()) . "!"]++', 'foreach (name- in n) printf("%s ", name) println()', "main! f1! \n")


def test_names_passed_through_functions(many):
    text = ('global n, last function note(name) { n[name]++; last = name } function here:string() { return usymname(uaddr()) } '
            f'{HITS} note(here()) }} probe end {{ foreach (name+ in n) printf("%s ", name) println(last == "f1") }}')
    assert trace(many, text).ok().out == "f1 main 0\n"
