# SPDX-License-Identifier: GPL-2.0-or-later
"""Remote procedure calls: the client that a mount makes."""
import errno
import pathlib
import sys

from support import script

MOUNT = pathlib.Path(__file__).with_name("mount_nfs.py")
TEXT = """
probe sunrpc.clnt.create_client {
    printf("%s %s %d %s %d %d %d\\n", name, servername, prog, progname, vers, prot, port)
}
probe sunrpc.sched.new_task { printf("%s %d %d %d\\n", name, prog, vers, prot); xid_of_task = xid }
probe sunrpc.sched.execute { printf("%s %d %d\\n", name, prog, xid == xid_of_task) }
probe sunrpc.sched.release_task { printf("%s %d\\n", name, prog) }
probe sunrpc.clnt.shutdown_client { printf("%s %s %d %s %d %d %d %d\\n", name, servername, prog, progname, prot, port, rpccnt, om_ops) }
global xid_of_task
"""


def test_client_of_a_mount(tmp_path):
    lines = script(TEXT, "-c", f"{sys.executable} -B {MOUNT} {tmp_path}", timeout=90).ok().lines
    assert f"mount {errno.ECONNREFUSED}" in lines, lines
    assert "sunrpc.clnt.create_client 127.0.0.1 100003 nfs 4 6 2049" in lines
    assert "sunrpc.sched.new_task 100003 4 6" in lines and "sunrpc.sched.execute 100003 1" in lines
    assert lines.count("sunrpc.sched.release_task 100003") == lines.count("sunrpc.sched.new_task 100003 4 6")
    assert "sunrpc.clnt.shutdown_client 127.0.0.1 100003 nfs 6 2049 1 1" in lines
