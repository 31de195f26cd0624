# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel probes that need the kernel's debug information: statements, inlined copies, labels, callees, locals, globals,
source lines.  What they print is compared with what the test did, and with addr2line and nm on the same vmlinux."""
import base64
import pathlib
import re
import shutil
import subprocess

import pytest

import suite

MODULES = ["veth", "nft_chain_nat", "nft_nat"]
READ_SIZE = 12345       # a marker, passed to read(2)
POLLS = 7
STAPRUN = suite.STAP.parent / "staprun"
DEBUGINFOD = list(pathlib.Path("/usr/lib/x86_64-linux-gnu").glob("libdebuginfod.so.1"))

# A file of 203 bytes read by read(2) of READ_SIZE bytes, twice: all of it, then its end; and some polls.
PROGRAM = f"""
import os, select, sys
text = open("/tmp/marker", "wb")
text.write(b"x" * 203)
text.close()
fd = os.open("/tmp/marker", os.O_RDONLY)
os.read(fd, {READ_SIZE})
os.read(fd, {READ_SIZE})
os.lseek(fd, 77, os.SEEK_SET)
for i in range({POLLS}):
    select.poll().poll(0)
"""

SEND = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 34567))
s.sendto(b"hello", ("127.0.0.9", 7777))
"""


@pytest.fixture(scope="module", params=suite.KERNELS)
def debug_vm(request, boot):
    with boot(request.param, debug_image, MODULES, debug=True) as booted:
        yield booted


def debug_image():
    image = suite.python_image()
    if shutil.which("nft"):
        image.add(shutil.which("nft"))
    image.add(STAPRUN)
    for library in DEBUGINFOD:
        image.add(library)
    image.file("/tmp/program.py", PROGRAM.encode())
    image.file("/tmp/send.py", SEND.encode())
    return image


def run(vm, script, command="python3 -B /tmp/program.py", options=""):
    quoted = script.replace("'", "'\\''")
    result = vm.run(f"stap {options} -e '{quoted}' -c '{command}' >/out/text", timeout=200).ok()
    return result.files["text"].decode().splitlines()


def vmlinux(vm):
    return next((vm.kernel.debug_tree() / "boot").glob("vmlinux-*"))


def symbol(vm, name):
    """Link address by nm."""
    listed = subprocess.run(["nm", vmlinux(vm)], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) [tT] {name}$", listed, re.M)[1], 16)


def bias(vm):
    """What KASLR added to the addresses of vmlinux."""
    run_time = vm.run("grep ' T _text$' /proc/kallsyms").ok().out.split()[0]
    return int(run_time, 16) - symbol(vm, "_text")


def addr2line(vm, address):
    """(function, "FILE:LINE") of a link address, what was inlined there first."""
    text = subprocess.run(["addr2line", "-fie", vmlinux(vm), hex(address)], capture_output=True, text=True,
                          check=True).stdout.split("\n")
    return [(text[i], re.sub(r" \(.*", "", text[i + 1])) for i in range(0, len(text) - 1, 2)]


def same_place(ours, theirs):
    """Paths of the debug information may be relative to the directory of the build, which addr2line puts before them."""
    return ours == theirs or theirs.endswith("/" + ours)


def test_functions_and_statements(debug_vm):
    """Parameters, locals and results of vfs_read as the program caused them."""
    lines = run(debug_vm, """
        probe kernel.function("vfs_read@fs/read_write.c") {
            if ($count == %d) printf("entry %%s %%s\\n", $file->f_path->dentry->d_name->name$, pp())
        }
        probe kernel.statement("vfs_read@fs/read_write.c:*") {
            if (@defined($ret) && pid() == target())
                printf("at %%d %%s %%s\\n", @choose_defined($ret, 0), $file->f_path->dentry->d_name->name$, pp())
        }
        probe kernel.function("vfs_read").return {
            if ($count == %d)
                printf("return %%d %%s\\n", $return, $file->f_path->dentry->d_name->name$)
        }
    """ % (READ_SIZE, READ_SIZE))
    entries = [line for line in lines if line.startswith("entry")]
    assert len(entries) == 2
    assert all(re.fullmatch(r'entry "marker" kernel\.function\("vfs_read@fs/read_write\.c:\d+"\)', e) for e in entries)
    assert [line for line in lines if line.startswith("return")] == ['return 203 "marker"', 'return 0 "marker"']
    statements = [line.split() for line in lines if line.startswith('at 203 "marker"')]
    assert len({place for _, _, _, place in statements}) >= 3
    assert all(re.fullmatch(r'kernel\.statement\("vfs_read@fs/read_write\.c:\d+"\)', s[3]) for s in statements)


def test_inlined_labels_callees(debug_vm):
    lines = run(debug_vm, """
        probe kernel.function("file_ppos").inline { if (pid() == target()) file = $file }
        probe kernel.function("vfs_read") {
            if ($count == %d) printf("inline %%d\\n", $file == file)
        }
        probe kernel.function("do_sys_poll@fs/select.c").label("out_fds") { if (pid() == target()) polls++ }
        probe kernel.function("vfs_read").callee("rw_verify_area") { if (pid() == target()) callees++ }
        probe kernel.function("vfs_read").call { if (pid() == target()) calls++ }
        probe kernel.function("rw_verify_area").call { if (pid() == target()) all++ }
        probe end { printf("polls %%d callees %%d %%d\\n", polls, callees > 2 && callees < all, callees == calls) }
        global file, polls, callees, calls, all
    """ % READ_SIZE)
    assert lines.count("inline 1") == 2 and "inline 0" not in lines
    assert f"polls {POLLS} callees 1 1" in lines


def test_other_names_of_functions(debug_vm):
    """What users know them by, although the debug information has many that look alike."""
    for name, now in ("_do_fork", "kernel_clone"), ("sys_openat", "__x64_sys_openat"):
        result = debug_vm.run(f"stap -p2 -e 'probe kernel.function(\"{name}\") {{ }}'", timeout=100)
        assert f"no match (similar functions: {now})" in result.err


SERVER = """
import http.server, os, pathlib, shutil, sys
note = pathlib.Path("/sys/module/veth/notes/.note.gnu.build-id").read_bytes()[16:].hex()
found = next(pathlib.Path("/usr/lib/debug").rglob("veth.ko*"))
os.makedirs(f"/srv/buildid/{note}")
shutil.copy(found, f"/srv/buildid/{note}/debuginfo")
os.chdir("/srv")
http.server.HTTPServer(("127.0.0.1", 8002), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.mark.skipif(not DEBUGINFOD, reason="no libdebuginfod")
def test_debuginfod(debug_vm):
    """A server has what no directory here does."""
    points = "stap -L 'module(\"veth\").statement(\"veth_xmit@drivers/net/veth.c:*\")'"
    here = debug_vm.run(points, 100).ok().out
    assert here.count("$skb:struct sk_buff*") > 5
    debug_vm.run(f"cat >/tmp/server.py <<'END'\n{SERVER}END\npython3 -B /tmp/server.py 2>/tmp/asked & echo $! >/tmp/server").ok()
    try:
        result = debug_vm.run("for i in $(seq 50); do nc -z 127.0.0.1 8002 && break; sleep 0.2; done; "
                              f"SYSTEMTAP_DEBUGINFO_PATH=/nowhere DEBUGINFOD_URLS=http://127.0.0.1:8002 {points}; "
                              "cat /tmp/asked >&2", 100)
    finally:
        debug_vm.run("kill $(cat /tmp/server)").ok()
    assert result.out == here, result
    assert "/debuginfo HTTP/1.1\" 200" in result.err


def test_hidden_addresses(debug_vm):
    """kernel.kptr_restrict = 2 hides them from root too; where the kernel is /proc/kcore tells."""
    debug_vm.run("echo 2 >/proc/sys/kernel/kptr_restrict").ok()
    try:
        lines = run(debug_vm, """
            probe kernel.function("vfs_read") { if ($count == %d) printf("entry %%d\\n", register("rsp") != 0) }
            probe kernel.function("vfs_read").return { if ($count == %d) printf("return %%d\\n", $return) }
            probe kernel.statement("vfs_read@fs/read_write.c:*") { if (pid() == target()) n++ }
            probe end { printf("%%d %%s\\n", n >= 6, kernel_string(@var("init_task@init/init_task.c", "kernel")->comm)) }
            global n
        """ % (READ_SIZE, READ_SIZE))
    finally:
        debug_vm.run("echo 1 >/proc/sys/kernel/kptr_restrict").ok()
    assert lines == ["entry 1", "return 203", "entry 1", "return 0", "1 swapper/0"]


def test_addresses(debug_vm):
    """By numbers: link addresses of vmlinux, and one of the running kernel."""
    entry = symbol(debug_vm, "vfs_read")
    absolute = entry + bias(debug_vm)
    lines = run(debug_vm, f"""
        probe kernel.function({entry + 3:#x}) {{ if ($count == {READ_SIZE}) println("function ", ppfunc()) }}
        probe kernel.statement({entry:#x}) {{ if ($count == {READ_SIZE}) println("statement ", ppfunc()) }}
        probe kernel.statement({absolute:#x}).absolute {{ if (pid() == target()) printf("absolute %x\\n", addr()) }}
    """, options="-g")
    assert lines.count("function vfs_read") == 2 and lines.count("statement vfs_read") == 2
    # a function may begin with the four bytes of endbr64, behind which the kernel puts the breakpoint
    assert {f"absolute {absolute:x}", f"absolute {absolute + 4:x}"} & set(lines)


def test_globals(debug_vm):
    lines = run(debug_vm, """
        probe begin {
            printf("%s\\n", kernel_string(@var("saved_command_line@init/main.c", "kernel")))
            printf("%s\\n", @var("init_uts_ns@init/version.c", "kernel")->name->release$)
            printf("%s\\n", @var("init_task@init/init_task.c", "kernel")->comm$)
        }
        probe kernel.function("vfs_llseek") { if ($offset == 77) printf("%d\\n", @var("nr_threads@kernel/fork.c") > 10) }
    """)
    cmdline = debug_vm.run("cat /proc/cmdline").ok().out.strip()
    assert lines == [cmdline, f'"{debug_vm.kernel.release}"', '"swapper/0"', "1"]


def test_globals_of_each_processor(debug_vm):
    """The copy of the processor that runs the handler; seen from begin, too."""
    lines = run(debug_vm, """
        probe begin {
            for (i = 0; i < 9 && !same; i++)    # it may go to another processor in between
                same = @var("runqueues@kernel/sched/core.c", "kernel")->cpu == cpu()
            printf("begin %%d\\n", same)
        }
        probe kernel.function("vfs_read@fs/read_write.c") {
            if ($count == %d) {
                printf("queue %%d %%d\\n", @var("runqueues@kernel/sched/core.c")->cpu == cpu(),
                       @cast(&@var("runqueues@kernel/sched/core.c"), "struct rq")->cpu == cpu())
                printf("task %%d\\n", @var("runqueues@kernel/sched/core.c")->curr == task_current())
                printf("text %%s\\n", @var("runqueues@kernel/sched/core.c")->curr->comm$)
            }
        }
    """ % READ_SIZE)
    assert lines[0] == "begin 1"
    assert lines[1:] == ["queue 1 1", "task 1", 'text "python3"'] * 2


def test_globals_of_many_kinds(debug_vm):
    """What only the linker placed, arrays, one file's own, addresses, and those of a module."""
    bysource = debug_vm.run("grep -w nf_nat_bysource /proc/kallsyms").ok().out.split()[0]
    jiffies = debug_vm.run("grep -w jiffies /proc/kallsyms").ok().out.split()[0]
    lines = run(debug_vm, """
        probe begin {
            printf("%d\\n", @var("jiffies", "kernel") >= 4294892296 && @var("jiffies@kernel/time/timer.c", "kernel") > 0)
            printf("%x %x\\n", &@var("jiffies", "kernel"), &@var("nf_nat_bysource@nf_nat_core.c", "nf_nat"))
            printf("%s\\n", kernel_string(@var("oops_in_progress@lib/bust_spinlocks.c", "kernel") == 0 ?
                                         @var("saved_command_line", "kernel") : 0))
            printf("%d %d\\n", @var("console_printk@kernel/printk/printk.c", "kernel")[1],
                   @var("console_printk@kernel/printk/printk.c", "kernel")[2])
        }
        probe module("nf_nat").function("nf_nat_setup_info") { println(@var("nf_nat_bysource@nf_nat_core.c")) }
    """)
    printk = debug_vm.run("cat /proc/sys/kernel/printk").ok().out.split()
    cmdline = debug_vm.run("cat /proc/cmdline").ok().out.strip()
    assert lines == ["1", f"{int(jiffies, 16):x} {int(bysource, 16):x}", cmdline, f"{printk[1]} {printk[2]}"]


def test_source_lines(debug_vm):
    """Frames and lines are those of addr2line, inlined copies included."""
    lines = run(debug_vm, """
        probe kernel.function("file_ppos").inline {
            if (pid() == target() && !n++) {
                printf("%x %s %s %s\\n", addr(), symfileline(addr()), symfile(addr()), symline(addr()))
                print_backtrace_fileline()
            }
        }
        global n
    """)
    shift = bias(debug_vm)
    address, place, file, line = lines[0].split()
    known = addr2line(debug_vm, int(address, 16) - shift)
    assert place == f"{file}:{line}" and same_place(place, known[0][1])
    frames = {}
    for text in lines[1:]:
        match = re.fullmatch(r" 0x(\w+) : ([\w.]+)(?:\+0x\w+/0x\w+)? at (\S+)( \(inlined\))? \[kernel\]", text)
        assert match, text
        frames.setdefault(int(match[1], 16), []).append((match[2], match[3]))
    assert len(frames) >= 3 and sum(len(f) for f in frames.values()) > len(frames)
    for i, (at, found) in enumerate(frames.items()):
        expected = addr2line(debug_vm, at - shift - (i > 0))
        if not expected[0][0].startswith("entry_"):
            assert len(found) == len(expected) and found[0][0] == expected[0][0], hex(at)
            assert all(same_place(f[1], e[1]) for f, e in zip(found, expected)), (found, expected)


def test_other_kernel(debug_vm, tmp_path):
    """Compiled here for that kernel, run there; here it is refused."""
    script = """
        probe kernel.statement("vfs_read@fs/read_write.c:*") {
            if (@defined($ret) && @choose_defined($ret, 0) == 203) places[pp()]++
        }
        probe kernel.function("vfs_read").return {
            if ($count == %d) println($return, " ", @cast($file, "struct file", "kernel")->f_path->dentry->d_name->name$)
        }
        probe end {
            foreach (p in places) println(p)
            println("release ", @var("init_uts_ns@init/version.c", "kernel")->name->release$)
            for (i = 0; i < 9 && !same; i++)
                same = @var("runqueues@kernel/sched/core.c", "kernel")->cpu == cpu()
            println("cpu ", same)
            println("module ", &@var("nf_nat_bysource@nf_nat_core.c", "nf_nat"))
        }
        global places
    """ % READ_SIZE
    environment = dict(suite.os.environ, SYSTEMTAP_DEBUGINFO_PATH=str(debug_vm.kernel.debug_tree()), HOME=str(tmp_path))
    subprocess.run([suite.STAP, "-r", debug_vm.kernel.release, "-m", "cross", "-p4", "-e", script], cwd=tmp_path,
                   env=environment, check=True)
    saved = (tmp_path / "cross.bpo").read_bytes()
    text = debug_vm.run(f"base64 -d > /tmp/cross.bpo <<END\n{base64.encodebytes(saved).decode()}END\n"
                        f"{STAPRUN} -c 'python3 -B /tmp/program.py' /tmp/cross.bpo", timeout=100).ok().out.splitlines()
    assert [line for line in text if '"marker"' in line] == ['203 "marker"', '0 "marker"']
    assert sum(line.startswith('kernel.statement("vfs_read@fs/read_write.c:') for line in text) >= 3
    bysource = int(debug_vm.run("grep -w nf_nat_bysource /proc/kallsyms").ok().out.split()[0], 16)
    assert text[-3:] == [f'release "{debug_vm.kernel.release}"', "cpu 1", f"module {bysource - (bysource >> 63 << 64)}"]
    here = subprocess.run([STAPRUN, tmp_path / "cross.bpo"], capture_output=True, text=True)
    assert here.returncode != 0 and "this kernel is not the one that the program was made for" in here.stderr


@pytest.mark.skipif(not shutil.which("nft"), reason="no nft to make rules")
def test_module_statements(debug_vm):
    """Destination translation: nested structures of a module's function, with the addresses of the rule."""
    debug_vm.run("""
        printf 'table ip nat {\\nchain out { type nat hook output priority -100; policy accept; ip daddr 127.0.0.9 udp \\
        dport 7777 dnat to 127.0.0.1:29991; }\\n}\\n' > /tmp/rules; nft -f /tmp/rules
    """).ok()
    lines = run(debug_vm, """
        probe module("nf_nat").statement("nf_nat_setup_info@net/netfilter/nf_nat_core.c:*") {
            if (@defined(&$curr_tuple) && @defined($range->flags) && @defined($maniptype) && $maniptype == 1) {
                printf("range %s\\n", $range$$)
                printf("tuple %s\\n", $curr_tuple$$)
            }
        }
        probe module("nf_nat").function("nf_nat_setup_info@nf_nat_core.c") { printf("%s %s\\n", pp(), ppfunc()) }
    """, "python3 -B /tmp/send.py", "-DMAXSTRINGLEN=2000")
    assert any(re.fullmatch(r'module\("nf_nat"\)\.function\("nf_nat_setup_info@net/netfilter/nf_nat_core\.c:\d+"\) '
                            r"nf_nat_setup_info", line) for line in lines)
    ranges = {line for line in lines if line.startswith("range")}
    tuples = {line for line in lines if line.startswith("tuple")}
    port, target, sender = (int.from_bytes(n.to_bytes(2, "big"), "little") for n in (29991, 7777, 34567))
    home, rule = (int.from_bytes(bytes([127, 0, 0, n]), "little") for n in (1, 9))
    assert any(f".min_addr={{.all=[{home}, ...], .ip={home}, .ip6=[{home}, ...], .in={{.s_addr={home}}}" in r and
               f".min_proto={{.all={port}, .tcp={{.port={port}}}, .udp={{.port={port}}}" in r for r in ranges), ranges
    assert any(re.search(rf"\.src={{\.u3={{\.all=\[{home}, .*\.udp={{\.port={sender}}}.*"
                         rf"\.dst={{\.u3={{\.all=\[{rule}, .*\.udp={{\.port={target}}}", t) for t in tuples), tuples


@pytest.mark.parametrize("path", ("", "SYSTEMTAP_DEBUGINFO_PATH=/nonexistent "))
def test_functions_that_only_trampolines_reach(debug_vm, path):
    """This one is on the list of functions that kprobes must not touch; patterns leave it out.  News of neighbours go through it."""
    script = ('global n, r probe kernel.function("atomic_notifier_call_chain") { if (execname() == "ip") n++ } '
              'probe kernel.function("atomic_notifier_call_chain").return { if (execname() == "ip") r++ } '
              'probe end { println(n > 0, " ", r > 0) }')
    command = "ip neigh replace 10.9.9.9 lladdr 02:00:00:00:00:01 dev near"
    result = debug_vm.run("ip link add near type veth peer name far; ip link set near up; "
                          f"export {path or 'A='}; stap -e '{script}' -c '{command}'; ip link del near", 200).ok()
    assert result.out == "1 1\n", result
    result = debug_vm.run(f"{path}stap -l 'kernel.function(\"atomic_notifier_call_chai?\")'")
    assert result.status == 1 and not result.out
    result = debug_vm.run(f"{path} BPFTAP_WITHOUT=fentry,kprobe_multi stap -e 'probe kernel.function(\"atomic_notifier_call_chain\") {{ exit() }}'")
    assert result.status == 1, result


def test_what_is_not_there_is_found_out_soon(debug_vm):
    """Neither names that were nearly right nor what a function calls need more than the index and the function's unit."""
    def seconds(point):
        result = debug_vm.run(f"time stap -p2 -e 'probe {point} {{ exit() }}'")
        return result, float(re.search(r"^user\t0m (.*)s", result.err, re.M)[1])

    debug_vm.run("stap -l 'kernel.function(\"vfs_read@fs/read_write.c\")'").ok()     # makes the index
    _, base = seconds('kernel.function("vfs_read@fs/read_write.c")')
    result, missing = seconds('kernel.function("vfs_rea")')
    assert "similar functions: vfs_read, " in result.err and missing < 3 * base + 0.5, (missing, base)
    result, callees = seconds('kernel.function("vfs_read").callees')
    assert 'function("rw_verify_area@fs/read_write.c' in result.out and callees < 3 * base + 0.5, (callees, base)
