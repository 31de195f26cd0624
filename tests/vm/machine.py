# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine with another kernel, under QEMU's emulation, that runs commands as root.

	with Machine("6.1", image) as machine:
		result = machine.run("stap -e '...'")
		result.status, result.out, result.err, result.files["name"]

Tests get one from the fixtures in conftest.py.
"""
import dataclasses
import io
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time

import kernels
from image import Image

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BOOT_SECONDS = 120
SANITIZED = "asan" in os.environ.get("STAP", "")
SLOWER = 6 if SANITIZED else 1      # than the plain build
SANITIZERS = ("ASAN_OPTIONS", "UBSAN_OPTIONS")
REPORTS = "/run/sanitizers"         # where sanitizers leave reports: not all processes of stap have a standard error
# One processor runs at a time, in turns.  With a thread for each, QEMU keeps what it translated of an instruction while
# another processor was changing it: the breakpoint that a kernel puts there for that moment is hit long after the kernel
# took it back, kprobes take it for theirs, and the kernel jumps to 0 (QEMU 7.2: in seconds, while points of a function
# that others call are armed and let go; 10.0: in minutes).  A processor has to see such a change, and real ones do.
ACCELERATOR = "tcg,thread=single"


@dataclasses.dataclass
class Result:
    """How a command ended.  status: 137 when it ran out of time."""
    status: int
    stdout: bytes
    stderr: bytes
    files: dict         # what it left in /out, by name

    @property
    def out(self):
        return self.stdout.decode(errors="replace")

    @property
    def err(self):
        return self.stderr.decode(errors="replace")

    def ok(self):
        """Asserts status 0; returns itself."""
        assert self.status == 0, f"status {self.status}\nstdout:\n{self.out}\nstderr:\n{self.err}"
        return self


class Dead(Exception):
    """The machine stopped or no longer answers; carries the end of its console."""


class Reported(Exception):
    """Sanitizers found something in what ran; carries their reports."""


def unpack(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {os.path.normpath(m.name): tar.extractfile(m).read() for m in tar if m.isfile()}


def environment(variables):
    """The text of /environment, with what sanitizers are told here."""
    if SANITIZED:
        variables |= {name: f"{os.environ.get(name, '')}:log_path={REPORTS}/report" for name in SANITIZERS}
    return "".join(f"export {name}='{value}'\n" for name, value in variables.items()).encode()


def stap_image(stap):
    """An image with stap, its library of scripts and busybox."""
    image = Image()
    image.file("/init", HERE / "init", 0o755)
    image.add(shutil.which("busybox"))
    image.add(stap)
    image.add(TOP / "tapset")
    image.add(TOP / "examples")
    for path in (pathlib.Path(stap).resolve().parents[2] / "tools" / "syscalls").glob("*[ps]"):
        image.add(path)     # *.stp, tapset.names
    image.link("/usr/local/bin/stap", str(pathlib.Path(stap).resolve()))
    image.directory(REPORTS)
    image.file("/environment", environment({}))
    return image


class Machine:
    """Boots on entry, powers off on exit."""

    def __init__(self, kernel, image, modules=(), memory="3G" if SANITIZED else "1G", processors=2, options=(), debug=False):
        """debug: with the kernel's debug information in /usr/lib/debug."""
        self.name, self.kernel = kernel, kernels.get(kernel)
        self.memory, self.processors, self.options = memory, processors, list(options)
        if debug:
            self.options += ["-drive", f"file={self.kernel.debug_disk()},format=raw,readonly=on,if=none,id=debug",
                             "-device", "virtio-blk-pci,drive=debug"]
            modules = ["virtio_pci", "virtio_blk", *modules]
        self.directory = tempfile.TemporaryDirectory(prefix="bpftap-vm-")
        self.path = pathlib.Path(self.directory.name)
        loaded = self.kernel.modules(modules)
        for name, data in loaded:
            image.file(f"/modules/{name}.ko", data)
        image.file("/modules/list", "".join(f"/modules/{name}.ko\n" for name, _ in loaded).encode())
        image.write(self.path / "initramfs")

    def __enter__(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path / "port"))
        listener.listen()
        listener.settimeout(30)
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", ACCELERATOR, "-cpu", "max", "-smp", str(self.processors),
             "-m", self.memory, "-no-reboot", "-nographic", "-nodefaults", "-kernel", self.kernel.image,
             "-initrd", self.path / "initramfs", "-append", "console=ttyS0 quiet panic=-1 oops=panic no_timer_check",
             "-serial", f"file:{self.path}/console", "-chardev", f"socket,id=port,path={self.path}/port",
             "-serial", "chardev:port", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.path / "qemu", "wb"))
        try:
            self.port, _ = listener.accept()
            (self.path / "port").unlink()
            self.deadline = time.monotonic() + BOOT_SECONDS
            self.buffer = b""
            self.line()
        except BaseException:
            self.__exit__()
            raise
        (self.path / "initramfs").unlink()
        return self

    def __exit__(self, *_):
        try:
            self.port.settimeout(5)
            self.port.sendall(b"off 0\n")
            self.process.wait(5)
        except (AttributeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.directory.cleanup()

    def console(self):
        """What the kernel said, and QEMU."""
        return "".join((self.path / name).read_text(errors="replace") for name in ("console", "qemu"))

    def receive(self):
        self.port.settimeout(max(0.1, self.deadline - time.monotonic()))
        try:
            data = self.port.recv(1 << 16)
        except TimeoutError:
            data = b""
        if not data:
            raise Dead("the machine does not answer; its console:\n" + self.console()[-3000:])
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.receive()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def take(self, n):
        while len(self.buffer) < n:
            self.receive()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def run(self, script, timeout=60):
        """Runs a shell script for at most that many seconds, in which no sanitizer may find anything."""
        text, timeout = script.encode(), timeout * SLOWER
        self.deadline = time.monotonic() + timeout + 60
        self.port.sendall(b"%d %d\n" % (timeout, len(text)) + text)
        word, status, *sizes = self.line().split()
        assert word == "end", word
        out, err, files, reports = [self.take(int(size)) for size in sizes]
        if reports:
            raise Reported(f"{err.decode(errors='replace')[-3000:]}\n{reports.decode(errors='replace')}")
        return Result(int(status), out, err, unpack(files))
