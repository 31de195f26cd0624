# SPDX-License-Identifier: GPL-2.0-or-later
"""The print family and its formats."""
import subprocess

import pytest

from support import STAP, run, script

FORMATS = [
    ('"%d %i"', "5, -6", "5 -6"), ('"%5d|%-5d|%05d"', "42, 42, 42", "   42|42   |00042"),
    ('"%+d % d"', "3, 4", "+3  4"), ('"%u"', "-1", "18446744073709551615"), ('"%x %X"', "255, 255", "ff FF"),
    ('"%#x %#X %#o"', "255, 255, 8", "0xff 0XFF 010"), ('"%o"', "8", "10"), ('"%08x"', "0xbeef", "0000beef"),
    ('"%p"', "0x1234abcd", "0x1234abcd"), ('"%p"', "0", "0x0"), ('"%c%c"', "72, 105", "Hi"),
    ('"%#c %#c %#c"', "0, 9, 42", "\\000 \\t *"), ('"%s"', '"text"', "text"),
    ('"[%10s] [%-10s]"', '"ab", "cd"', "[        ab] [cd        ]"), ('"%.3s"', '"abcdef"', "abc"),
    ('"%6.2s|"', '"abcdef"', "    ab|"), ('"100%%"', "", "100%"), ('"%*d"', "6, 7", "     7"),
    ('"%-*d|"', "6, 7", "7     |"), ('"%.*s"', '2, "abc"', "ab"), ('"%d%s%d"', '1, "-", 2', "1-2"),
    ('"a\\tb\\n"', "", "a\tb\n"), ('"%s"', '""', ""), ('"%20d"', "-9223372036854775807", "-9223372036854775807"),
    ('"%#s"', '"a\\tb\\"c"', 'a\\tb\\"c'),
    ('"%c is %s; %x or %X or %p; %d or %u\\n"', '97, "alice", 0x1234abcd, 0x1234abcd, 0x1234abcd, -1, -1',
     "a is alice; 1234abcd or 1234ABCD or 0x1234abcd; -1 or 18446744073709551615\n"),
]


@pytest.mark.parametrize("fmt,values,output", FORMATS)
def test_format(fmt, values, output):
    arguments = f", {values}" if values else ""
    assert script(f"probe oneshot {{ printf({fmt}{arguments}) }}").ok().out == output
    assert script(f"probe oneshot {{ print(sprintf({fmt}{arguments})) }}").ok().out == output


PRINTS = [
    ('print("a", 1, "b", -2)', "a1b-2"), ('println("a", 1)', "a1\n"), ('println()', "\n"),
    ('printd(",", 1, "two", 3)', "1,two,3"), ('printdln(" | ", "x", 2)', "x | 2\n"),
    ('print(sprint("a", 1))', "a1"), ('print(sprintln("a"))', "a\n"), ('print(sprintd("-", 1, 2))', "1-2"),
    ('print(sprintdln("-", 1, 2))', "1-2\n"), ('print(1) print(2)', "12"), ('print(0x10)', "16"),
]


@pytest.mark.parametrize("body,output", PRINTS)
def test_print(body, output):
    assert script(f"probe oneshot {{ {body} }}").ok().out == output


def test_binary():
    text = 'probe oneshot { printf("%1b%2b%4b%8b%b", 0x41, 0x4243, 0x44454647, 0x48494a4b4c4d4e4f, 0x50) }'
    out = subprocess.run([STAP, "-e", text], stdout=subprocess.PIPE, check=True, timeout=20).stdout
    assert out == b"A" + b"CB" + b"GFED" + b"ONMLKJIH" + b"P" + b"\0" * 7


def test_embedded_zero_byte_is_written():
    out = subprocess.run([STAP, "-e", 'probe oneshot { printf("a%cb", 0) }'], stdout=subprocess.PIPE,
                         check=True, timeout=20).stdout
    assert out == b"a\0b"


def test_long_output_of_one_handler():
    text = 'probe oneshot { for (i = 0; i < 5000; i++) printf("%08d\\n", i) }'
    result = script(text, "-D", "MAXACTION_INTERRUPTIBLE=100000").ok()
    assert result.lines == [f"{i:08d}" for i in range(5000)]


@pytest.mark.parametrize("body", ['printf("%d", "s")', 'printf("%s", 1)', 'printf("%d")', 'printf("%d", 1, 2)',
                                  'printf(1)', 'printf("%q", 1)', 'printf("%")', 'x = "s"; printf("%d", x)',
                                  'printd(1, 2, 3)', 'printf()'])
def test_wrong_formats_are_errors(body):
    result = script(f"probe oneshot {{ {body} }}").failed()
    assert "semantic error" in result.err or "parse error" in result.err


def test_utf8_passes_through():
    assert script('probe oneshot { println("héllo 世界") }').ok().out == "héllo 世界\n"


def test_output_order_across_sources():
    """begin output comes before that of a child started with -c."""
    result = run([STAP, "-e", 'probe begin { println("first") } probe end { println("last") }', "-c", "/bin/true"])
    assert result.ok().lines == ["first", "last"]


# What is printed first in a hit is stored at known places, what comes behind texts and in later prints is not.
BODIES = [
    'for (i = -140; i < 140; i += 7) { if (i < 0) s = "less" else s = sprintf("%d.", i); printf("%s %s|", s, errno_str(i)) }',
    'n = 3; if (n > 2) s = "many"; else s = "few"; printf("%s of %d, %s\\n", s, n, errno_str(-n)); printf("%d", n)',
    'n = 3; s = "none"; if (n & 1) { t = "odd"; s = t } else { t = sprintf("%d", n); s = t } print(s); print(s, t)',
    'n = 7; if (n > 5) { if (n > 6) s = "a" else s = "b" } else s = sprintf("%x", n); printf("<%s %5d %s>", s, n, n ? "x" : s)',
    's = "k"; if (strlen(s)) s = s . "1"; else s = s . "2"; printf("%s %s", s, errno_str(strlen(s)))',
    'printf("%d %s %d", 1, errno_str(2), 3); if (1) printf("%s", sprintf("%d-%s", 4, "five")); printf("%p %c", 6, 55)',
]


@pytest.mark.parametrize("body", BODIES)
def test_a_kernel_handler_prints_what_the_process_would(body):
    text = (f'probe begin {{ {body}; println() println("--") }} '
            f'probe process("/bin/true").begin {{ {body}; println() println("--") exit() }}')
    in_process, in_kernel, rest = script(text, "-c", "/bin/true").ok().out.split("--\n")
    assert in_kernel == in_process and len(in_process) > 3 and rest == ""


@pytest.mark.parametrize("count", [62, 64, 65, 300])
def test_many_arguments(count):
    """There is no limit on them, neither of a print nor of what is put together from many."""
    numbers = ", ".join(f"{i} + n" for i in range(count))
    texts = ", ".join(f"sprint({i} + n)" for i in range(count))
    body = f'n = pid() > 0; printdln(",", {numbers}); printf("{"%s;" * count}\\n", {texts})'
    text = f'probe begin {{ {body} }} probe process("/bin/true").begin {{ {body} exit() }}'
    values = [str(i + 1) for i in range(count)]
    assert script(text, "-c", "/bin/true").ok().lines == [",".join(values), ";".join(values) + ";"] * 2
