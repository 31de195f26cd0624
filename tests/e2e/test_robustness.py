# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong around stap: killed processes, full disks, broken files, hostile scripts."""
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from support import Background, SANITIZED, STAP, TOP, background, compile_target, run, script, stap, trace, wait_until, \
    with_program


def uprobe_slows(program):
    """True when hit() of tests/targets/hits.c is still armed: a million calls then cost much more."""
    def seconds():
        started = time.monotonic()
        subprocess.run([program, "200000", "1"], check=True)
        return time.monotonic() - started
    return min(seconds() for _ in range(3)) > 0.05


def test_target_killed():
    program = compile_target("waits.c")
    text = with_program('probe process(PROG).function("tick") { if (n++ == 6) println("six") } '
                        'probe end { println("end ", n > 5) } global n', program)
    with background("-e", text, "-c", f"{program} 2") as stap_:
        child = wait_until(lambda: run(["pgrep", "-P", str(stap_.pid)]).out.split(), what="the command")[0]
        stap_.wait_for("six")
        os.kill(int(child), signal.SIGKILL)
        result = stap_.finish(10)
        assert result.status is not None and result.lines == ["six", "end 1"]


def test_stap_killed_leaves_nothing_armed():
    program = compile_target("hits.c", "-O2", "-g")
    assert not uprobe_slows(program)
    text = with_program('probe process(PROG).function("hit") { n++ } global n probe begin { println("ready") } '
                        'probe end { println(n) }', program)
    with background("-e", text) as stap_:
        stap_.wait_for("ready")
        wait_until(lambda: uprobe_slows(program), what="the probe to be armed")
        stap_.signal(signal.SIGKILL)
        stap_.process.wait()
        wait_until(lambda: not uprobe_slows(program), timeout=5, what="the probe to go")


def test_full_disk(tmp_path):
    if os.system(f"mount -t tmpfs -o size=64k none {tmp_path} 2>/dev/null"):
        pytest.skip("cannot mount a tmpfs here")
    try:
        result = script('probe timer.ms(1) { for (i = 0; i < 100; i++) printf("%0100d\\n", i) } '
                        'probe timer.s(2) { exit() }', "-o", f"{tmp_path}/out", timeout=20)
        assert result.status == 1
        assert "No space left on device" in result.err
        assert len(result.err.splitlines()) < 10, result.err
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_full_device():
    with open("/dev/full", "w") as full:
        process = subprocess.run([STAP, "-e", 'probe begin { println("x") exit() }'], stdout=full,
                                 stderr=subprocess.PIPE, timeout=20)
    assert process.returncode == 1
    assert b"No space left on device" in process.stderr


def test_limit_on_the_size_of_files(tmp_path):
    """A message, not SIGXFSZ; the command of -c has the signal."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
    out = tmp_path / "out"
    result = script("probe timer.ms(1) { for (i = 0; i < 100; i++) println(i) }", "-o", out, preexec_fn=limit)
    assert result.status == 1 and f"ERROR: Couldn't write to {out}: File too large" in result.err
    result = script('probe end { println("end") }', "-c", f"head -c 100000 /dev/zero >{out}", preexec_fn=limit)
    assert result.status == 1 and "Child process exited with status 153" in result.err


def test_closed_standard_output():
    """The reader goes away (stap ... | head -1): no endless run, no crash."""
    process = subprocess.Popen([STAP, "-e", 'probe timer.ms(5) { println("line") }'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    try:
        process.wait(10)
    finally:
        process.kill()
    assert process.returncode != -signal.SIGSEGV and process.returncode is not None


def test_standard_output_closed_from_the_start():
    result = run(["sh", "-c", f"exec '{STAP}' -e 'probe begin {{ println(1) exit() }}' >&-"])
    assert result.status == 1
    assert result.err.startswith("ERROR: Couldn't write to standard output: ")
    assert run(["sh", "-c", f"exec '{STAP}' -e 'probe begin {{ exit() }}' >&-"]).status == 0


def damaged(program, tmp_path, name, change):
    data = bytearray(program.read_bytes())
    data = change(data)
    path = tmp_path / name
    path.write_bytes(data)
    path.chmod(0o755)
    return path


def orderly(result):
    """Success or one of the ordinary failures; never a signal, a timeout or a sanitizer's complaint."""
    assert result.status in (0, 1), result
    assert "Sanitizer" not in result.err and "runtime error" not in result.err, result.err
    return result


@pytest.mark.parametrize("length", [0, 1, 4, 16, 52, 63, 64, 100, 700, 4000, 9000])
def test_truncated_elf(places, tmp_path, length):
    path = damaged(places, tmp_path, "truncated", lambda data: data[:length])
    for option in ("-l", "-L"):
        assert orderly(stap(option, f'process("{path}").function("*")')).status == 1 or length > 64
    result = orderly(stap("-p2", "-e", f'probe process("{path}").function("outer") {{ println($value) }}'))
    assert result.status == 1 and str(path) in result.err
    if length < 64:
        assert "WARNING: cannot use program: " in result.err


def test_truncated_at_every_kind_of_place(places, tmp_path):
    size = places.stat().st_size
    for length in range(64, size, max(1, size // 12)):
        path = damaged(places, tmp_path, "truncated", lambda data: data[:length])
        orderly(stap("-L", f'process("{path}").function("*")'))


def sections(program):
    """Name -> (offset, size) of the sections of an ELF file."""
    out = subprocess.check_output(["readelf", "-SW", program], text=True)
    found = {}
    for match in re.finditer(r"\] (\.\S+)\s+\S+\s+[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)", out):
        found[match.group(1)] = (int(match.group(2), 16), int(match.group(3), 16))
    return found


@pytest.mark.parametrize("section", [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".eh_frame",
                                     ".symtab", ".strtab", ".dynsym", ".note.gnu.build-id", ".debug_loclists",
                                     ".debug_rnglists", ".debug_aranges", ".debug_line_str"])
def test_corrupted_section(tmp_path, section):
    program = compile_target("places.c", "-O2", "-g")
    where = sections(program).get(section)
    assert where, section
    generator = random.Random(section)
    for fill in ("zeros", "ones", "noise", "some"):
        def change(data):
            offset, size = where
            if fill == "some":
                for _ in range(20):
                    data[offset + generator.randrange(size)] = generator.randrange(256)
            else:
                data[offset:offset + size] = {"zeros": bytes(size), "ones": b"\xff" * size,
                                              "noise": generator.randbytes(size)}[fill]
            return data
        path = damaged(program, tmp_path, f"{fill}", change)
        orderly(stap("-L", f'process("{path}").function("*")'))
        orderly(stap("-p4", "-e", f'probe process("{path}").function("*").call {{ println($$vars$) print_ubacktrace() }}'))


# how .debug_info and .debug_abbrev are broken, and what is told of it
BROKEN = {
    "entries": (lambda info, abbrev: (info[:40] + bytes(b ^ 0x5a for b in info[40:]), abbrev),
                r"unknown abbreviation \d+"),
    "length": (lambda info, abbrev: ((3 * len(info)).to_bytes(4, "little") + info[4:], abbrev),
               r"a unit of 0x[0-9a-f]+ bytes where 0x[0-9a-f]+ are left"),
    "version": (lambda info, abbrev: (info[:4] + b"\x63\0" + info[6:], abbrev),
                r"a unit of version 99 with addresses of 8 bytes"),
    "no abbreviations": (lambda info, abbrev: (info, bytes(len(abbrev))), r"no abbreviations at 0x0 of \.debug_abbrev"),
    "early end": (lambda info, abbrev: (info[:46] + bytes(1) + info[47:], abbrev),
                  r"a unit whose entries end before it does"),
    "root cut": (lambda info, abbrev: ((60).to_bytes(4, "little") + info[4:64] + info[64:], abbrev),
                 r".* (unit|bytes|entry|attribute|abbreviation).*"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_damaged_debug_information_is_told(tmp_path, kind):
    program = compile_target("places.c", "-O0", "-g")
    change, what = BROKEN[kind]
    where = sections(program)

    def breaking(data):
        (info, ninfo), (abbrev, nabbrev) = where[".debug_info"], where[".debug_abbrev"]
        data[info:info + ninfo], data[abbrev:abbrev + nabbrev] = change(bytes(data[info:info + ninfo]),
                                                                      bytes(data[abbrev:abbrev + nabbrev]))
        return data
    path = damaged(program, tmp_path, "broken", breaking)
    warning = re.compile(rf'WARNING: debug information of "{path}" is damaged: {what} '
                         r'\(\.debug_info, offset 0x[0-9a-f]+\)\n.*symbols.*install.*\n')
    # functions are found by their symbols
    result = script(f'probe process("{path}").function("outer") {{ println(ppfunc()) }}', "-c", f"{path}").ok()
    assert set(result.lines) == {"outer"}
    assert len(warning.findall(result.err)) == 1, result.err
    # variables are not, and the reason is told
    result = orderly(stap("-p2", "-e", f'probe process("{path}").function("outer") {{ println($value) }}'))
    assert result.status == 1 and len(warning.findall(result.err)) == 1, result.err


def test_sound_debug_information_is_not_damaged():
    for flags in (["-O0", "-g"], ["-O2", "-g3", "-gdwarf-4"], ["-O2", "-g", "-fdebug-types-section"]):
        program = compile_target("places.c", *flags)
        result = stap("-p2", "-e", f'probe process("{program}").function("*") {{ println($$vars$) }}').ok()
        assert "damaged" not in result.err


def test_corrupted_headers(places, tmp_path):
    generator = random.Random(1)
    for number in range(25):
        def change(data):
            for _ in range(4):
                data[generator.randrange(64 if number % 2 else 1000)] = generator.randrange(256)
            return data
        path = damaged(places, tmp_path, "headers", change)
        orderly(stap("-L", f'process("{path}").function("*")'))


def test_corrupted_marks(tmp_path):
    program = compile_target("marks.c", "-O2", "-g")
    offset, size = sections(program)[".note.stapsdt"]
    generator = random.Random(2)
    for _ in range(15):
        def change(data):
            for _ in range(6):
                data[offset + generator.randrange(size)] = generator.randrange(256)
            return data
        path = damaged(program, tmp_path, "marks", change)
        orderly(stap("-L", f'process("{path}").mark("*")'))
        orderly(stap("-p4", "-e", f'probe process("{path}").mark("*") {{ println($$vars) }}'))


def test_unreadable_binary(places, tmp_path):
    directory = tmp_path / "directory"
    directory.mkdir()
    for path in (directory, "/dev/null", "/proc/self/mem"):
        result = orderly(stap("-e", f'probe process("{path}").function("main") {{ }}'))
        assert result.status == 1 and "semantic error" in result.err
    text = tmp_path / "text"
    text.write_text("just text\n")
    text.chmod(0o755)
    result = orderly(stap("-e", f'probe process("{text}").function("main") {{ }}'))
    assert result.status == 1 and len(result.err.splitlines()) < 12


def test_binary_without_read_permission(places, tmp_path):
    path = tmp_path / "secret"
    shutil.copy2(places, path)
    path.chmod(0o111)
    tmp_path.chmod(0o755)
    result = run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                  "--inh-caps=-all", STAP, "-l", f'process("{path}").function("*")'],
                 env={"HOME": "/tmp", "SYSTEMTAP_DIR": "/tmp/bpftap-nobody"})
    assert result.status not in (0, None) and result.out == ""


def test_huge_and_deep_scripts(tmp_path):
    """10 MB of text, ten thousand levels: an error or success, never a crash or a hang."""
    cases = {
        "parentheses": "probe begin { x = " + "(" * 10000 + "1" + ")" * 10000 + " }",
        "blocks": "probe begin { " + "{" * 10000 + "}" * 10000 + " }",
        "unclosed": "probe begin { x = " + "(" * 10000,
        "ifs": "probe begin { " + "if (1) " * 10000 + "; }",
        "unary": "probe begin { x = " + "-" * 10001 + "1 }",
        "ternary": "probe begin { x = " + "1 ? 2 : " * 10000 + "3 }",
        "preprocessor": "%( 1 == 1 %? " * 10000 + " %)" * 10000,
        "chain": "probe process.function(\"x\") { y = $a" + "->b" * 10000 + " }",
        "braces": "probe " + "{a," * 10000 + "b" + "}" * 10000 + " { }",
        "macros": "\n".join(f"@define m{i} %( @m{i + 1} @m{i + 1} %)" for i in range(60)) + "\n@define m60 %( 1 %)\n"
                  "probe begin { x = @m0 }",
        "self macro": "@define m %( @m %) probe begin { x = @m }",
        "long line": "probe begin { x = 1" + " + 1" * 400000 + " }",
        "long string": 'probe begin { println("' + "a" * 2000000 + '") exit() }',
        "ten megabytes": "x " * 5000000,
        "comment": "/*" + "x" * 10000000,
        "many probes": "probe begin { } " * 20000,
    }
    path = tmp_path / "case.stp"
    for name, text in cases.items():
        path.write_text(text)
        result = run([STAP, "-p2", path], timeout=60)
        assert result.status in (0, 1), (name, result.status, result.err[-500:])
        assert "Sanitizer" not in result.err, (name, result.err[-3000:])


def test_random_scripts():
    """Broken pieces of real scripts never crash the compiler."""
    pieces = ("probe begin { } ( ) [ ] , ; . : ? ! = += == <<< << <= -> $x $1 @1 @count @cast @var @define %( %) %? %: "
              '"s" 1 0x foreach for while if else delete try catch next return function global private in limit '
              "print printf println sprint * ** a b [*] =~ & $$vars $x$ $x$$ %{ %} /* // \n").split(" ")
    generator = random.Random(3)
    batch = ["probe begin { " * generator.randrange(2) + " ".join(generator.choice(pieces)
                                                                  for _ in range(generator.randrange(1, 40)))
             for _ in range(60)]
    for text in batch:
        result = orderly(run([STAP, "-p2", "-e", text], timeout=20))
        assert result.status == 0 or "error" in result.err, text


def test_binary_input(tmp_path):
    path = tmp_path / "noise.stp"
    generator = random.Random(4)
    for _ in range(10):
        path.write_bytes(generator.randbytes(2000))
        orderly(run([STAP, "-p2", path], timeout=20))


def test_damaged_at_random(tmp_path):
    """Some seconds of tests/fuzz/run: damaged ELF files and scripts."""
    result = run([sys.executable, TOP / "tests/fuzz/run", "--build", STAP.parents[2], "--seconds", "4",
                  "--keep", tmp_path / "found"], timeout=120)
    runs, kept = re.search(r"(\d+) runs, (\d+) kept", result.out).groups()
    assert result.status == 0 and int(runs) > 40 and kept == "0", result.out + result.err


def test_little_memory(places):
    """An address-space limit gives a message, not a crash."""
    if SANITIZED:
        pytest.skip("the sanitizer itself needs more address space")

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
    with Background([STAP, "-e", 'probe begin { println("x") exit() }'], preexec=limit) as stap_:
        assert stap_.finish(20).status in (0, 1)


def test_elements_are_read_in_little_memory():
    """foreach needs memory for the elements that are there, not for all that the array may have."""
    if SANITIZED:
        pytest.skip("the sanitizer itself needs more address space")
    program = compile_target("hits.c", "-O2", "-g")
    text = with_program('global a[2500000] probe process(PROG).function("hit") { a[$number] = $number * 2 } '
                        'probe end { foreach (k in a) { n++; sum += a[k] } println(n, " ", sum) } global n, sum', program)

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (60 << 20, 60 << 20))
    with Background([STAP, "-e", text, "-c", f"{program} 1000 1"], preexec=limit) as stap_:
        assert stap_.finish(20).ok().out == "1000 999000\n"


@pytest.mark.parametrize("megabytes", [10, 30, 50, 60])
def test_too_little_memory(megabytes):
    """It ends, saying why, and leaves no core."""
    if SANITIZED:
        pytest.skip("the sanitizer itself needs more address space")

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    text = 'probe syscall.* { a[name] <<< 1 } global a probe timer.ms(200) { exit() }'
    result = script(text, preexec_fn=limit)
    assert result.status == 0 or (result.status == 1 and re.search("memory", result.err)), result


def test_too_many_open_files(places):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
    with Background([STAP, "-e", with_program('probe process(PROG).function("outer") { println("hit") }', places),
                     "-c", str(places)], preexec=limit) as stap_:
        assert stap_.finish(20).status in (0, 1)


def test_two_staps_on_one_function(places):
    text = 'probe process(PROG).function("outer") { println("hit ", $value) }'
    with background("-e", with_program("probe begin { println(\"ready\") } " + text, places)) as other:
        other.wait_for("ready")
        assert trace(places, text).ok().lines == ["hit 5"]
        other.wait_for("hit 5")
        other.signal(signal.SIGINT)
        other.finish(10).ok()


def test_interrupt_while_probes_fire():
    program = compile_target("hits.c", "-O2", "-g")
    text = with_program('probe begin { println("ready") } probe process(PROG).function("hit") { printf("%d\\n", $number) } '
                        'probe end { println("end") }', program)
    with background("-e", text) as stap_, Background([program, "100000000", "2"]):
        stap_.wait_for(r"ready\n\d+\n")
        started = time.monotonic()
        stap_.signal(signal.SIGINT)
        result = stap_.finish(15).ok()
        assert time.monotonic() - started < 5
        assert result.lines[-1] == "end"


def test_interrupt_with_many_probes_returns_within_a_second():
    from support import nginx_binary
    text = f'probe process("{nginx_binary()}").function("*").call {{ n++ }} probe begin {{ println("ready") }} global n ' \
           'probe end { println("end ", n) }'
    with background("-e", text) as stap_:
        stap_.wait_for("ready", timeout=30)
        started = time.monotonic()
        stap_.signal(signal.SIGINT)
        result = stap_.finish(10).ok()
        assert time.monotonic() - started < (1 if not SANITIZED else 4)
        assert result.lines[-1] == "end 0"


def test_no_process_left(places):
    with background("-e", with_program('probe process(PROG).function("outer") { println("hit") }', places), "-c",
                    str(places)) as stap_:
        assert stap_.finish(20).ok().lines == ["hit"]
        assert run(["pgrep", "-s", str(stap_.pid)]).out == ""


def test_no_file_left(places):
    """What it changes in /tmp goes to a layer of its own, as other programs use the machine's."""
    text = with_program('probe process(PROG).function("outer") { println("hit") }', "/mnt/places")
    alone = (f"mount -t tmpfs none /mnt && cp {places} /mnt && mkdir /mnt/upper /mnt/work && "
             "mount -t overlay -o lowerdir=/tmp,upperdir=/mnt/upper,workdir=/mnt/work none /tmp || exit 77")
    result = run(["unshare", "-m", "sh", "-c", f'{alone}; "$@"; ls -A /mnt/upper', "sh", STAP, "-e", text, "-c",
                  "/mnt/places"],
                 env={"SYSTEMTAP_DIR": "/mnt/systemtap"})
    if result.status == 77:
        pytest.skip("no mount namespaces here")
    assert result.ok().out == "hit\n", result


@pytest.mark.parametrize("kind, why", (("none", "no vmlinux of {release} with debug information"),
                                       ("garbage", "{path} is not an ELF file"),
                                       ("other", "{path} is of another build than the running kernel")))
def test_debug_information_of_the_kernel_that_cannot_be_used(tmp_path, kind, why):
    release = os.uname().release
    path = tmp_path / "boot" / f"vmlinux-{release}"
    path.parent.mkdir()
    if kind == "garbage":
        path.write_bytes(b"\xff" * 1000)
    elif kind == "other":
        path.write_bytes(STAP.read_bytes())
    servers = "http://127.0.0.1:9"      # nobody is there
    for urls, advice in ("", ", or set DEBUGINFOD_URLS;"), (servers, " (the servers of DEBUGINFOD_URLS do not give it);"):
        env = {"SYSTEMTAP_DEBUGINFO_PATH": str(tmp_path), "DEBUGINFOD_URLS": urls}
        result = script('probe kernel.statement("vfs_read@fs/read_write.c:*") { exit() }', env=env).failed()
        assert why.format(path=path, release=release) in result.err
        assert f"linux-image-{release}-dbg{advice}" in result.err


def test_kprobes_of_another_kernel(tmp_path, places):
    """By the symbols of its vmlinux, which a program stands for here; what is in modules is believed."""
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "vmlinux-5.10.0").write_bytes(places.read_bytes())
    env = {"SYSTEMTAP_DEBUGINFO_PATH": str(tmp_path)}

    def listed(pattern, *more, env=env):
        result = stap("-r", "5.10.0", *more, "-l", pattern, env=env)
        assert result.status == (0 if result.out else 1)
        return result.lines

    assert listed('kprobe.function("outer")') == ['kprobe.function("outer")']
    assert listed('kprobe.function("o*e*").return') == ['kprobe.function("other").return', 'kprobe.function("outer").return']
    assert listed('kprobe.function("nosuch")') == listed('kprobe.function("vfs_read")') == []
    assert listed('kprobe.function("outer@places.c")') == []
    assert listed('kprobe.function("outer")', env={"SYSTEMTAP_DEBUGINFO_PATH": str(tmp_path / "none")}) == []
    assert listed('kprobe.module("m").function("f").call') == ['kprobe.module("m").function("f").call']
    assert listed("kprobe.statement(0xffffffff81000000).absolute", "-g") == \
        ["kprobe.statement(0xffffffff81000000).absolute"]
    assert not listed("kprobe.statement(0xffffffff81000000).absolute")
    alone = script('probe kprobe.function("vfs_read") { println(1) }', "-r", "5.10.0", "-p2",
                   env={"SYSTEMTAP_DEBUGINFO_PATH": str(tmp_path / "none")}).failed()
    assert "WARNING: Kernel function symbol table missing [man warning::symbols]" in alone.err
    text = 'probe kprobe.function("outer").return, kprobe.module("m").function("f") { println(ppfunc()) }'
    assert script(text, "-r", "5.10.0", "-p4", "-m", "kp", env=env, cwd=tmp_path).ok().out.endswith("kp.bpo\n")
