# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of addresses that kernel handlers look at: the same text as where it is only printed."""
import pytest

from support import compile_target, script, trace

FORMS = 'printf("%s\\n%s\\n%s\\n", {n}name(a), {n}data(a), {m}(a))'
# "?" stands for text that the handler did not know
LOOKED = ('printf("%s%s\\n%s\\n%s\\n", stringat({n}name(a), 0) == 1 ? "?" : "", substr({n}name(a), 0, 500), '
          'substr({n}data(a), 0, 500), substr({m}(a), 0, 500))')


@pytest.fixture(scope="module")
def addresses():
    return compile_target("addresses.c", "-O1", "-g")


@pytest.fixture(scope="module")
def plugin():
    return compile_target("plugin.c", "-O1", "-g", "-shared", "-fPIC", output="libnames.so")


@pytest.fixture(scope="module")
def many():
    return compile_target("many.c", "-O0", "-g")


def compare(program, command, address, kind, count):
    """Both texts of every address; returns the triples (name, data, module)."""
    forms = {"u": {"n": "usym", "m": "umodname"}, "k": {"n": "sym", "m": "modname"}}[kind]
    text = ("global i probe process(PROG).function(\"look\") { " + address + " "
            + FORMS.format(**forms) + " " + LOOKED.format(**forms) + " }")
    lines = trace(program, text, command=command).ok().lines
    assert len(lines) % 6 == 0 and len(lines) >= 6 * count, len(lines)
    hits = [(tuple(lines[i:i + 3]), tuple(lines[i + 3:i + 6])) for i in range(0, len(lines), 6)]
    differ = [h for h in hits if h[0] != h[1] and not h[0][2].startswith("[uprobes]")
              and not h[0][2].startswith("[vsys")]
    assert not differ, differ[:5]
    return [h[0] for h in hits]


def test_user_names_equal_deferred_ones(addresses, plugin):
    seen = compare(addresses, f"{addresses} {plugin} 1500", "a = $address", "u", 7500)
    names = {(n, m.rsplit("/", 1)[-1]) for n, _, m in seen}
    modules = {m for _, m in names}
    assert {addresses.name, plugin.name, "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]", "<unknown>"} <= modules
    assert {("main", addresses.name), ("strtoul@plt", addresses.name), ("plugin_work", plugin.name)} <= names
    assert ("0x123456789abc", "<unknown>") in names and ("0x0", "<unknown>") in names


def test_kernel_names_equal_deferred_ones(addresses):
    with open("/proc/kallsyms", encoding="ascii", errors="replace") as f:
        at = {name: int(addr, 16) for addr, _, name, *_ in map(str.split, f)}
    step = (at["_etext"] - at["_stext"]) // 500
    seen = compare(addresses, f"{addresses} '' 200", f"a = {at['_stext']} + {step} * i + i % 7; i++; if (i > 500) next",
                   "k", 500)
    assert len({n for n, _, _ in seen}) > 300 and {m for _, _, m in seen} == {"kernel"}


# every statement of main and f1: several addresses, two names
HITS = 'probe process(PROG).statement("main@*:*"), process(PROG).statement("f1@*:*") { '


@pytest.mark.parametrize("condition, wanted", [
    ('usymname(uaddr()) == "f1"', "f1"), ('usymname(uaddr()) != "main"', "f1"), ('"f1" == usymname(uaddr())', "f1"),
    ('substr(usymname(uaddr()), 0, 2) == "ma"', "main"), ('strlen(usymname(uaddr())) == 4', "main"),
    ('isinstr(usymname(uaddr()), "ai")', "main"), ('usymname(uaddr()) =~ "^m.*n$"', "main"),
    ('usymname(uaddr()) . "!" == "f1!"', "f1"), ('sprintf("%5s", usymname(uaddr())) == "   f1"', "f1"),
    ('sprintf("<%s>", usymname(uaddr())) == "<main>"', "main"), ('stringat(usymname(uaddr()), 0) == 109', "main"),
    ('umodname(uaddr()) == umodname($PROBE)', "f1 main"), ('isinstr(usymdata(uaddr()), "f1+0x")', "f1"),
    ('usymname(uaddr()) < "g"', "f1"), ('usymname(0x10) == "0x10" && usymname(uaddr()) == "f1"', "f1"),
    ('umodname(0x10) == "<unknown>"', "f1 main"),
])
def test_names_are_looked_at(many, condition, wanted):
    condition = condition.replace("$PROBE", "uaddr()")
    text = (f'global n {HITS} if ({condition}) n[usymname(uaddr())]++ }} '
            'probe end { foreach (name+ in n) printf("%s ", name) println() }')
    assert trace(many, text).ok().out.split() == wanted.split()


def test_keys_are_one_element_a_name(many):
    # more addresses than the array has room for
    text = (f'global n[2], all {HITS} n[usymname(uaddr())]++; all++; if (n["f1"] == 1 && "main" in n) exit() }} '
            'probe end { println(n["f1"], " ", n["main"] > 2, " ", n["main"] + n["f1"] == all) }')
    assert trace(many, text).ok().out == "1 1 1\n"


def test_names_through_functions_globals_and_keys(many):
    text = ('global last, by[10], hits function here:string() { return usymname(uaddr()) } '
            'function is:long(name:string) { return name == "f1" } '
            f'{HITS} last = here(); by[tid()] = here(); if (is(last)) hits++; if (by[tid()] == "f1") hits += 10 }} '
            'probe end { println(hits) }')
    assert trace(many, text).ok().out == "11\n"


def test_backtrace_is_looked_at(many):
    """The text of a backtrace is there for string functions, and the same as printed."""
    program = compile_target("hits.c", "-O2", "-g")
    text = ('probe process(PROG).function("hit") { s = sprint_ubacktrace() '
            'println(isinstr(sprint_ubacktrace(), "\\nmain+0x"), isinstr(s, "nope"), stringat(s, 0) == 104, s =~ "run.*main") '
            'printf("%s", sprint_ubacktrace()) printf("%s", substr(s, 0, 500)) exit() }')
    lines = trace(program, text).ok().lines
    assert lines[0] == "1011"
    half = (len(lines) - 1) // 2
    assert lines[1:half + 1] == lines[half + 1:] and [l.split("+")[0] for l in lines[1:4]] == ["hit", "run", "main"]


def test_backtrace_as_a_key():
    program = compile_target("hits.c", "-O2", "-g")
    text = ('global s probe process(PROG).function("hit") { s[sprint_ubacktrace()]++ } '
            'probe end { foreach (k in s) printf("%d %s", s[k], k) }')
    lines = trace(program, text, command=f"{program} 50").ok().lines
    assert [l.split("+")[0] for l in lines[:3]] == ["50 hit", "run", "main"] and lines[-1].startswith("_start+")


def test_first_hit_in_a_library_loaded_late(plugin):
    """Not a file that the script names: the handler waits for its symbols."""
    program = compile_target("addresses.c", "-O1", "-g", output="late")
    text = ('global n probe process(PROG).function("look") { if (umodname($address) == "LIBRARY") '
            'n[usymname($address) =~ "^(plugin_|0x|_|[a-z]*_tm_clones|frame_dummy)"]++ } '
            'probe end { println(n[1], " ", n[0]) }').replace("LIBRARY", str(plugin))
    assert trace(program, text, command=f"{program} {plugin} 50").ok().out == "52 0\n"


def test_functions_of_the_tapset_do_not_see_the_scripts_globals():
    """A function of the installed tapset calls its variables what it likes; so does a script its arrays."""
    names = ["days", "secs", "wday", "month", "e", "sig", "sign", "rest"]
    program = script(f'global {", ".join(names)}\n'
                     'probe oneshot { ' + " ".join(f'{name}["x"]++' for name in names) + '\n'
                     'println(ctime(86400)) println(fp_to_string(string_to_fp("2.5"), 1))\n'
                     f'println({" + ".join(f"""{name}["x"]""" for name in names)}) }}')
    assert program.ok().out.splitlines() == ["Fri Jan  2 00:00:00 1970", "2.5", str(len(names))]
