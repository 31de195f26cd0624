# SPDX-License-Identifier: GPL-2.0-or-later
"""syscall.NAME: system calls of both interfaces, their variables, and points that share one event."""
import os
import re
import subprocess
import sys

import pytest

from support import compile_target, script, stap


def test_open_and_its_return():
    text = ('probe syscall.openat { if (pid() == target()) '
            'printf("%s(%d) %s %s(%s)\\n", execname(), pid(), pn(), ppfunc(), argstr) } '
            'probe syscall.openat.return { if (pid() == target()) println(name, " = ", retstr) }')
    out = script(text, "-c", "cat /etc/hostname /nonexistent").out
    assert re.search(r'^cat\(\d+\) syscall\.openat __x64_sys_openat\(AT_FDCWD, "/etc/hostname", O_RDONLY\)\n'
                     r'openat = 3$', out, re.M), out
    assert re.search(r'AT_FDCWD, "/nonexistent", O_RDONLY\)\nopenat = -2 \(ENOENT\)$', out, re.M), out


def test_the_published_opensnoop():
    text = ('probe begin { print("tracing...\\n") } '
            'probe syscall.open* { printf("%s(%d) %s(%s)\\n", execname(), pid(), ppfunc(), argstr) }')
    out = script(text, "-c", "cat /etc/hostname").ok().out
    assert out.startswith("tracing...\n")
    assert re.search(r'^cat\(\d+\) __x64_sys_openat\(AT_FDCWD, "/etc/hostname", O_RDONLY\)$', out, re.M), out


def test_a_listing_shows_the_variables():
    assert stap("-L", "syscall.openat").ok().out == (
        "syscall.openat name:string dfd:long dfd_str:string filename:string filename_unquoted:string flags:long "
        "flags_str:string mode:long argstr:string $regs:struct pt_regs* $id:long int\n")
    names = stap("-l", "syscall.open*").ok().lines
    assert {"syscall.open", "syscall.open_by_handle_at", "syscall.openat", "syscall.openat2"} <= set(names)


def test_several_probes_of_one_call_all_run():
    text = ('global a, b, c probe syscall.getppid { if (pid() == target()) a++ } '
            'probe syscall.* { if (pid() == target() && name == "getppid") b++ } '
            'probe syscall.getppid { if (pid() == target()) a++ } '
            'probe nd_syscall.getppid.return { if (pid() == target()) c++ } probe end { println(a, " ", b, " ", c) }')
    command = sys.executable + " -c 'import os\nfor i in range(1000): os.getppid()'"
    assert script(text, "-c", command).ok().out == "2000 1000 1000\n"


def test_families_are_the_same_calls():
    """nd_syscall., tp_syscall., dw_syscall.: SystemTap's names for three ways to a call."""
    families = ("syscall", "nd_syscall", "tp_syscall", "dw_syscall")
    listed = [[line.removeprefix(f"{family}.") for line in stap("-l", f"{family}.*").ok().lines] for family in families]
    assert len(listed[0]) > 380 and all(names == listed[0] for names in listed)
    probes = ", ".join(f"{family}.getppid.return" for family in families)
    text = f'probe {probes} {{ if (pid() == target()) println(name, " ", retval == ppid()) }}'
    command = sys.executable + " -c 'import os; os.getppid()'"
    assert script(text, "-c", command).ok().lines == ["getppid 1"] * len(families)


def test_calls_that_are_many_have_the_names_of_their_parts():
    """ipc of 32-bit programs is semget and so on; by number it is what it is, like socketcall."""
    if not os.path.exists("/usr/lib32/libc.so"):
        pytest.skip("no C library of 32 bits (libc6-dev-i386)")
    text = ('probe syscall.semget, syscall.semop, syscall.compat_sys_semctl, syscall.compat_sys_msgrcv, syscall.shmget { '
            'if (pid() == target()) println(pn(), " ", name, " ", argstr) } global any '
            'probe syscall.semget.return { if (pid() == target()) println(name, " ", retval >= 0) } '
            'probe syscall_any { if (pid() == target() && syscall_nr == 117) any[name]++ } '
            'probe end { foreach (name in any) println(name, " ", any[name]) }')
    lines = script(text, "-c", str(compile_target("ipc.c", "-m32"))).ok().lines
    shown = [re.sub(r"0x[0-9a-f]{4,}", "ADDRESS", re.sub(r"(sem[oc]\w*|msgrcv) \d+,", r"\1 ID,", line))
             for line in lines]
    assert shown == [
        "syscall.semget semget IPC_PRIVATE, 3, IPC_CREAT|0600", "semget 1", "syscall.semop semop ID, ADDRESS, 1",
        "syscall.compat_sys_semctl semctl ID, 1, SETVAL|IPC_64, 0x5",
        "syscall.compat_sys_semctl semctl ID, 0, IPC_RMID|IPC_64, 0x0",
        "syscall.compat_sys_msgrcv msgrcv ID, ADDRESS, 8, 3, IPC_NOWAIT",
        "syscall.compat_sys_msgrcv msgrcv ID, ADDRESS, 8, 3, IPC_NOWAIT",
        "syscall.shmget shmget 0, 4096, IPC_CREAT|0600", "ipc 15"], lines


def test_the_points_of_the_tapset_are_no_users_business():
    assert "__syscall" not in stap("--dump-probe-types").ok().out


def test_returns_of_processes():
    text = ('probe syscall.vfork.return, syscall.clone.return, syscall.clone3.return, syscall.execve.return '
            '{ if (target_set_pid(pid()) && retval >= 0) println(name, " ", retval > 0 ? "parent" : execname()) } '
            'probe syscall.wait4.return { if (target_set_pid(pid()) && retval > 0) println(status_str) }')
    out = script(text, "-c", "sh -c '/bin/true; /bin/true; true'").ok().lines
    assert "execve true" in out and "WEXITSTATUS=0" in out, out
    assert any(line.endswith(" parent") for line in out), out


def test_formats_of_results():
    text = ('probe syscall.mmap2.return, syscall.umask.return, syscall.brk.return, syscall.pipe.return '
            '{ if (pid() == target()) println(name, " ", retstr) } '
            'probe syscall.pipe.return { if (pid() == target()) println("fds ", pipe0 > 2 && pipe1 == pipe0 + 1) }')
    out = script(text, "-c", f"{sys.executable} -c 'import os; os.umask(0o27); os.umask(0); os.pipe()'").ok().out
    assert "umask 027\n" in out and re.search(r"^mmap2 0x7[0-9a-f]+000$", out, re.M), out
    assert "pipe2 0\nfds 1\n" in out, out


def test_any_call():
    text = ('global enter, leave probe syscall_any { if (pid() == target()) enter[name, syscall_nr]++ } '
            'probe syscall_any.return { if (pid() == target() && retval > 0) leave[name]++ } '
            'probe end { println(enter["getppid", 110], " ", leave["getppid"]) }')
    command = sys.executable + " -c 'import os\nfor i in range(500): os.getppid()'"
    assert script(text, "-c", command).ok().out == "500 500\n"


def test_buffers_and_addresses():
    program = ("import os, socket\nos.write(1, b\"a\\0b\\xff\" + 60 * b\"x\" + b\"\\n\")\n"
               "s = socket.socket()\ns.connect_ex((\"127.0.0.1\", 9))\n"
               "t = socket.socket(socket.AF_INET6)\nt.connect_ex((\"::1\", 9))\n")
    text = ('probe syscall.write, syscall.connect, syscall.socket { if (pid() == target()) println(name, ": ", argstr) } '
            'probe syscall.connect { if (pid() == target()) println(uaddr_af, " ", uaddr_ip, " ", uaddr_ip_port) }')
    out = script(text, "-c", f"{sys.executable} -c '{program}'").ok().out
    assert 'write: 1, "a\\000b\\377' + 35 * "x" + '"..., 65\n' in out, out
    assert "socket: AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP\n" in out, out
    assert re.search(r"^connect: \d+, \{AF_INET, 127\.0\.0\.1, 9\}, 16\nAF_INET 127\.0\.0\.1 9$", out, re.M), out
    assert re.search(r"^connect: \d+, \{AF_INET6, 0:0:0:0:0:0:0:1, 9\}, 28$", out, re.M), out


def test_a_large_environment():
    text = 'probe syscall.execve { if (target_set_pid(pid()) && filename == "\\"/bin/true\\"") println(args, env_str) }'
    out = script(text, "-c", "env -i " + " ".join(f"V{i}=1" for i in range(500)) + " /bin/true a b").ok().out
    assert out == '["/bin/true", "a", "b"][/* 500 vars */]\n'


def test_every_alias_with_every_variable():
    """In groups: all of them compile, and the kernel takes them."""
    for suffix in ("", ".return"):
        lines = stap("-L", f"syscall.*{suffix}", timeout=120).ok().lines
        assert len(lines) > 430
        for i in range(0, len(lines), 90):
            text = ""
            for line in lines[i:i + 90]:
                name, *variables = line.split(" ")
                own = [v.split(":")[0] for v in variables if ":" in v and v[0] != "$"]
                text += f"probe {name} {{ if (pid() == target()) println({', '.join(own)}) }}\n"
            result = script(text, "-c", "/bin/true", timeout=120)
            assert result.status == 0 and "WARNING" not in result.err, result.err


def test_equal_handlers_are_one_program():
    lines = stap("-v", "-p4", "-e", "global calls probe syscall.* { calls[name]++ }", timeout=120).ok().err
    compiled = int(re.search(r"compiled (\d+) kernel handlers", lines)[1])
    assert compiled <= 10, lines


def test_entry_values_at_returns():
    """@entry(): the time and an argument as they were; all calls of a wildcard keep them in one place."""
    text = ('probe syscall.* { } probe syscall.*.return { if (pid() == target() && name == "clock_nanosleep") '
            'println(@entry(pid()) == pid(), " ", (gettimeofday_us() - @entry(gettimeofday_us())) / 300000) }')
    result = script(text, "-v", "-c", "sleep 0.4").ok()
    assert result.out.splitlines()[-1] in ("1 1", "1 2"), result.out
    assert int(re.search(r"Pass 4: compiled (\d+) kernel handlers", result.err).group(1)) < 50, result.err


def test_a_call_under_way_has_no_entry_value():
    """Its end is not told where it needs what was before the probes were armed."""
    text = ('global ends probe syscall.clock_nanosleep.return { if (pid() == target()) ends++ } '
            'probe syscall.clock_nanosleep.return { if (pid() == target()) println("slept ", @entry(name)) } '
            'probe syscall.exit_group { if (pid() == target()) exit() } probe end { println(ends) }')
    with subprocess.Popen(["sleep", "3"]) as sleeper:
        out = script(text, "-x", str(sleeper.pid)).ok().out
    assert out == "1\n"


def test_the_example_opensnoop():
    out = stap("--example", "opensnoop.stp", "-c", "cat /etc/hostname /nonexistent").out
    assert re.search(r'^cat\(\d+\) openat\(AT_FDCWD, "/etc/hostname", O_RDONLY\) = 3, \d+ us$', out, re.M), out
    assert re.search(r'^cat\(\d+\) openat\(.*"/nonexistent", O_RDONLY\) = -2 \(ENOENT\), \d+ us$', out, re.M), out


def test_parameters_by_the_kernels_names():
    """$filename and the like, of both interfaces, at the entry and at the return."""
    text = ('probe syscall.openat { if (pid() == target() && user_string($filename, "") == "/etc/hostname") '
            'printf("%d %d %s\\n", $dfd, $flags & 3, argstr) } '
            'probe syscall.openat.return { if (pid() == target() && user_string_n($filename, 4) == "/etc") '
            'println(user_string($filename), $dfd == @entry($dfd)) } '
            'probe nd_syscall.write { if (pid() == target()) println($fd, " ", user_string_n($buf, $count)) }')
    out = script(text, "-c", "cat /etc/hostname").out
    assert '-100 0 AT_FDCWD, "/etc/hostname", O_RDONLY\n' in out and "/etc/hostname1\n" in out, out
    with open("/etc/hostname", encoding="ascii") as f:
        assert f"1 {f.read()}" in out, out
    assert script("probe syscall.pread, syscall.mmap2, syscall.fstatat, syscall.futex { println($$name) } "
                  "probe syscall.pread { println($pos) } probe syscall.mmap2 { println($off) } "
                  "probe syscall.fstatat { println($statbuf) } probe syscall.futex { println($uaddr2) }",
                  "-p4").status == 0
    err = script("probe syscall.openat { println($filenam) }").err
    assert re.search(r"unable to find tracepoint variable '\$filenam' \(alternatives: \$filename, ", err), err


def test_result_by_the_name_that_results_of_functions_have():
    text = ('probe syscall.openat.return { if (pid() == target() && user_string($filename, "") == "/nonexistent") '
            'printf("%d %s %s %d\\n", $return, $$return, $$return$, @defined($return)) } '
            'probe nd_syscall.read.return { if (pid() == target() && $return != retval) println("differs") } '
            'probe syscall.openat { if (pid() == target()) { println(@defined($return), @defined($$return)) } }')
    lines = set(script(text, "-c", "cat /nonexistent").out.splitlines())
    assert lines == {"-2 return=0xfffffffffffffffe return=-2 1", "00"}
    err = script("probe syscall.openat { println($return) }").err
    assert "unable to find tracepoint variable '$return'" in err, err


def test_the_process_makes_the_same_texts_as_a_handler():
    """What is printed is left to the process, what is looked at is made in the kernel."""
    program = ("import os, ctypes, resource, signal, socket, time\n"
               "c = ctypes.CDLL(None)\n"
               "for n in (1, 100, 480, 500, 505, 511, 512, 600, 1000):\n"
               "    os.path.exists(\"/\" + n * \"a\")\n"
               "    os.path.exists(\"/\" + n * \"\\a\")\n"
               "c.open(ctypes.c_void_p(8), 0x241, 0o644)\nc.open(b\"/none\", -1)\nc.open(b\"\", 2)\n"
               "c.socket(77, 99, 3)\nc.mmap(0, 0, 5, 0x7fffffff, -1, 0)\n"
               "time.sleep(0.001)\nresource.getrlimit(3)\nsignal.signal(10, signal.SIG_IGN)\n"
               "os.pipe()\nos.write(os.open(\"/dev/null\", 1), b\"\\0\\1\\2\\\"\\\\\")\n")
    text = ('probe syscall.* { if (pid() == target()) println("A ", name, " ", argstr) } '
            'probe syscall.* { if (pid() == target()) println("B ", name, " ", substr(argstr, 0, 1000)) }')
    lines = script(text, "-c", f"{sys.executable} -c '{program}'", timeout=120).lines
    made = [line[2:] for line in lines if line.startswith("A ")]
    assert len(made) > 200 and made == [line[2:] for line in lines if line.startswith("B ")]
    assert any(len(line) > 500 for line in made) and "O_WRONLY|O_CREAT|O_TRUNC" in "".join(made)


def test_calls_and_flags_of_new_kernels():
    program = ("import ctypes\nc = ctypes.CDLL(None)\na = ctypes.create_string_buffer(64)\n"
               "c.syscall(455, a, 1, ctypes.c_ulong(0xffffffff), 0x82, 0, 1)\nc.syscall(462, 0, 0, 0)\n"
               "c.syscall(458, a, a, 4, 1)\nc.syscall(459, 101, a, a, 1)\nc.syscall(332, -100, b\"/\", 0x800, 0x2a000, a)\n"
               "c.syscall(468, -100, b\"/etc\", a, 24, 0)\nc.madvise(0, 4096, 102)\nc.socket(2, 1, 262)\n")
    text = 'probe syscall.* { if (pid() == target()) printf("%s(%s)\\n", name, argstr) }'
    out = re.sub("0x7[0-9a-f]{11}", "A", script(text, "-c", f"{sys.executable} -c '{program}'").out)
    for line in ("futex_wait(A, 1, 0xffffffff, FUTEX2_SIZE_U32|FUTEX2_PRIVATE, NULL, CLOCK_MONOTONIC)",
                 "mseal(0x0, 0, 0x0)",
                 "listmount(A, A, 4, LISTMOUNT_REVERSE)", "lsm_get_self_attr(LSM_ATTR_EXEC, A, A, LSM_FLAG_SINGLE)",
                 'statx(AT_FDCWD, "/", AT_NO_AUTOMOUNT, STATX_DIOALIGN|STATX_SUBVOL|STATX_DIO_READ_ALIGN, A)',
                 'file_getattr(AT_FDCWD, "/etc", A, 24, 0x0)', "madvise(0x0, 4096, MADV_GUARD_INSTALL)",
                 "socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)"):
        assert line + "\n" in out, (line, out)
