# SPDX-License-Identifier: GPL-2.0-or-later
"""The file system of a test machine: an initramfs in memory, everything at the path it has here.

	image = Image()
	image.add("/usr/bin/gdb")		# an executable brings its libraries
	image.add("/usr/share/gdb")		# a directory brings what is below
	image.write(path)
"""
import functools
import os
import pathlib
import re
import stat
import subprocess


@functools.cache
def libraries(path):
    """The files that the loader maps for an executable or a library, the loader included."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.M)


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


class Image:
    def __init__(self):
        self.entries = {}       # path without the leading slash: (mode, contents or path to read)
        for directory in ("bin", "sbin", "lib", "lib64"):
            self.link(f"/{directory}", f"usr/{directory}")
        for directory in ("proc", "sys", "dev", "usr/lib64", "usr/sbin", "usr/lib", "modules"):
            self.directory(f"/{directory}")

    def directory(self, path):
        path = str(path).strip("/")
        if path and path not in self.entries:
            self.directory(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, b"")

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, path, contents, mode=0o644):
        """A file with these contents: bytes, or the path of a file here."""
        self.directory(os.path.dirname(path))
        self.entries[str(path).strip("/")] = (stat.S_IFREG | mode, contents)

    def add(self, path, skip=None):
        """What is at that path here, with what it needs to run; skip: names left out of directories."""
        path = pathlib.Path(os.path.abspath(path))
        path = path.parent.resolve() / path.name
        if str(path).strip("/") in self.entries and not path.is_dir():
            return
        if path.is_symlink():
            self.link(str(path), os.readlink(path))
            self.add(path.resolve(), skip)
        elif path.is_dir():
            self.directory(path)
            for entry in sorted(path.iterdir()):
                if not (skip and skip(entry)):
                    self.add(entry, skip)
        elif path.is_file():
            self.file(str(path), path, stat.S_IMODE(path.stat().st_mode))
            if is_elf(path):
                for library in libraries(path):
                    self.add(library)

    def write(self, path):
        """Writes the archive (cpio, "newc", which kernels unpack)."""
        with open(path, "wb") as out:
            for number, (name, (mode, contents)) in enumerate(self.entries.items(), 1):
                self.write_entry(out, number, name, mode, contents)
            self.write_entry(out, 0, "TRAILER!!!", 0, b"")

    @staticmethod
    def write_entry(out, number, name, mode, contents):
        data, modified = contents, 0
        if isinstance(contents, pathlib.Path):      # python looks whether its compiled files are of that time
            data, modified = contents.read_bytes(), int(contents.stat().st_mtime)
        name = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, modified, len(data), 0, 0, 0, 0, len(name), 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
