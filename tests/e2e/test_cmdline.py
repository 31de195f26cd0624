# SPDX-License-Identifier: GPL-2.0-or-later
"""Options, arguments and exit status of the command."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from support import STAP, background, compile_target, run, script, stap, trace, wait_until

HELLO = 'probe begin { println("hello") exit() }'


def test_version():
    result = stap("-V").ok()
    assert "bpftap" in result.out + result.err and re.search(r"\d+\.\d+", result.out + result.err)
    assert stap("--version").status == 0


def test_help_names_every_option():
    text = stap("--help").ok().out
    for option in ("-e", "-E", "-l", "-L", "-p", "-v", "--vp", "-k", "-g", "-u", "-w", "-W", "-c", "-x", "-o", "-S",
                   "-D", "-I", "-G", "-d", "--ldd", "-T", "-t", "-q", "-s", "-m", "-V", "--help",
                   "--dump-probe-types", "--dump-functions", "--dump-probe-aliases", "--skip-badvars"):
        assert re.search(rf"(^|\s){re.escape(option)}\b", text, re.M), option
    assert stap("-h").ok().out == text


@pytest.mark.parametrize("arguments,message", [
    (["--nosuch"], "unrecognized option '--nosuch'"),
    (["-e"], "option requires an argument -- 'e'"),
    (["-Z", "-e", HELLO], "invalid option -- 'Z'"),
    ([], "A script must be specified."),
    (["-p9", "-e", HELLO], "Invalid pass number (should be 1-5)."),
    (["-p0", "-e", HELLO], "Invalid pass number (should be 1-5)."),
    (["-x", "abc", "-e", HELLO], "Invalid target process ID number."),
    (["-x", "-4", "-e", HELLO], "Invalid target process ID number."),
    (["-c", "", "-e", HELLO], "Empty CMD string invalid."),
    (["-T", "x", "-e", HELLO], "Invalid timeout interval."),
    (["-T", "0", "-e", HELLO], "Invalid timeout interval."),
    (["-s", "99999", "-e", HELLO], "Invalid buffer size (should be 1-4095)."),
    (["-s", "0", "-e", HELLO], "Invalid buffer size (should be 1-4095)."),
    (["--vp", "abc", "-e", HELLO], "Invalid --vp argument"),
    (["no-such-file.stp"], "Input file 'no-such-file.stp' is missing."),
    (["-D", "3x", "-e", HELLO], "-D"),
    (["-m", "bad-name!", "-e", HELLO], "-m"),
    (["-e", HELLO, "-G", "nosuch=3"], "nosuch"),
])
def test_wrong_usage(arguments, message):
    result = stap(*arguments)
    assert result.status == 1, result
    assert message in result.err
    assert result.out == ""


def test_passes_stop():
    for number in "1234":
        result = stap(f"-p{number}", "-e", HELLO).ok()
        assert "hello" not in result.lines, number
    assert "begin" in stap("-p2", "-e", HELLO).out
    assert os.path.exists(stap("-p4", "-e", HELLO).out.strip().splitlines()[-1])
    assert stap("-p", "5", "-e", HELLO).ok().out == "hello\n"


def test_pass1_is_canonical():
    text = ('global a%[10], b = 3 function f:long(x:long, y) { return x ? y : 3 } '
            'probe begin, timer.s(1) { foreach ([p+, q] in a limit 3) { if (p == 1) next; else break } '
            'try { delete a[1, *] } catch (e) { printf("%d\\n", f(1, 2) << 3 . "") } }')
    text = text.replace(' . ""', "")
    first = stap("-p1", "-e", text).ok().out
    again = stap("-p1", "-", data="\n".join(first.splitlines()[2:] if first.startswith("#") else
                                            first.splitlines())).ok().out
    strip = re.compile(r"^# (file|parse).*\n", re.M)
    assert strip.sub("", again) == strip.sub("", first)


def test_pass2_shows_types():
    out = stap("-p2", "-e", 'global n, s, a function f(x) { return x . "y" } '
               'probe begin { n++; s <<< n; a["k", 1] = f("z"); println(n, @count(s), a["k", 1]) exit() }').ok().out
    for part in ("# globals", "n:long", "s:stats", "a:string [string, long]", "# functions", "f:string (x:string)",
                 "# probes", "begin /* <- begin */"):
        assert part in out, part


def test_verbose_reports_each_pass():
    err = script(HELLO, "-v").ok().err
    for number, verb in ((1, "parsed user script"), (2, "analyzed script"), (3, "translated"), (4, "compiled"),
                         (5, "starting run"), (5, "run completed")):
        assert re.search(rf"^Pass {number}: .*{verb}", err, re.M), (number, err)
    assert re.search(r"in \d+usr/\d+sys/\d+real ms", err)


def test_verbose_of_one_pass():
    err = script(HELLO, "--vp", "01").ok().err
    assert "Pass 2" in err and "Pass 1:" not in err


def test_output_file(tmp_path):
    path = tmp_path / "out"
    result = script(HELLO, "-o", str(path)).ok()
    assert result.out == "" and path.read_text() == "hello\n"
    path.write_text("old contents, longer than the new ones\n")
    script(HELLO, "-o", str(path)).ok()
    assert path.read_text() == "hello\n"


def test_output_file_name_has_the_time(tmp_path):
    script(HELLO, "-o", f"{tmp_path}/%Y.out").ok()
    assert (tmp_path / f"{time.strftime('%Y')}.out").read_text() == "hello\n"


def test_output_file_that_cannot_be_written():
    result = script(HELLO, "-o", "/no/such/directory/out")
    assert result.status == 1 and "/no/such/directory/out" in result.err


def test_output_switches_files_by_size(tmp_path):
    text = 'probe begin { for (i = 0; i < 60000; i++) printf("%063d\\n", i); exit() }'
    script(text, "-o", f"{tmp_path}/out", "-S", "1,2", "-D", "MAXACTION_INTERRUPTIBLE=1000000").ok()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2, files
    assert all(f.stat().st_size <= 1 << 20 for f in files)
    last = max(files, key=lambda f: f.read_text().splitlines()[-1])
    assert last.read_text().endswith(f"{59999:063d}\n")


def test_additional_script():
    result = stap("-E", 'probe begin(-1) { println("first") }', "-E", 'probe end { println("last") }', "-e", HELLO)
    assert result.ok().lines == ["first", "hello", "last"]


def test_defines_and_globals():
    assert script("global n = 1 probe oneshot { println(n) }", "-G", "n=77").ok().out == "77\n"
    assert script('global s = "a" probe oneshot { println(s) }', "-G", "s=text").ok().out == "text\n"
    assert "MAXACTION exceeded" in script("probe oneshot { while (1) i++ }",
                                          "-DMAXACTION_INTERRUPTIBLE=50").failed().err


def test_include_directory(tmp_path):
    (tmp_path / "mine.stp").write_text('function mine() { return 42 } probe my.point = begin { v = mine() }\n')
    (tmp_path / "mine.stpm").write_text("@define mine_macro %( 7 %)\n")
    text = "probe my.point { println(v, @mine_macro) exit() }"
    assert stap("-I", tmp_path, "-e", text).ok().out == "427\n"
    assert stap("-e", text).status == 1


def test_command_starts_when_probes_are_armed():
    program = compile_target("places.c")
    for _ in range(5):
        assert trace(program, 'probe process(PROG).function("main") { println("main") }').ok().out == "main\n"


def test_command_output_and_arguments():
    result = script('probe end { println("end") }', "-c", "echo 'one  two' $((1 + 2))").ok()
    assert result.lines == ["one  two 3", "end"]


def test_number_of_the_command():
    """$$ in the command is its own number, not that of stap."""
    result = script("probe begin { println(target()) }", "-c", 'sh -c "echo $$"').ok()
    assert len(result.lines) == 2 and result.lines[0] == result.lines[1]


def test_command_status_is_reported():
    result = script('probe end { println("end") }', "-c", "exit 3")
    assert result.lines == ["end"]
    assert re.search(r"WARNING: .*exited with status:? 3", result.err), result.err
    result = script('probe end { println("end") }', "-c", "sh -c 'kill -9 $$'")
    assert re.search(r"WARNING: .*(signal:? 9|Killed|status:? 137)", result.err), result.err


def test_command_that_does_not_exist():
    result = script('probe end { println("end") }', "-c", "/no/such/program")
    assert "/no/such/program" in result.err


def test_command_is_ended_with_the_script():
    with background("-e", "probe timer.ms(200) { exit() }", "-c", "sleep 60") as stap_:
        assert stap_.finish(10).status is not None
        left = run(["pgrep", "-g", str(stap_.pid)])
        assert left.out == ""


def test_command_has_target():
    assert re.fullmatch(r"\d+\n", script("probe begin { println(target()) } ", "-c", "true").ok().out)


def test_x_of_a_process_that_ends(beside):
    waits = beside(compile_target("waits.c"), "10")
    with background("-x", str(waits.pid), "-e", 'probe begin { println("ready") } probe end { println("end") }') as s:
        s.wait_for("ready")
        waits.process.kill()
        waits.process.wait()
        time.sleep(0.3)
        s.signal(signal.SIGINT)
        assert s.finish(10).lines == ["ready", "end"]


def test_x_of_no_process():
    result = script("probe begin { exit() }", "-x", "4194300")
    assert result.status == 1 and "4194300" in result.err


def test_timing_report():
    program = compile_target("places.c")
    result = trace(program, 'probe process(PROG).function("jumps") { n++ } probe begin { n++ }', "-t")
    text = result.out + result.err
    assert re.search(r"----- probe hit report:", text)
    line = [l for l in text.splitlines() if "jumps" in l][0]
    assert re.search(r"hits: 5\b", line)
    assert re.search(r"cycles: \d+min/\d+avg/\d+max, variance: [1-9]\d*, from: ", line)


def test_warnings_suppressed_and_fatal():
    text = 'global unused_one probe begin { unused_one[1]; println(1) exit() }'
    assert "WARNING" in script(text).err
    assert "WARNING" not in script(text, "-w").err
    assert script(text, "-W").status == 1


def test_unoptimised_gives_the_same():
    text = 'function f(x) { return x * 2 } probe oneshot { a = 3; b = f(a) + 1; if (0) println("no") println(b) }'
    assert script(text).ok().out == script(text, "-u").ok().out == "7\n"


def test_keep_directory():
    result = script(HELLO, "-k")
    assert result.ok().out == "hello\n"
    assert re.search(r'Keeping temporary directory "(.*)"', result.err)
    path = re.search(r'Keeping temporary directory "(.*)"', result.err).group(1)
    assert os.path.isdir(path)
    subprocess.run(["rm", "-rf", path], check=True)


def test_end_of_options():
    assert stap("-e", "probe oneshot { println(@1) }", "--", "-x").ok().out == "-x\n"
    assert stap("-e", "probe oneshot { println(@1, @2) }", "--", "-v", "b").ok().out == "-vb\n"


def test_options_file(tmp_path):
    (tmp_path / "rc").write_text("-G n=5\n")
    result = script("global n = 1 probe oneshot { println(n) }", env={"SYSTEMTAP_DIR": str(tmp_path)})
    assert result.ok().out == "5\n"


def test_dump_probe_types():
    lines = stap("--dump-probe-types").ok().lines
    assert lines == sorted(lines)
    for name in ("begin", "begin(number)", "never", "process(string).function(string)", "timer.profile",
                 "process(string).function(string).return", "process(string).mark(string)", "timer.ms(number)",
                 "timer.ms(number).randomize(number)", "process(string).statement(string)", "process.begin",
                 "process(number).syscall.return", "process(string).library(string).function(string)"):
        assert name in lines, name


def test_dump_functions():
    lines = stap("--dump-functions").ok().lines
    for name in ("pid:long ()", "execname:string ()", "user_string:string (addr:long)", "print_ubacktrace:unknown ()",
                 "strlen:long (s:string)", "thread_indent:string (delta:long)"):
        assert any(line.startswith(name.split(" (")[0]) for line in lines), name


def test_dump_probe_aliases():
    assert any("=" in line for line in stap("--dump-probe-aliases").ok().lines)


def test_compiled_script_is_cached(tmp_path):
    env = {"SYSTEMTAP_DIR": str(tmp_path)}
    program = compile_target("places.c")
    text = 'probe process("%s").function("outer") { println("hit") }' % program
    for _ in range(2):
        assert script(text, "-c", str(program), env=env).ok().out == "hit\n"


def test_cache_notices_a_rebuilt_program(tmp_path):
    """The same script on a new binary at the same path must not use the old addresses."""
    source = tmp_path / "p.c"
    for body, value in (("int f(int a) { return a; } int main() { return f(1) - 1; }", "1"),
                        ("int g() { return 1; } int pad() { return g(); } int f(int a) { return a; } "
                         "int main() { return f(2) - 2 + pad() - 1; }", "2")):
        source.write_text(body)
        subprocess.run(["gcc", "-g", "-O0", "-o", tmp_path / "p", source], check=True)
        text = f'probe process("{tmp_path}/p").function("f") {{ println($a) }}'
        assert script(text, "-c", f"{tmp_path}/p").ok().out == value + "\n"


def test_without_rights():
    """One message that names what is missing; not a crash, not a list of failures."""
    program = compile_target("places.c")
    os.chmod(STAP, 0o755)
    result = run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                  "--bounding-set=-all",
                  STAP, "-e", f'probe process("{program}").function("outer") {{ println("no") }}', "-c", "true"],
                 env={"HOME": "/tmp", "SYSTEMTAP_DIR": "/tmp/bpftap-nobody"})
    if "Permission denied" in result.err and "setpriv" in result.err:
        pytest.skip("the build is in a directory that other users cannot enter")
    assert result.status == 1
    assert re.search(r"CAP_\w+|perf_event_paranoid|unprivileged_bpf_disabled|root", result.err), result.err
    assert len(result.err.splitlines()) <= 4, result.err


def test_standard_input_is_left_to_the_command():
    result = stap("-e", 'probe end { println("end") }', "-c", "cat", data="input text\n")
    assert result.ok().out == "input text\nend\n"


@pytest.mark.parametrize("option", [
    "-b", "-P", "-Bx=y", "-R/nonexistent", f"-a{os.uname().machine}", "--bpf", "--runtime=kernel", "--runtime=bpf",
    "--prologue-searching", "--prologue-searching=never", "--check-version", "--tmpdir=/tmp", "--modinfo=a=b",
    "--download-debuginfo", "--download-debuginfo=60", "--save-uprobes", "--sign-module", "--use-server-on-error",
    "--remote=direct://", "--remote-prefix", "--all-modules", "--disable-cache", "--poison-cache",
    "--skip-badvars", "--suppress-handler-errors", "--no-global-var-display", "--compatible=4.0", "--unprivileged"])
def test_option_accepted_for_the_sake_of_existing_command_lines(option):
    result = stap(option, "-e", HELLO).ok()
    assert result.out == "hello\n" and result.err == ""


def test_monitor_mode_is_warned_about():
    result = stap("--monitor=2", "-e", HELLO).ok()
    assert result.out == "hello\n" and result.err.startswith("WARNING: Monitor mode is not supported")


def test_resource_limits():
    limits = 'probe begin { system("ulimit -t; ulimit -f") } probe timer.ms(200) { exit() }'
    assert stap("--rlimit-cpu=77", "--rlimit-fsize=1048576", "-e", limits).ok().out == "77\n2048\n"


def test_example():
    assert stap("--example", "tcp-close.stp", "-p1", "x").ok().out.startswith("# parse tree dump\n")
    assert "Input file 'nosuch.stp' is missing." in stap("--example", "nosuch.stp").failed().err


def test_path_of_the_target_machine(tmp_path):
    (tmp_path / "opt").mkdir()
    shutil.copy2(compile_target("places.c", "-O0", "-g"), tmp_path / "opt" / "here")
    result = stap("--sysroot", tmp_path, "--sysenv=PATH=/opt", "-l", 'process("here").function("outer")').ok()
    assert result.out.startswith(f'process("{tmp_path}/opt/here").function("outer@')


def test_unprivileged_scripts_do_not_watch_the_kernel():
    for point in ('kernel.trace("sched_switch")', "timer.profile"):
        result = script(f"probe {point} {{ println(1) }}", "-p2", "--privilege=stapusr").failed()
        assert "probe point is not allowed for --privilege=stapusr: identifier" in result.err
    assert script("probe timer.s(1), process.begin { println(1) }", "-p2", "--unprivileged").ok()
    assert script('probe kernel.trace("sched_switch") { println(1) }', "-p2", "--privilege=stapsys").ok()


def test_namespaces_of_another_process(beside):
    program = compile_target("waits.c", "-O0", "-g")
    outer = beside("unshare", "--pid", "--fork", program, "20")
    child = int(wait_until(lambda: run(["pgrep", "-P", outer.pid]).out, what="the program in its namespace"))
    text = f'probe process("{program}").function("tick") {{ println(ns_pid(), " ", ns_uid()) exit() }}'
    assert script(text).ok().out == f"{child} 0\n"
    assert script(text, f"--target-namespaces={child}").ok().out == "1 0\n"
