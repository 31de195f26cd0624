# SPDX-License-Identifier: GPL-2.0-or-later
"""netfilter.hook(...).pf(...) and netfilter.*: packets that the test sends itself, in network namespaces of its own."""
import json
import os
import shutil
import sys

import pytest

from support import STAP, run, script, stap

HOOK = 'netfilter.hook("NF_INET_LOCAL_IN").pf("NFPROTO_IPV4")'

# Sends datagrams of 10, 11, ... bytes from port 4141 to port 4242 and says how many came.
UDP = """
import socket, sys
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 4141))
b.bind(("127.0.0.1", 4242))
b.settimeout(0.3)
came = 0
for i in range(%d):
    a.sendto(b"x" * (10 + i), ("127.0.0.1", 4242))
    try:
        came += len(b.recv(200)) == 10 + i
    except socket.timeout:
        pass
sys.stdout.write("came %%d\\n" %% came)
"""

# A TCP connection over loopback: what a raw socket sees of it is the truth.
TCP = """
import json, socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind(("lo", 0))
raw.settimeout(0.5)
server = socket.socket()
server.bind(("127.0.0.1", 4343))
server.listen(1)
client = socket.socket()
client.bind(("127.0.0.1", 4444))
client.connect(("127.0.0.1", 4343))
peer, _ = server.accept()
client.sendall(b"hello")
peer.recv(5)
client.close()
peer.recv(1)
peer.close()
seen = []
try:
    while True:
        frame, where = raw.recvfrom(2000)
        if where[2] != socket.PACKET_OUTGOING and frame[23] == 6:
            flags = frame[14 + 20 + 13]
            seen.append([int.from_bytes(frame[34:36], "big"), int.from_bytes(frame[36:38], "big"),
                         len(frame) - 14] + [flags >> bit & 1 for bit in (1, 4, 0, 2, 3)])
except socket.timeout:
    sys.stdout.write("truth %s\\n" % json.dumps(seen))
"""


IP = next((path for path in ("/sbin/ip", "/usr/sbin/ip") if os.path.exists(path)), "ip")


def alone(*argv, prepare="ip link set lo up", **kwargs):
    """Runs a command in a network namespace of its own."""
    return run(["unshare", "-n", "sh", "-c", f'{prepare.replace("ip ", IP + " ")} && exec "$@"', "sh", *argv], **kwargs)


def program(tmp_path, text):
    path = tmp_path / "program.py"
    path.write_text(text)
    return f"{sys.executable} {path}"


@pytest.fixture(scope="module", autouse=True)
def netfilter():
    """Skips where neither namespaces nor hooks can be had."""
    if alone("true").status != 0:
        pytest.skip("no network namespaces here")
    probe = alone(STAP, "-e", "probe %s { } probe begin { exit() }" % HOOK)
    if "cannot be probed" in probe.err:
        pytest.skip(probe.err.strip().splitlines()[-1])


def test_every_packet_once(tmp_path):
    text = "global n probe %s { n[$hooknum, $skb->len]++ } probe end { foreach ([h, l+] in n) println(h, ' ', l, ' ', n[h, l]) }"
    result = alone(STAP, "-e", (text % HOOK).replace("'", '"'), "-c", program(tmp_path, UDP % 5)).ok()
    assert result.lines == ["came 5"] + [f"1 {38 + i} 1" for i in range(5)]


def test_five_hooks_in_their_order(tmp_path):
    hooks = ("PRE_ROUTING", "LOCAL_IN", "FORWARD", "LOCAL_OUT", "POST_ROUTING")
    points = ", ".join(f'netfilter.pf("NFPROTO_IPV4").hook("NF_INET_{h}")' for h in hooks)
    text = "probe %s { println($hooknum, %s) }" % (points, '" ", kernel_string($in ? $in->name : $out->name)')
    result = alone(STAP, "-e", text, "-c", program(tmp_path, UDP % 1)).ok()
    assert sorted(result.lines) == sorted(["came 1", "3 lo", "4 lo", "0 lo", "1 lo"])


def test_two_priorities_at_a_hook(tmp_path):
    point = HOOK + '.priority("%s")'
    text = 'global s probe %s { s .= "b" } probe %s { s .= "c" } probe %s { s .= "a" } probe end { println(s) }' % (
        point % "7", point % "NF_IP_PRI_SELINUX_LAST", point % "NF_IP_PRI_RAW")
    assert alone(STAP, "-e", text, "-c", program(tmp_path, UDP % 2)).ok().lines == ["came 2", "abcabc"]


def test_many_probes_of_a_hook(tmp_path):
    text = "global n " + " ".join("probe %s { n[%d]++ }" % (HOOK, i)
                                  for i in range(6)) + " probe end { foreach (i+ in n) print(n[i]) }"
    assert alone(STAP, "-e", text, "-c", program(tmp_path, UDP % 3)).ok().lines == ["came 3", "333333"]


def test_ports_and_addresses(tmp_path):
    text = ('probe netfilter.ip.local_in { printf("%s %d %s:%d %s:%d %d %s %d %d %d %s\\n", pf, family, saddr, sport, daddr, '
            'dport, length, indev_name, protocol == ipproto_udp, udphdr - iphdr, tcphdr, data_hex) }')
    result = alone(STAP, "-e", text, "-c", program(tmp_path, UDP % 2)).ok()
    got = [line.rsplit(" ", 1) for line in result.lines if line.startswith("ipv4")]
    assert [g[0] for g in got] == [f"ipv4 2 127.0.0.1:4141 127.0.0.1:4242 {38 + i} lo 1 20 0" for i in range(2)]
    packets = [bytes.fromhex(g[1]) for g in got]
    assert [p[28:] for p in packets] == [b"x" * 10, b"x" * 11]
    assert packets[0][12:24] == bytes([127, 0, 0, 1] * 2) + (4141).to_bytes(2, "big") + (4242).to_bytes(2, "big")


def test_flags_of_a_connection(tmp_path):
    text = ('probe netfilter.ipv4.local_in { if (protocol == ipproto_tcp) printf("%d %d %d %d %d %d %d %d\\n", sport, dport, '
            'length, syn, ack, fin, rst, psh) }')
    result = alone(STAP, "-e", text, "-c", program(tmp_path, TCP)).ok()
    truth = next(json.loads(line[6:]) for line in result.lines if line.startswith("truth"))
    assert len(truth) >= 8 and sum(t[3] for t in truth) == 2 and sum(t[5] for t in truth) == 2
    assert [list(map(int, line.split())) for line in result.lines if not line.startswith("truth")] == truth


def test_names_of_processes(tmp_path):
    text = ('global n probe netfilter.ipv4.local_out { n[execname()]++; name = execname() . "+"; '
            'printf("%s %s %d %d\\n", execname(), name, pid(), n[execname()]) }')
    udp = UDP % 2 + 'import os\nprint("truth", open("/proc/self/comm").read().strip(), os.getpid())\n'
    result = alone(STAP, "-e", text, "-c", program(tmp_path, udp)).ok()
    name, pid = next(line.split()[1:] for line in result.lines if line.startswith("truth"))
    assert [line for line in result.lines if "+" in line] == [f"{name} {name}+ {pid} {i}" for i in (1, 2)]


def test_bytes_as_text(tmp_path):
    result = alone(STAP, "-e", "probe netfilter.ipv4.local_in { println(data_str) exit() }", "-c",
                   program(tmp_path, UDP % 1)).ok()
    line = next(line for line in result.lines if not line.startswith("came"))
    assert line.startswith("E\\000\\000&") and line.endswith("x" * 10)


def test_ipv6(tmp_path):
    text = ('probe netfilter.ip.local_in { if (protocol == ipproto_udp) println(pf, " ", saddr, " ", sport, " ", dport, " ", '
            'length) }')
    udp = (UDP % 1).replace("AF_INET", "AF_INET6").replace("127.0.0.1", "::1")
    result = alone(STAP, "-e", text, "-c", program(tmp_path, udp)).ok()
    if "came 1" not in result.lines:
        pytest.skip("no IPv6 here")
    assert "ipv6 0000:0000:0000:0000:0000:0000:0000:0001 4141 4242 58" in result.lines


def can_decide():
    return "$verdict" in stap("-L", HOOK).out


@pytest.fixture
def decides():
    result = alone(STAP, "-g", "-e", "probe %s { $verdict = 1 } probe begin { exit() }" % HOOK)
    if "can only be watched" in result.err:
        pytest.skip("hooks can only be watched on this kernel")


def test_a_dropped_packet_does_not_come(tmp_path, decides):
    text = "global n probe %s { if (++n %% 2) $verdict = 0 else $verdict = 1 } probe end { println(n) }" % HOOK
    result = alone(STAP, "-g", "-e", text, "-c", program(tmp_path, UDP % 6)).ok()
    assert result.lines == ["came 3", "6"]


def test_another_verdict_is_an_error(tmp_path, decides):
    result = alone(STAP, "-g", "-e", "probe netfilter.ipv4.local_in { $verdict = nf_queue }", "-c",
                   program(tmp_path, UDP % 1)).failed()
    assert "verdict 3 is not available: a netfilter probe can drop (0) or accept (1) near identifier '$verdict'" in result.err


def test_a_verdict_needs_guru_mode():
    result = script("probe %s { $verdict = 0 }" % HOOK).failed()
    assert "write to netfilter verdict requires guru mode; need stap -g: identifier '$verdict'" in result.err


@pytest.mark.parametrize("point, message", [
    ('hook("NF_INET_LOCAL_IN").pf("NFPROTO_X")', 'unsupported netfilter protocol family "NFPROTO_X"; need stap -g'),
    ('hook("NF_X").pf("NFPROTO_IPV4")', 'unsupported netfilter hook "NF_X" for protocol family "2"; need stap -g'),
    ('pf("NFPROTO_ARP").hook("NF_ARP_IN").priority("7x")',
     'unsupported netfilter priority "7x" for protocol family "3"; need stap -g'),
])
def test_what_there_is_not(point, message):
    assert message in script("probe netfilter.%s { }" % point).failed().err


def test_without_links_hooks_can_only_be_watched():
    """By a chain of nf_tables and a kprobe; without these not at all."""
    text = "probe %s { $verdict = 0 } probe begin { exit() }" % HOOK
    result = script(text, "-g", env={"BPFTAP_WITHOUT": "netfilter_link"}).failed()
    assert "can only be watched on this kernel" in result.err or "cannot be probed" in result.err
    result = script(text, "-g", env={"BPFTAP_WITHOUT": "netfilter_link,kprobe"}).failed()
    assert "this kernel's netfilter hooks of NFPROTO_IPV4 cannot be probed" in result.err


def test_chains_see_the_packets_that_links_see(tmp_path):
    text = "global n probe %s { n[$hooknum, $skb->len]++ } probe end { foreach ([h, l+] in n) println(h, ' ', l, ' ', n[h, l]) }"
    result = alone(STAP, "-e", (text % HOOK).replace("'", '"'), "-c", program(tmp_path, UDP % 5),
                   env={"BPFTAP_WITHOUT": "netfilter_link"})
    if "cannot be probed" in result.err:
        pytest.skip("no nf_tables or no kprobes here")
    assert result.ok().lines == ["came 5"] + [f"1 {38 + i} 1" for i in range(5)]


def test_other_variables():
    assert "unsupported context variable: identifier '$nosuch'" in script("probe %s { println($nosuch) }" % HOOK).failed().err
    assert "cannot take address of netfilter hook context variable" in script("probe %s { println(&$skb) }" % HOOK).failed().err
    assert "write to netfilter parameter not permitted" in script("probe %s { $skb = 0 }" % HOOK, "-g").failed().err


def test_listing():
    names = stap("-l", "netfilter.**").ok().lines
    assert {"netfilter.ip.local_in", "netfilter.ipv6.forward", "netfilter.arp.out",
            "netfilter.bridge.pre_routing"} <= set(names)
    line = stap("-L", "netfilter.ip.local_in").ok().out
    for variable in ("saddr:string", "dport:long", "indev_name:string", "syn:long", "nf_drop:long", "data_hex:string"):
        assert f" {variable}" in line


BRIDGE = "ip link set lo up && ip link add name br0 type bridge && ip link add name port0 type veth peer name port1 && " \
         "ip link set dev port0 master br0 && ip link set dev port0 up && ip link set dev port1 up && ip link set br0 up && " \
         "ip addr add 10.9.8.1/24 dev br0"

ARP = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x608)
s.bind(("port1", 0))
mac = bytes.fromhex("020000000007")
for i in range(3):
    s.send(b"\\xff" * 6 + mac + bytes.fromhex("0806000108000604000%d" % 1) + mac + bytes([10, 9, 8, 7 + i]) + bytes(6) +
           bytes([10, 9, 8, 1]))
"""


def needs_bridges():
    if alone("true", prepare=BRIDGE).status:
        pytest.skip("no bridges here")


def other_families(text, tmp_path, what):
    needs_bridges()
    result = alone(STAP, "-e", text, "-c", program(tmp_path, what), prepare=BRIDGE)
    if "cannot be probed" in result.err:
        pytest.skip("hooks of this family need nf_tables, bridges and kprobes")
    return result.ok()


def test_arp(tmp_path):
    text = ('probe netfilter.arp.in { if (ar_sha == "02:00:00:00:00:07") printf("%s %d %x %d %d %d %s %s %s %s\\n", pf, ar_hrd, '
            'ar_pro, ar_hln, ar_pln, ar_op, ar_sip, ar_tha, ar_tip, indev_name) }')
    lines = other_families(text, tmp_path, ARP + "import time\ntime.sleep(0.5)\n").lines
    assert lines == [f"arp 1 800 6 4 1 10.9.8.{7 + i} 00:00:00:00:00:00 10.9.8.1 br0" for i in range(3)]


STP = """
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("port1", 0))
bpdu = bytes.fromhex("0000000001" "8001021122334455" "00000004" "8002026677889900" "8003" "0100" "1400" "0200" "0f00")
s.send(bytes.fromhex("0180c2000000" "020000000007") + (len(bpdu) + 3).to_bytes(2, "big") + bytes.fromhex("424203") + bpdu)
time.sleep(0.5)
"""


def test_bridge(tmp_path):
    text = ('probe netfilter.bridge.local_in, netfilter.bridge.pre_routing { if (protocol == llcproto_stp && br_rmac == '
            '"02:11:22:33:44:55") printf("%s %d %d %d %d %x %d %x %s %x %d %d %d %d %s\\n", pf, br_prid, br_vid, br_type, br_flags, '
            'br_rid, br_cost, br_bid, br_mac, br_poid, br_msg, br_max, br_htime, br_fd, indev_name) }')
    lines = other_families(text, tmp_path, STP).lines
    assert lines and set(lines) == {"bridge 0 0 0 1 8001 4 8002 02:66:77:88:99:00 8003 256 5120 512 3840 port0"}


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
def test_no_table_is_left(tmp_path):
    needs_bridges()
    listing = program(tmp_path, "import subprocess\nsubprocess.run(['nft', 'list', 'tables'])")
    text = "global n probe netfilter.arp.in { n++ } probe end { println(n >= 0) }"
    result = alone("sh", "-c", f"'{STAP}' -e '{text}' -c '{listing}'; nft list tables; echo done", prepare=BRIDGE)
    if "cannot be probed" in result.err:
        pytest.skip("no nf_tables chains are used here")
    assert result.ok().lines[0].startswith("table arp stap_") and result.lines[1:] == ["1", "done"], result.out


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
def test_every_chain_has_its_own_result():
    """A table of the name that stap is to use is there already, of somebody else: no chain is taken to be made."""
    points = ", ".join(f'netfilter.hook("NF_INET_{hook}").pf("NFPROTO_IPV4")' for hook in ("LOCAL_IN", "LOCAL_OUT", "FORWARD"))
    result = alone("sh", "-c", f"nft add table ip stap_$$ && exec '{STAP}' -e 'global n probe {points} {{ n++ }}' -c true",
                   env={"BPFTAP_WITHOUT": "netfilter_link"})
    if "cannot be probed" in result.err:
        pytest.skip("no nf_tables or no kprobes here")
    assert "nf_tables chain at hook" in result.failed().err and "2 more probe points could not be registered" in result.err
