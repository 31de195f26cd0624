# SPDX-License-Identifier: GPL-2.0-or-later
"""A real program: nginx as Debian's source builds it, against what gdb says about it."""
import json
import re
import signal

import pytest

from support import Background, Nginx, background, frame_name, gdb_script, nginx_binary, run, stap, wait_until, TOP

REQUESTS = [("/",), ("/missing",), ("/", "-H", "Connection: close"), ("/", "-I"), ("/", "-0")]

CLOSING = """
probe process("%s").function("ngx_close_connection") {
    if (target() == pid()) {
        printf("Close conn %%d (fd:%%d) error:%%s destroyed:%%d\\n", $c->number, $c->fd,
               $c->log->action ? user_string($c->log->action) : "-", $c->destroyed)
        print_ubacktrace()
    }
}
probe begin { println("ready") }
"""


def requests(nginx):
    for request in REQUESTS:
        nginx.get(*request)


@pytest.fixture(scope="module")
def by_stap(tmp_path_factory):
    with Nginx(tmp_path_factory.mktemp("nginx")) as nginx:
        with background("-D", "MAXBACKTRACE=40", "-e", CLOSING % nginx.binary, "-x", str(nginx.worker)) as stap_:
            stap_.wait_for("ready")
            requests(nginx)
            stap_.wait_for(rf"(?s)(Close conn.*){{{len(REQUESTS)}}}_start")
            stap_.signal(signal.SIGINT)
            return stap_.finish(10).ok().out


@pytest.fixture(scope="module")
def by_gdb(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nginx-gdb")
    truth = directory / "truth"
    with Nginx(directory) as nginx:
        gdb = Background(["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-x",
                          TOP / "tests/gdb/closing.py",
                          "-p", str(nginx.worker)], env={"TRUTH": str(truth)})
        with gdb:
            gdb.wait_for("armed", timeout=60)
            requests(nginx)
            wait_until(lambda: len(truth.read_text().splitlines()) >= len(REQUESTS), timeout=30, what="gdb's report")
    return [json.loads(line) for line in truth.read_text().splitlines()]


def test_connections_as_gdb_sees_them(by_stap, by_gdb):
    printed = [line for line in by_stap.splitlines() if line.startswith("Close conn")]
    assert printed == [f"Close conn {r['number']} (fd:{r['fd']}) error:{r['action'] or '-'} destroyed:{r['destroyed']}"
                       for r in by_gdb]


def test_frames_as_gdb_sees_them(by_stap, by_gdb):
    traces = by_stap.split("Close conn ")[1:]
    assert len(traces) == len(by_gdb)
    for text, record in zip(traces, by_gdb):
        found = re.findall(r"^ 0x[0-9a-f]+ : (\S+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[", text, re.M)
        assert [(frame_name(name), int(offset, 16)) for name, offset in found] == \
            [(frame_name(name), offset) for name, offset in record["frames"]]


def test_frame_format(by_stap):
    binary = nginx_binary()
    lines = [line for line in by_stap.splitlines() if line.startswith(" 0x")]
    assert all(re.fullmatch(r" 0x[0-9a-f]+ : \S+\+0x[0-9a-f]+/0x[0-9a-f]+ \[/\S+\]", line) for line in lines)
    assert re.match(rf" 0x[0-9a-f]+ : ngx_close_connection\+0x0/0x[0-9a-f]+ \[{re.escape(str(binary))}\]", lines[0])


def test_the_script_as_published(tmp_path):
    """%d of a char pointer prints the number, as in the user's notes."""
    with Nginx(tmp_path / "n") as nginx:
        script = tmp_path / "tcp-close.stp"
        script.write_text(f'''probe process("{nginx.binary}").function("ngx_close_connection") {{
    if (target() == pid()) {{
        printf("Close conn %d (fd:%d) error:%d destroyed:%d\\n", $c->number, $c->fd, $c->log->action, $c->destroyed)
        print_ubacktrace()
    }}
}}
probe begin {{ println("ready") }}
''')
        with background(script, "-x", str(nginx.worker)) as stap_:
            stap_.wait_for("ready")
            nginx.get()
            stap_.wait_for(r"Close conn \d+ \(fd:\d+\) error:\d+ destroyed:\d\n 0x[0-9a-f]+ : ngx_close_connection\+0x0")
            stap_.signal(signal.SIGINT)
            stap_.finish(10).ok()


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """gdb's functions of nginx, and ours: (name, file, line) -> [(parameter, type)...].

    Of those that have code of their own; without .call, -L lists what all inlined copies have in common."""
    truth = tmp_path_factory.mktemp("functions") / "truth"
    gdb_script("functions.py", nginx_binary(), truth=truth)
    theirs = {}
    for line in truth.read_text().splitlines():
        name, file, number, parameters = json.loads(line)
        theirs[name, file, number] = [(n, type_words(t)) for n, t in parameters]
    ours = {}
    for line in stap("-L", f'process("{nginx_binary()}").function("*").call').ok().lines:
        match = re.match(r'process\("[^"]*"\)\.function\("(\w+)@([^:]+):(\d+)"\)\.call(.*)', line)
        if match:
            variables = re.findall(r"\$(\w+):(.*?)(?= \$|$)", match.group(4))
            ours[match.group(1), match.group(2), int(match.group(3))] = [(n, type_words(t)) for n, t in variables]
    return theirs, ours


def type_words(text):
    """A type's words and stars whatever their order: gdb says 'const char *', SystemTap 'char const*'.

    Function pointers are one word: SystemTap shows them as (*)(...)."""
    text = re.sub(r"\(\*.*", "(*)", text)
    text = re.sub(r"\[\d*\]", "[]", text)
    text = text.replace("long unsigned int", "unsigned long").replace("long int", "long")
    words = re.findall(r"\w+|\*|\(|\)|\[\]", text)
    return sorted(w for w in words if w not in ("int",) or words == ["int"])


def test_functions_as_gdb_lists_them(functions):
    theirs, ours = functions
    assert len(theirs) > 1000
    missing = [key for key in theirs if key not in ours]
    assert len(missing) <= 0.005 * len(theirs), (len(missing), missing[:10])


def test_parameters_as_gdb_lists_them(functions):
    theirs, ours = functions
    # A parameter that the compiler took apart stands after the locals in DWARF: the order is free.
    wrong = [(key, theirs[key], ours[key]) for key in theirs
             if key in ours and not all(parameter in ours[key] for parameter in theirs[key])]
    assert len(wrong) <= 0.005 * len(theirs), (len(wrong), wrong[:10])


def test_count_every_function(tmp_path):
    """All functions armed at once, one handler; those of a request are counted."""
    with Nginx(tmp_path / "n") as nginx:
        text = f'global n probe process("{nginx.binary}").function("*").call {{ n[ppfunc()]++ }} ' \
               'probe begin { println("ready") } probe end { println(n["ngx_http_create_request"], " ", ' \
               'n["ngx_http_static_handler"]) }'
        with background("-e", text, "-x", str(nginx.worker)) as stap_:
            stap_.wait_for("ready", timeout=30)
            for _ in range(3):
                assert nginx.get().out == "200"
            stap_.signal(signal.SIGINT)
            assert stap_.finish(20).ok().lines == ["ready", "3 3"]


def test_notes_on_casts_and_pointers(tmp_path):
    """What the notes of a user say about process probes: casts, pretty printing, function pointers."""
    with Nginx(tmp_path / "n") as nginx:
        text = f'''
probe begin {{ println("ready") }}
probe process("{nginx.binary}").function("ngx_http_wait_request_handler") {{
    c = &@cast($rev->data, "ngx_connection_t")
    printf("%d %s %s\\n", c->number == @cast($rev->data, "ngx_connection_t")->number, usymname($rev->handler),
           $$parms$ =~ "^rev=\\\\{{" ? "pretty" : $$parms$)
    printf("%d\\n", $rev->data == c)
}}
probe process("{nginx.binary}").function("ngx_http_core_run_phases").return {{
    println(@entry(user_string_n($r->uri->data, $r->uri->len)))
    exit()
}}'''
        with background("-e", text, "-x", str(nginx.worker), "-D", "MAXSTRINGLEN=1000") as stap_:
            stap_.wait_for("ready")
            nginx.get("/some/page")
            result = stap_.finish(15).ok()
            assert result.lines == ["ready", "1 ngx_http_wait_request_handler pretty", "1", "/some/page"]


def test_statement_in_nginx(tmp_path):
    """A line in the middle of ngx_close_connection, with the variable there."""
    lines = stap("-l", f'process("{nginx_binary()}").statement("ngx_close_connection@src/core/ngx_connection.c:*")').ok().lines
    number = sorted({int(re.search(r":(\d+)\"\)", line).group(1)) for line in lines})[3]
    with Nginx(tmp_path / "n") as nginx:
        text = f'probe process("{nginx.binary}").statement("ngx_close_connection@src/core/ngx_connection.c:{number}") ' \
               '{ println("at ", $c->fd > 2) exit() } probe begin { println("ready") }'
        with background("-e", text) as stap_:
            stap_.wait_for("ready")
            nginx.get()
            assert "at 1" in stap_.finish(15).lines


def test_arming_all_functions_is_quick(tmp_path):
    import time
    text = f'global n probe process("{nginx_binary()}").function("*").call {{ n++ }} probe begin {{ exit() }}'
    run(["true"])
    started = time.monotonic()
    stap("-e", text).ok()
    assert time.monotonic() - started < 10
