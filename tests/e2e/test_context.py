# SPDX-License-Identifier: GPL-2.0-or-later
"""Context functions: who, where, when; user memory; indentation; strings and conversions."""
import os
import re
import time

import pytest

from support import compile_target, script, stap, trace


def at_outer(program, expression, *options):
    return trace(program, f'probe process(PROG).function("outer") {{ println({expression}) exit() }}',
                 *options).ok().out[:-1]


def test_identity(places):
    pid, tid, ppid, target, uid, euid, gid, egid = map(
        int, at_outer(places, 'pid(), " ", tid(), " ", ppid(), " ", target(), " ", uid(), " ", euid(), " ", gid(), '
                              '" ", egid()').split())
    assert pid == tid == target and ppid > 1
    assert (uid, euid, gid, egid) == (os.getuid(), os.geteuid(), os.getgid(), os.getegid())


def test_execname_and_points(places):
    assert at_outer(places, 'execname(), " ", ppfunc(), " ", probefunc()') == "places outer outer"
    assert re.fullmatch(rf'process\("{re.escape(str(places))}"\)\.function\("outer@.*places\.c:\d+"\)',
                        at_outer(places, "pp()"))
    assert at_outer(places, "pn()") == at_outer(places, "pp()")


def test_names_of_points_with_wild_cards(places):
    """pn() is an alias's name, or the point with its wild cards expanded, one by one."""
    text = """probe call = process(PROG).function("out*") { }
              probe call { println(pn()) } probe process(PROG).function("ou*r") { println(pn()) }"""
    lines = set(trace(places, text).ok().lines)
    assert lines >= {"call"} and any(re.fullmatch(r'process\("[^"]*"\)\.function\("outer@.*places\.c:\d+"\)', line)
                                     for line in lines)
    out = script('probe kernel.trace("sched_swi*ch") { println(pn()) exit() }').ok().lines    # each processor may hit
    assert set(out) == {'kernel.trace("sched:sched_switch")'}


def test_cpu(places):
    assert 0 <= int(at_outer(places, "cpu()")) < os.cpu_count()


def test_points_of_asynchronous_probes():
    assert script('probe begin { println(pp(), "|", pn()) exit() }').ok().out == "begin|begin\n"
    assert script('probe timer.ms(7) { println(pp()) exit() }').ok().out == "timer.ms(7)\n"


def test_target_of_x():
    assert script("probe begin { println(target()) exit() }", "-x", str(os.getpid())).ok().out == f"{os.getpid()}\n"


def test_execname_of_begin_is_some_name():
    assert script("probe begin { println(strlen(execname()) > 0) exit() }").ok().out == "1\n"


def test_command_line(places):
    text = 'probe process(PROG).function("outer") { println(cmdline_str()) exit() }'
    assert trace(places, text, command=f"{places} one two").ok().out == f"{places} one two\n"
    shown = f'{places} "" one "" "" two ""'
    assert trace(places, text, command=f"{places} '' one '' '' two ''").ok().out == f"{shown}\n"
    same = text.replace("cmdline_str()", 'cmdline_args(0, -1, " ")')
    assert trace(places, same, command=f"{places} '' one '' '' two ''").ok().out == f"{shown}\n"


def test_command_line_without_its_first_argument(places):
    text = 'probe process(PROG).function("outer") { println(cmdline_str(), "|", cmdline_args(0, -1, " ")) exit() }'
    assert trace(places, text, command=f"bash -c \"exec -a '' {places} '' x\"").ok().out == ' "" x| "" x\n'


def test_command_line_of_stap():
    text = 'probe begin { println(cmdline_str()) println(cmdline_arg(4) == "", cmdline_arg(5)) exit() }'
    lines = script(text.replace(" ", "\t"), "-w", "", "last").ok().lines
    assert lines[0].endswith(' -w "" last') and lines[1] == "1last"


def test_clocks():
    before = time.time()
    out = script('probe begin { printf("%d %d %d %d\\n", gettimeofday_s(), gettimeofday_ms(), gettimeofday_us(), '
                 'gettimeofday_ns()) exit() }').ok().out
    s, ms, us, ns = map(int, out.split())
    assert before - 1 <= s <= time.time() and abs(ms - s * 1000) < 2000
    assert abs(us // 1000 - ms) < 100 and abs(ns // 1000 - us) < 100000


def test_clocks_in_a_kernel_handler(places):
    before = time.time()
    s, us, ns = map(int, at_outer(places, 'gettimeofday_s(), " ", gettimeofday_us(), " ", gettimeofday_ns()').split())
    assert before - 1 <= s <= time.time() + 1
    assert abs(us / 1e6 - time.time()) < 30 and abs(ns // 1000 - us) < 1000000


def test_cycles_advance(places):
    text = 'probe process(PROG).function("jumps") { c = get_cycles(); println(c > last) last = c } global last'
    assert set(trace(places, text).ok().lines) == {"1"}


def test_ktime(places):
    assert int(at_outer(places, "ktime_get_ns()")) > 0


def test_time_as_text():
    assert script('probe begin { println(tz_ctime(0)) println(ctime(0)) exit() }', env={"TZ": "UTC"}).ok().lines == \
        ["Thu Jan  1 00:00:00 1970 UTC", "Thu Jan  1 00:00:00 1970"]


def test_user_strings(variables):
    text = ('probe process(PROG).function("chain") { printf("%s|%s|%s|%s|%s|%s\\n", user_string($text), '
            'user_string_n($text, 4), user_string_quoted($text), user_string_n_quoted($text, 4), '
            'user_string(0, "bad"), user_string_warn($text)) exit() }')
    assert trace(variables, text).ok().out == 'some text|some|"some text"|"some"|bad|some text\n'


def test_user_string_fault(variables):
    text = 'probe process(PROG).function("chain") { println(user_string(8)) }'
    result = trace(variables, text)
    assert result.status == 1 and "user string copy fault" in result.err
    text = 'probe process(PROG).function("chain") { println("[", user_string_warn(8), "]") }'
    result = trace(variables, text).ok()
    assert result.out == "[<unknown>]\n" or result.out == "[]\n"


def test_user_memory(variables):
    text = ('probe process(PROG).function("chain") { a = &$head->value; println(user_int(a), " ", user_long(a) & 0xff, '
            '" ", user_char($text), " ", user_short(&$head->table[3]), " ", user_ushort(&$head->table[3]), " ", '
            'user_int8(&$head->negative), " ", user_uint8(&$head->negative), " ", user_uint32(a), " ", '
            'user_int64(&$head->nothing), " ", user_int16(&$head->table[0]), " ", user_uint16(&$head->table[0])) exit() }')
    assert trace(variables, text).ok().out == "1 1 115 -8 65528 -100 156 1 0 5 5\n"


def test_string_not_resident():
    """A string in a page that was never touched is read all the same."""
    program = compile_target("variables.c", "-O2", "-g")
    text = 'probe process(PROG).function("chain") { println(user_string($text)) exit() }'
    assert trace(program, text).ok().out == "some text\n"


def test_thread_indent(places):
    text = ('probe process(PROG).function("recursive").call { println(thread_indent(1), "-> ", $depth) } '
            'probe process(PROG).function("recursive").return { println(thread_indent(-1), "<- ") }')
    lines = trace(places, text).ok().lines
    assert len(lines) == 10
    pattern = re.compile(r"^ *\d+ places\(\d+\):( *)(->|<-)")
    depths = [len(pattern.match(line).group(1)) for line in lines]
    assert depths == [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]


def test_indent():
    text = 'probe begin { println(indent(2), "a") println(indent(2), "b") println(indent(-2), "c") exit() }'
    lines = script(text).ok().lines
    widths = [len(re.match(r"^ *\d+ :( *)", line).group(1)) for line in lines]
    assert widths == [1, 3, 3]


STRINGS = [
    ('strlen("hello")', "5"), ('substr("hello", 1, 3)', "ell"), ('substr("hello", 3, 10)', "lo"),
    ('substr("hello", 9, 1)', ""), ('stringat("hello", 1)', "101"), ('isinstr("hello", "ell")', "1"),
    ('isinstr("hello", "x")', "0"), ('strtol("-42", 10)', "-42"), ('strtol("0x1f", 16)', "31"),
    ('strtol("077", 8)', "63"), ('text_str("a\\nb")', "a\\nb"), ('str_replace("aXbXc", "X", "--")', "a--b--c"),
    ('tokenize("a b,c", " ,")', "a"), ('string_quoted("a\\tb")', '"a\\tb"'), ('sprint(7) . "x"', "7x"),
    ('strpos("hello", "l")', "2"), ('strpos("hello", "z")', "-1"),
]


@pytest.mark.parametrize("expression,value", STRINGS)
def test_string_function(expression, value):
    assert script(f"probe oneshot {{ println({expression}) }}").ok().out == value + "\n"


def test_tokenize_goes_on():
    text = 'probe oneshot { t = tokenize("a,b,,c", ","); while (t != "") { print("<", t, ">"); t = tokenize("", ",") } }'
    assert script(text).ok().out == "<a><b><c>"


def test_string_functions_in_a_kernel_handler(variables):
    text = ('probe process(PROG).function("chain") { s = user_string($text); println(strlen(s), substr(s, 5, 4), '
            'isinstr(s, "me t"), str_replace(s, "t", "T"), strtol("12" . "3", 10), s =~ "^some .*t$") '
            't = tokenize(s, " "); println(t, "+", tokenize("", " ")) exit() }')
    assert trace(variables, text).ok().lines == ["9text1some TexT1231", "some+text"]


def test_environment_and_utilities():
    assert int(script("probe oneshot { println(randint(10) < 10) }").ok().out) == 1
    assert script('probe oneshot { println(HZ() > 0, " ", jiffies() > 0) }').ok().out == "1 1\n"
    assert script('probe oneshot { println(errno_str(2), " ", errno_str(13)) }').ok().out == "ENOENT EACCES\n"
    assert script('probe oneshot { println(returnstr(1) != "x") }').status in (0, 1)


def test_log_and_warn():
    result = script('probe begin { log("logged") warn("careful") exit() }')
    assert "logged" in result.out and "WARNING: careful" in result.err


def test_probe_type(places):
    text = ('probe begin, timer.ms(5), timer.jiffies(3), kernel.trace("sched_process_exec"), process(PROG).begin, '
            'process(PROG).syscall, process(PROG).function("outer"), process(PROG).function("outer").return '
            '{ println(probe_type()) } probe timer.ms(400) { exit() }')
    shown = trace(places, text, command=f"sh -c '{places}; sleep 1'").ok().lines
    assert set(shown) == {"begin_end", "hrtimer", "timer", "kernel_tracepoint", "utrace", "utrace_syscall", "uprobe",
                          "uretprobe"}
    assert script("probe timer.profile { println(probe_type()) exit() }").ok().lines[0] == "profile_timer"


def test_process_that_is_target_only(places):
    text = 'probe process(PROG).function("outer") { if (pid() != target()) next; println("mine") }'
    assert stap("-e", text.replace("PROG", f'"{places}"'), "-c", f"sh -c '{places}'").ok().out in ("", "mine\n")


def test_is_return(places):
    text = ('probe process(PROG).function("outer"), process(PROG).function("outer").return { println(is_return()) }')
    assert trace(places, text).ok().lines == ["0", "1"]
