# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits set by -D, in both engines: actions, errors, strings, nesting, arrays, lost output."""
import re

from support import compile_target, script, stap, trace, with_program


def test_maxaction_in_a_kernel_handler(places):
    text = 'probe process(PROG).function("outer") { for (i = 0; i < $1; i++) n++; println(n) }'
    assert trace(places, text, "300").ok().out == "300\n"
    result = trace(places, text, "100000")
    assert result.status == 1 and "MAXACTION exceeded" in result.err
    assert trace(places, text, "-D", "MAXACTION=1000000", "100000").ok().out == "100000\n"


def test_maxerrors(places):
    text = 'probe process(PROG).function("jumps") { println(1 / ($value - $value)) } probe end { println("end") }'
    result = trace(places, text, "-D", "MAXERRORS=10").failed()    # it ran to its end, but there were errors
    assert result.lines == ["end"] and result.err.count("ERROR: division by 0") == 5
    assert "Number of errors: 5" in result.err
    result = trace(places, text, "-D", "MAXERRORS=2")
    assert result.status == 1 and "end" not in result.lines


def test_maxstringlen(places):
    text = 'probe process(PROG).function("outer") { s = "0123456789"; for (i = 0; i < 6; i++) s .= s; println(strlen(s)) }'
    assert trace(places, text).ok().out == "511\n"
    assert trace(places, text, "-D", "MAXSTRINGLEN=128").ok().out == "127\n"
    assert trace(places, text, "-D", "MAXSTRINGLEN=600").ok().out == "599\n"
    assert trace(places, text, "-D", "MAXSTRINGLEN=20").ok().out == "19\n"


def test_foreach_over_more_than_a_handler_can_have(places):
    text = 'global a probe process(PROG).function("outer") { a[1] = $1; foreach (k in a) println(a[k]); delete a }'
    assert trace(places, text, "-D", "MAXMAPENTRIES=100000", "7").ok().out == "7\n"
    result = trace(places, text, "-D", "MAXMAPENTRIES=100000000", "7").failed()
    assert "a foreach over an array of up to 100000000 elements needs more memory" in result.err


def test_long_strings_as_keys_and_values(places):
    text = ('global a probe process(PROG).function("outer") { s = "k"; for (i = 0; i < 8; i++) s .= s; '
            'a[s . "1"] = s . "2"; println(a[s . "1"] == s . "2", (s . "3") in a) }')
    assert trace(places, text, "-D", "MAXSTRINGLEN=400").ok().out == "10\n"


def test_recursion_in_a_kernel_handler(places):
    text = ('function fact(n) { return n < 2 ? 1 : n * fact(n - 1) } '
            'function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } '
            'probe process(PROG).function("outer") { println(fact(8), " ", fib(9)) }')
    assert trace(places, text).ok().out == "40320 34\n"
    endless = 'function f:long(n) { return f(n + 1) } probe process(PROG).function("outer") { println(f(1)) }'
    result = trace(places, endless)
    assert result.status == 1 and "MAXNESTING exceeded" in result.err


def test_array_overflow_in_a_kernel_handler(places):
    text = 'global a[3] probe process(PROG).function("jumps") { a[$value] = 1; println("set ", $value) }'
    result = trace(places, text)
    assert result.status == 1 and result.lines == ["set 0", "set 1", "set 2"]
    assert "Array overflow, check size limit (3) near identifier 'a'" in result.err


# 500 new elements a hit, with interrupts off, where the kernel's own allocator has few in store.
FILLING = """global s, n, caught
    probe kernel.trace("sched_switch") {
        for (i = 0; i < 500 && n < $1; i++) { try { s[sprintf("a key %d", n++)] <<< n } catch { caught++ } }
        if (n >= $1) exit()
    }
    probe end {
        foreach (k in s) { elements++; hits += @count(s[k]); sum += @sum(s[k]); }
        println(elements, " ", hits, " ", sum, " ", caught)
    }"""
SWITCHES = ["-c", "sh -c 'for i in $(seq 500); do sleep 0.01; done'"]


def test_array_takes_all_its_elements_with_interrupts_off():
    limits = ["-D", "MAXMAPENTRIES=40000", "-D", "MAXACTION=100000", "-D", "MAXSKIPPED=100000"]
    result = script(FILLING, *limits, *SWITCHES, "40000").ok()
    assert result.lines == [f"40000 40000 {40000 * 40001 // 2} 0"] and "memory" not in result.err
    result = script(FILLING, *limits, *SWITCHES, "40001")
    assert result.lines == [f"40000 40000 {40000 * 40001 // 2} 1"]


def test_elements_without_memory_skip_the_hit():
    """An array that is not full never overflows; what the kernel could not take is counted, and not caught."""
    result = script(FILLING, "-D", "MAXMAPENTRIES=40000", "-D", "MAXACTION=100000", "-D", "MAXSKIPPED=100000",
                    *SWITCHES,
                    "20000", env={"BPFTAP_WITHOUT": "array_memory"}).ok()
    elements, hits, total, caught = map(int, result.out.split())
    skipped = int(re.search(r"Skipped due to arrays not getting memory at once .*: (\d+)", result.err).group(1))
    assert "overflow" not in result.err and caught == 0
    assert skipped > 0 and elements == hits == 20000 - skipped


def test_elements_of_the_user_engine_without_memory_beforehand():
    text = ('global s probe kernel.trace("sched_switch") { s["hit"] <<< 1 } '
            'probe timer.ms(20) { for (i = 0; i < 5000; i++) s[sprintf("key %d", i)] <<< i; exit() } '
            'probe end { foreach (k in s) n += k != "hit"; println(n) }')
    result = script(text, "-D", "MAXMAPENTRIES=6000", "-D", "MAXACTION=100000", env={"BPFTAP_WITHOUT": "array_memory"})
    assert result.ok().out == "5000\n"


def test_wrapping_array_in_a_kernel_handler(places):
    text = ('global w%[3] probe process(PROG).function("jumps") { w[$value] = $value * 2 } '
            'probe end { foreach (k+ in w) print(k, "=", w[k], " ") }')
    assert trace(places, text).ok().out == "2=4 3=6 4=8 "


def test_the_language_in_a_kernel_handler(places):
    """Loops, foreach with sorting, try and catch, string building, statistics: all inside one hit."""
    text = """
    global a, names, s
    function sum_to(n) { for (i = 1; i <= n; i++) { if (i % 2) continue; t += i } return t }
    probe process(PROG).function("outer") {
        for (i = 0; i < 10; i++) a[i] = (i * 7) % 10
        foreach (k in a+ limit 3) printf("%d:%d ", k, a[k])
        foreach (k- in a) { if (k < 8) break; printf("%d ", k) }
        names["x"] = "one"; names["y"] = "two"
        foreach (v = n+ in names) printf("%s=%s ", n, v)
        delete a[3]; println(3 in a, 4 in a)
        while (w < 5) w++
        println(w, " ", sum_to(10))
        try { error("inside " . sprint(w)) } catch (e) { println("caught ", substr(e, 0, 8)) }
        for (i = 1; i <= 4; i++) s <<< i * i
        println(@count(s), " ", @sum(s), " ", @min(s), " ", @max(s), " ", @avg(s))
        println("abc" . "def" =~ "c.*e", " ", $value > 3 ? "big" : "small")
        printf("%5d|%-5s|%05x|%c%%\\n", $value, "ab", 255, 65)
        exit()
    }"""
    assert trace(places, text, "-D", "MAXACTION=10000").ok().lines == [
        "0:0 3:1 6:2 9 8 x=one y=two 01", "5 30", "caught inside 5", "4 30 1 16 7", "1 big", "    5|ab   |000ff|A%"]


def test_histogram_of_kernel_values(places):
    text = ('global s probe process(PROG).function("jumps") { s <<< $value } '
            'probe end { print(@hist_linear(s, 0, 4, 2)) }')
    out = trace(places, text).ok().out
    rows = {l.split("|")[0].strip(): int(l.split()[-1]) for l in out.splitlines()[1:] if "|" in l}
    assert rows["0"] == 2 and rows["2"] == 2 and rows["4"] == 1, out


def test_conditions_arm_and_disarm(places):
    program = compile_target("waits.c")
    text = ('global on = 0, n, ticks probe process(PROG).function("tick") if (on) { n++ } '
            'probe timer.ms(300) { ticks++; if (ticks == 1) { before = n; print(before, " "); on = 1 } '
            'else { println(n > 5) exit() } }')
    assert stap("-e", with_program(text, program), "-c", f"{program} 5").out == "0 1\n"


def test_next_in_a_kernel_handler(places):
    text = 'probe process(PROG).function("jumps") { if ($value != 3) next; println("three") }'
    assert trace(places, text).ok().lines == ["three"]


def test_exit_in_a_kernel_handler_stops_soon():
    program = compile_target("hits.c", "-O2", "-g")
    text = 'global n probe process(PROG).function("hit") { if (++n == 5) exit() } probe end { println(n >= 5) }'
    assert stap("-e", with_program(text, program), "-c", f"{program} 2000000 1", timeout=60).out == "1\n"


def test_lost_output_is_counted():
    """Too much output for the buffer: what was lost and what was printed add up to what happened."""
    program = compile_target("hits.c", "-O2", "-g")
    text = ('probe process(PROG).function("hit") { printf("%0100d\\n", $number) }')
    result = stap("-s", "1", "-e", with_program(text, program), "-c", f"{program} 100000 2", timeout=120)
    printed = len(result.lines)
    match = re.search(r"(\d+) .*(lost|transport failures|missed)", result.err) or \
        re.search(r"(?:lost|transport failures|missed)\D*(\d+)", result.err)
    lost = int(match.group(1)) if match else 0
    assert printed + lost == 200000, result.err
    assert all(len(line) == 100 for line in result.lines)


def test_many_probes_share_one_handler(places):
    text = 'global n probe process("/bin/bash").function("*").call { n++ } probe end { println(n > 100) }'
    result = stap("-e", text, "-c", "/bin/bash -c 'echo hi'", timeout=60)
    assert result.ok().lines == ["hi", "1"]


def test_nothing_is_lost_at_default_buffers():
    program = compile_target("hits.c", "-O2", "-g")
    text = 'probe process(PROG).function("hit") { printf("%d\\n", $number) }'
    result = stap("-e", with_program(text, program), "-c", f"{program} 50000 2", timeout=60).ok()
    numbers = sorted(map(int, result.lines))
    assert numbers == sorted(list(range(50000)) * 2)


def test_output_of_one_thread_is_in_order():
    program = compile_target("hits.c", "-O2", "-g")
    text = 'probe process(PROG).function("hit") { printf("%d %d\\n", pid(), $number) }'
    lines = stap("-e", with_program(text, program), "-c", f"{program} 20000 2", timeout=60).ok().lines
    last = {}
    for line in lines:
        pid, number = map(int, line.split())
        assert number == last.get(pid, -1) + 1
        last[pid] = number
    assert list(last.values()) == [19999, 19999]


def test_empty_script_and_empty_probes():
    assert script("").status == 1
    assert script("probe begin {}", "-T", "1").status in (0, 1)


def test_procedure_with_nine_keys(places):
    text = ('global m probe process(PROG).function("outer") { m[1, "two", 3, "four", 5, "six", 7, "eight", $value] = 9; '
            'println(m[1, "two", 3, "four", 5, "six", 7, "eight", 5]) }')
    assert trace(places, text).ok().out == "9\n"
