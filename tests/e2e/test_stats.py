# SPDX-License-Identifier: GPL-2.0-or-later
"""Aggregates: <<<, extractors, histograms, arrays of aggregates."""
import pytest

from support import script


def test_extractors():
    text = ('global s probe oneshot { for (i = 1; i <= 10; i++) s <<< i * i - 20; '
            'println(@count(s), " ", @sum(s), " ", @min(s), " ", @max(s), " ", @avg(s)) }')
    values = [i * i - 20 for i in range(1, 11)]
    assert script(text).ok().out == f"10 {sum(values)} {min(values)} {max(values)} {sum(values) // 10}\n"


def test_average_rounds_towards_zero():
    text = 'global s probe oneshot { s <<< -3; s <<< -4; println(@avg(s)) }'
    assert script(text).ok().out == "-3\n"


def test_empty():
    text = 'global s probe oneshot { println(@count(s), @sum(s)) s <<< 1 }'
    assert script(text).ok().out == "00\n"


def test_empty_has_no_minimum():
    result = script('global s probe oneshot { if (0) s <<< 1; println(@min(s)) }').failed()
    assert "empty aggregate near" in result.err
    result = script('global s probe oneshot { if (0) s <<< 1; println(@avg(s)) }').failed()
    assert "empty aggregate near" in result.err


@pytest.mark.parametrize("shift,value", [("", 2), (", 1", 2)])
def test_variance_is_exact(shift, value):
    """2.5, cut to an integer.  SystemTap's manual shows 12 where its integer arithmetic goes astray; ours is exact."""
    text = f'global x probe oneshot {{ for (i = 1; i <= 5; i++) x <<< i; println(@variance(x{shift})) }}'
    assert script(text).ok().out == f"{value}\n"


def test_array_of_aggregates():
    text = ('global s probe oneshot { s["a"] <<< 1; s["b"] <<< 5; s["a"] <<< 3; '
            'foreach (k+ in s) println(k, @count(s[k]), " ", @sum(s[k]), " ", @max(s[k])) '
            'println("a" in s, "c" in s) }')
    assert script(text).ok().lines == ["a2 4 3", "b1 5 5", "10"]


@pytest.mark.parametrize("sort,order", [("@count-", "abc"), ("@sum-", "bca"), ("@max+", "acb"), ("@min-", "bca"),
                                        ("@avg+", "acb"), ("-", "abc"), ("+", "cba")])
def test_sorted_by_extractor(sort, order):
    text = ('global s probe oneshot { s["a"] <<< 1; s["a"] <<< 2; s["a"] <<< 3; s["b"] <<< 100; s["b"] <<< 50; '
            f's["c"] <<< 9; foreach (k in s {sort}) print(k) println() }}')
    assert script(text).ok().out == order + "\n"


def test_delete_resets():
    text = 'global s, t probe oneshot { s <<< 4; delete s; t[1] <<< 4; delete t[1]; s <<< 7; ' \
           'println(@count(s), @sum(s), 1 in t) }'
    assert script(text).ok().out == "170\n"


def histogram(rows):
    """The picture of a histogram whose counts need no scaling."""
    lines = ["value |" + "-" * 50 + " count"]
    lines += [f"{label:>5} |{'@' * count}{count:>{52 - count}}" for label, count in rows]
    return "\n".join(lines) + "\n\n"


def test_linear_histogram():
    text = ('global s probe oneshot { s <<< -5; s <<< 0; s <<< 1; s <<< 10; s <<< 11; s <<< 19; s <<< 20; '
            's <<< 25; s <<< 1000; print(@hist_linear(s, 0, 30, 10)) }')
    assert script(text).ok().out == histogram([("<0", 1), ("0", 2), ("10", 3), ("20", 2), ("30", 0), (">30", 1)])


def test_log_histogram():
    text = ('global s probe oneshot { s <<< 0; s <<< 1; s <<< 2; s <<< 3; s <<< 4; s <<< 7; s <<< 8; s <<< 1000; '
            'print(@hist_log(s)) }')
    expected = histogram([("0", 1), ("1", 1), ("2", 2), ("4", 2), ("8", 1), ("16", 0), ("32", 0), ("128", 0),
                          ("256", 0), ("512", 1), ("1024", 0), ("2048", 0)]).split("\n")
    expected.insert(8, "      ~")
    assert script(text).ok().lines == expected[:-1]


def test_log_histogram_of_negative_values():
    text = 'global s probe oneshot { s <<< -1; s <<< -4; s <<< -4; print(@hist_log(s)) }'
    out = script(text).ok().out
    rows = {line.split("|")[0].strip(): int(line.split()[-1]) for line in out.splitlines()[1:]
            if "|" in line and "~" not in line}
    assert rows["-4"] == 2 and rows["-1"] == 1, out


def test_histogram_buckets_of_the_manual():
    text = ('global x probe oneshot { x <<< -100 x <<< 1 x <<< 2 x <<< 3 x <<< 100 '
            'foreach (bucket in @hist_linear(x,1,3,1)) '
            'printf("bucket %d count %d\\n", bucket, @hist_linear(x,1,3,1)[bucket]) }')
    assert script(text).ok().lines == [f"bucket {i} count 1" for i in range(5)]


def test_bars_are_scaled_to_the_width():
    text = ('global s probe oneshot { for (i = 0; i < 200; i++) s <<< 1; s <<< 2; '
            'print(@hist_linear(s, 0, 3, 1)) }')
    out = script(text, "-D", "MAXACTION_INTERRUPTIBLE=100000").ok().out
    bars = {int(l.split("|")[0]): l.count("@") for l in out.splitlines()[1:] if "|" in l}
    assert bars[1] == 50 and bars[2] == 0, out


def test_stat_overflow_of_array():
    result = script('global s[2] probe oneshot { s[1] <<< 1; s[2] <<< 1; s[3] <<< 1; println(@count(s[1])) }').failed()
    assert "Array overflow" in result.err


def test_wrong_use_is_an_error():
    assert "semantic error" in script('global s probe oneshot { s <<< 1; println(s) }').failed().err
    assert "semantic error" in script('probe oneshot { s <<< 1; println(@count(s)) }').failed().err
    assert "semantic error" in script('global s probe oneshot { s = 1; println(@count(s)) }').failed().err
