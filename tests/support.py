# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: running stap, building targets, waiting for things.

STAP names the command under test (default: build/src/cli/stap).
"""
import atexit
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
TARGETS = TOP / "tests" / "targets"
STAP = pathlib.Path(os.environ.get("STAP", TOP / "build" / "src" / "cli" / "stap"))
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "bpftap"
SANITIZED = "asan" in str(STAP)
SESSION = pathlib.Path(tempfile.mkdtemp(prefix="bpftap-tests-"))
SESSION.chmod(0o755)
atexit.register(shutil.rmtree, SESSION, ignore_errors=True)


@dataclasses.dataclass
class Result:
    """How a command ended.  status is negative for a signal, None for a timeout."""
    out: str
    err: str
    status: int

    @property
    def lines(self):
        return self.out.splitlines()

    def ok(self):
        """Asserts status 0; returns itself so that tests can chain."""
        assert self.status == 0, f"status {self.status}\nstdout:\n{self.out}\nstderr:\n{self.err}"
        return self

    def failed(self, status=1):
        """Asserts an orderly failure: that status, no crash."""
        assert self.status == status, f"status {self.status}\nstdout:\n{self.out}\nstderr:\n{self.err}"
        assert "Sanitizer" not in self.err and "runtime error" not in self.err, self.err
        return self


def environment(extra=None):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    env.update(extra or {})
    return env


def run(argv, timeout=40, stdin=subprocess.DEVNULL, env=None, cwd=None, data=None, **popen):
    """Runs a command in a session of its own; kills the session when the time is up."""
    process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.PIPE if data is not None else stdin, cwd=cwd,
                               env=environment(env), start_new_session=True, **popen)
    try:
        out, err = process.communicate(data.encode() if data is not None else None, timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        status = None
    return Result(out.decode(errors="replace"), err.decode(errors="replace"), status)


def stap(*args, **kwargs):
    """Runs stap with these arguments."""
    return run([STAP, *args], **kwargs)


def script(text, *args, **kwargs):
    """Runs a script text; further arguments are options (or --args and its followers)."""
    return stap("-e", text, *args, **kwargs)


def without_advice(err):
    """Messages but for those that variables in .return should be written @entry()."""
    err, advice = re.subn(r"^WARNING: confusing usage, .*\n source: .*\n +\^\n", "", err, flags=re.M)
    suppressed = r"^Number of similar warning messages suppressed: \d+\.\nRerun with -v to see them\.\n"
    return re.sub(suppressed, "", err, flags=re.M) if advice else err


def with_program(text, program):
    """The script text with PROG replaced by the path of the program, quoted."""
    return text.replace("PROG", f'"{program}"')


def trace(program, text, *args, command=None, **kwargs):
    """Runs the script on `program`, started by -c (or `command` instead); PROG in the text is its path."""
    return stap("-e", with_program(text, program), "-c", str(command or program), *args, **kwargs)


class Background:
    """A command running beside the test; its output goes to files, so that it never blocks."""

    def __init__(self, argv, env=None, cwd=None, preexec=None):
        self.out_file = tempfile.TemporaryFile()
        self.err_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(a) for a in argv], stdout=self.out_file,
                                        stderr=self.err_file, stdin=subprocess.DEVNULL, cwd=cwd,
                                        env=environment(env), start_new_session=True,
                                        preexec_fn=preexec)
        self.pid = self.process.pid

    def text(self, file):
        file.flush()
        return os.pread(file.fileno(), 1 << 26, 0).decode(errors="replace")

    @property
    def out(self):
        return self.text(self.out_file)

    @property
    def err(self):
        return self.text(self.err_file)

    def wait_for(self, pattern, timeout=20, where="out"):
        """Waits until the output matches; fails the test when the command ends first."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            match = re.search(pattern, getattr(self, where))
            if match:
                return match
            if ended:
                break
            time.sleep(0.01)
        raise AssertionError(f"no {pattern!r} in {where}\nstdout:\n{self.out}\nstderr:\n{self.err}")

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, timeout=20):
        """Waits for its end; kills it when that takes too long (status None)."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        return Result(self.out, self.err, status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def background(*args, **kwargs):
    """stap beside the test."""
    return Background([STAP, *args], **kwargs)


def compile_target(name, *flags, cc="gcc", output=None):
    """Builds tests/targets/NAME (a C file) with these flags; returns the path, cached by content."""
    source = TARGETS / name
    return compile_source(source, *flags, cc=cc, output=output or pathlib.Path(name).stem)


def compile_source(source, *flags, cc="gcc", output="a.out"):
    """Builds a C file; the result is cached under the hash of text, compiler and flags."""
    flags = flags or ("-O0", "-g")
    key = hashlib.sha256(repr((source.read_bytes(), str(source), cc, flags)).encode()).hexdigest()[:16]
    directory = CACHE / "targets" / "c" / key
    binary = directory / output
    if not binary.exists():
        directory.mkdir(parents=True, exist_ok=True)
        partial = directory / f"{output}.{os.getpid()}"
        subprocess.run([cc, "-o", partial, source.name, *flags], check=True, cwd=source.parent)
        partial.rename(binary)
    return own_copy(binary, key)


def own_copy(binary, key):
    """A copy for this run of the tests: probes see every process of a file, also those of other runs."""
    copy = SESSION / key / binary.name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(binary, copy)
    return copy


def line_of(name, marker):
    """The number of the line of a target's source that has the marker in a comment."""
    for number, text in enumerate((TARGETS / name).read_text().splitlines(), 1):
        if f"/* {marker} */" in text:
            return number
    raise AssertionError(f"no /* {marker} */ in {name}")


def nginx_binary():
    """nginx of Debian's source package, built with debug information."""
    binary = pathlib.Path(subprocess.check_output([TARGETS / "nginx.sh"], text=True).strip())
    return own_copy(binary, "nginx")


def wait_until(condition, timeout=10, what="condition"):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"timed out waiting for {what}")


def gdb_script(name, *arguments, truth, attach=None, env=None, timeout=90):
    """Runs tests/gdb/NAME in gdb; its findings go to the file `truth`."""
    where = ["-p", str(attach)] if attach else ["--args", *map(str, arguments)]
    return run(["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-x", TOP / "tests" / "gdb" / name,
                *where],
               env={"TRUTH": str(truth), **(env or {})}, timeout=timeout)


def frame_name(name):
    """A function's name without version and compiler's suffix, and one name for a place of libc that has two."""
    return re.sub(r"\.(part|constprop|isra|cold)(\.\d+)?", "", name.split("@")[0]).removesuffix("_impl")


NGINX_CONF = """
daemon off;
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{
        listen 127.0.0.1:{port};
        location / {{ root {dir}/html; }}
    }}
}}
"""


class Nginx:
    """A fresh nginx with one worker, serving one page on a port of its own."""

    def __init__(self, directory):
        import socket
        (directory / "html").mkdir(parents=True)
        (directory / "html" / "index.html").write_text("<p>page</p>\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (directory / "nginx.conf").write_text(NGINX_CONF.format(dir=directory, port=self.port))
        self.binary = nginx_binary()
        self.master = Background([self.binary, "-p", directory, "-c", directory / "nginx.conf", "-e",
                                  directory / "error.log"])
        self.worker = int(wait_until(lambda: run(["pgrep", "-P", str(self.master.pid)]).out.split(),
                                     what="nginx's worker")[0])
        wait_until(self.listens, what="nginx to listen")

    def listens(self):
        """Whether the worker accepts, found without making a connection (which would count)."""
        return "epoll" in run(["cat", f"/proc/{self.worker}/wchan"]).out or \
            any("eventpoll" in os.readlink(f"/proc/{self.worker}/fd/{fd}")
                for fd in os.listdir(f"/proc/{self.worker}/fd"))

    def get(self, path="/", *options):
        return run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options,
                    f"http://127.0.0.1:{self.port}{path}"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.master.__exit__()
