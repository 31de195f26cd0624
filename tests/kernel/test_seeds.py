# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts that users published about the kernel, whole; only what moved between kernel versions is adapted."""
import collections
import ctypes
import os
import re
import socket

import pytest

from support import Nginx, background, compile_target, run, script, stap, wait_until

# $skb is a local variable of tcp_send_fin() by now, which only the kernel's debug information tells
TCP_CLOSE = '''
probe process("NGINX").function("ngx_close_connection") {
    if (target() == pid()) {
        printf("Close conn %d \\n", $c->number)
        print_ubacktrace()
    }
}

probe kernel.function("tcp_reset") {
    if (pid() == target()) {
        printf("TCP RST sent%s",$sk$)
    }
}

probe kernel.function("tcp_send_fin") {
    if (pid() == target()) {
        printf("TCP FIN sent%s %s",$sk$, @choose_defined($skb$, "{a local variable}"))
    }
}
'''


@pytest.fixture
def nginx(tmp_path):
    with Nginx(tmp_path / "nginx") as server:
        yield server


def hang_up(server):
    """Asks for a page and closes before the answer, which is then answered by a reset."""
    os.kill(server.worker, 19)
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    finally:
        os.kill(server.worker, 18)


def get(server, *options):
    result = server.get("/", *options)
    assert result.out == "200", result


def watch(server, text, action, done):
    text += 'probe begin { println("ready") }'
    with background("-x", str(server.worker), "-e", text.replace("NGINX", str(server.binary))) as tracer:
        tracer.wait_for("ready\n", 60)
        action()
        wait_until(lambda: re.search(done, tracer.out, re.S), 90, f"{done} in {tracer.out} {tracer.err}")
        tracer.signal(2)
        return tracer.finish().ok()


def test_closing_connections_of_nginx(nginx):
    out = watch(nginx, TCP_CLOSE, lambda: get(nginx, "-H", "Connection: close"), "TCP FIN.*}").out
    frames = re.search(r"Close conn \d+ \n((?: 0x\w+ : .*\n)+)", out)[1]
    names = re.findall(r"^ 0x[0-9a-f]+ : ([\w.]+)\+0x", frames, re.M)
    assert names[0].startswith("ngx_close_connection") and "main" in names, frames
    assert f"[{nginx.binary}]" in frames.splitlines()[0], frames
    sk = re.search(r"TCP FIN sent(\{\.__sk_common=\{\.\.\.\}, .*?)(\} \{|$)", out)[1]
    values = dict(re.findall(r"\.(\w+)=(\d+|0x[0-9a-f]+)", sk))
    with open("/proc/sys/net/ipv4/tcp_rmem") as file:
        assert int(values["sk_rcvbuf"]) == int(file.read().split()[1]), sk


def test_reset_of_a_connection_of_nginx(nginx):
    out = watch(nginx, TCP_CLOSE, lambda: hang_up(nginx), "TCP RST").out
    assert re.search(r"TCP RST sent\{\.__sk_common=\{\.\.\.\}, \.\w+=", out), out


def test_state_of_closed_connections(nginx):
    """The note's second version of the line."""
    line = 'printf("Close conn %d (fd:%d) error:%d destroyed:%d\\n", $c->number, $c->fd, $c->log->action, $c->destroyed)'
    out = watch(nginx, TCP_CLOSE.replace('printf("Close conn %d \\n", $c->number)', line), lambda: get(nginx),
                "Close conn.*TCP FIN").out
    assert re.search(r"Close conn \d+ \(fd:\d+\) error:\d+ destroyed:1\n", out), out


def test_forks_and_sleeps():
    """Three times fork and sleep: seven forks, fourteen sleeps."""
    program = compile_target("forker.c")
    text = '''
probe kernel.function("kernel_clone@kernel/fork.c"){
    printf("%s: %s\\n", execname(), ppfunc());
}

probe kernel.function("do_nanosleep@kernel/time/hrtimer.c"){
    printf("%s: %s\\n", execname(), ppfunc());
}'''
    lines = script(text, "-c", f"/bin/sh -c '{program}; sleep 1'", timeout=90).ok().lines
    seen = collections.Counter(line for line in lines if line.startswith("forker: "))
    assert seen == {"forker: kernel_clone": 7, "forker: do_nanosleep": 14}, lines


def test_functions_with_fork_in_their_name():
    names = set(re.findall(r'^kernel\.function\("(\w+)', stap("-l", 'kernel.function("*fork*")').ok().out, re.M))
    assert {"__x64_sys_fork", "__x64_sys_vfork", "anon_vma_fork", "cgroup_can_fork"} <= names


def test_files_opened():
    text = r'''
probe begin {
    print("tracing...\n")
}

probe syscall.open* {
    printf("%s(%d) %s(%s)\n", execname(), pid(), ppfunc(), argstr)
}'''
    with background("-e", text) as tracer:
        tracer.wait_for("tracing...", 60)
        run(["cat", "/proc/version"]).ok()
        wait_until(lambda: "/proc/version" in tracer.out, what="/proc/version in " + tracer.out)
        tracer.signal(2)
        out = tracer.finish(30).ok().out
    assert re.search(r'^cat\(\d+\) (__x64_)?sys_openat\(AT_FDCWD, "/proc/version", O_RDONLY\)$', out, re.M), out


IPT_SO_GET_INFO = 64


def ask_for_table(name):
    """What iptables asks first: get_info() looks the table up by xt_find_table_lock()."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(name.encode(), 84)
    length = ctypes.c_uint32(84)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        assert libc.getsockopt(raw.fileno(), 0, IPT_SO_GET_INFO, buffer, ctypes.byref(length)) == 0, ctypes.get_errno()
    words = (ctypes.c_uint32 * 21).from_buffer(buffer)
    return {"valid_hooks": words[8], "hook_entry": list(words[9:14]), "underflow": list(words[14:19]),
            "num_entries": words[19], "size": words[20]}


def test_tables_of_netfilter():
    """The list of tables is no longer in struct net: the table is what the function returns."""
    text = '''
probe begin {
        print ("x_tables_trace begin...\\n\\n\\n")
}

probe module("x_tables").function("xt_find_table_lock").return {
# ipv4协议族NFPROTO_IPV4=2
  list = &@cast($return, "struct xt_table")->list
  printf("net->xt.tables[2]==> %s\\n\\n", @cast(list - (& @cast(0, "struct xt_table")->list), "struct xt_table")$$)

  xt_table_info_ptr = @cast(list - (& @cast(0, "struct xt_table")->list), "struct xt_table")->private
  entries_ptr = &@cast(xt_table_info_ptr, "struct xt_table_info")->entries
# NF_INET_LOCAL_IN=1
  hook_entry_input_offset = @cast(xt_table_info_ptr, "struct xt_table_info")->hook_entry[1]
  printf("xt_table_info==> %s\\n\\n", @cast(xt_table_info_ptr, "struct xt_table_info")$$);
  printf("ipt_entry==> %s\\n\\n", @cast(entries_ptr + hook_entry_input_offset, "struct ipt_entry", "kernel<linux/netfilter_ipv4/ip_tables.h>")$$);

  ipt_entry_elems_ptr = &@cast(entries_ptr + hook_entry_input_offset, "struct ipt_entry", "kernel<linux/netfilter_ipv4/ip_tables.h>")->elems
  ipt_entry_target_offset = @cast(entries_ptr + hook_entry_input_offset, "struct ipt_entry", "kernel<linux/netfilter_ipv4/ip_tables.h>")->target_offset
  printf("xt_entry_target==> %s\\n\\n", @cast(entries_ptr + hook_entry_input_offset + ipt_entry_target_offset, "struct xt_entry_target", "kernel<uapi/linux/netfilter/x_tables.h>")$$);
  exit()
}
'''
    with background("-e", text) as tracer:
        tracer.wait_for("trace begin", 60)
        truth = ask_for_table("filter")
        result = tracer.finish(30).ok()
    found = dict(re.findall(r"^(\S+)==> (\{.*\})$", result.out, re.M))
    assert re.search(r'\.name="filter"', found["net->xt.tables[2]"]) and f'.valid_hooks={truth["valid_hooks"]}' in \
        found["net->xt.tables[2]"]
    info = found["xt_table_info"]
    assert info.startswith(f"{{.size={truth['size']}, .number={truth['num_entries']}, "), (info, truth)
    assert f".hook_entry=[{truth['hook_entry'][0]}, " in info
    assert re.search(r"\.target_offset=112, \.next_offset=152", found["ipt_entry"]), found
    assert ".target_size=40" in found["xt_entry_target"], found
