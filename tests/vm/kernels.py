# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels to test on: found in the archive, fetched and unpacked once.

	kernel = kernels.get("6.1")		# newest 6.1 of the cloud flavour
	kernel.image, kernel.modules(["veth"])
	kernel.debug_tree()			# what its -dbg package has for /usr/lib/debug (a part of it)
	kernel.debug_disk()			# the same as an ext4 image
"""
import dataclasses
import functools
import lzma
import os
import pathlib
import re
import shutil
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "bpftap" / "kernels"
PATTERNS = {"6.1": r"linux-image-6\.1\.0-\d+-cloud-amd64", "6.12": r"linux-image-6\.12\.\S+-cloud-amd64"}


class Unavailable(Exception):
    """No such kernel can be had here."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    root: pathlib.Path          # the unpacked package

    @property
    def release(self):
        return self.image.name.removeprefix("vmlinuz-")

    @property
    def image(self):
        return next((self.root / "boot").glob("vmlinuz-*"))

    @functools.cached_property
    def module_files(self):
        return {re.sub(r"\.ko(\.xz)?$", "", path.name).replace("-", "_"): path
                for path in self.root.glob("**/*.ko*")}

    @functools.cached_property
    def builtin(self):
        """Names of the modules that are part of the kernel."""
        listed = next(self.root.glob("**/modules.builtin"))
        return {pathlib.Path(line).name.removesuffix(".ko").replace("-", "_") for line in listed.read_text().split()}

    def debug_tree(self):
        return debug_tree(self.root.name)

    def debug_disk(self):
        return debug_disk(self.root.name)

    def modules(self, names):
        """(name, bytes) of these modules and all they depend on, each after what it needs."""
        found = {}

        def add(name):
            name = name.replace("-", "_")
            if name in found or name in self.builtin:
                return
            path = self.module_files.get(name)
            if not path:
                raise Unavailable(f"{self.release} has no module {name}")
            data = lzma.open(path).read() if path.suffix == ".xz" else path.read_bytes()
            needs = re.search(rb"\0depends=([^\0]*)\0", data)
            for other in needs.group(1).decode().split(",") if needs else []:
                if other:
                    add(other)
            found[name] = data

        for name in names:
            add(name)
        return list(found.items())


# of a -dbg package: the kernel itself, and the modules that tests load
DEBUG_FILES = ["boot/vmlinux-*", "vmlinux-*", ".build-id", "lib/modules/*/vmlinux", "lib/modules/*/vdso",
               "lib/modules/*/kernel/net/netfilter", "lib/modules/*/kernel/drivers/net/veth.ko"]


@functools.cache
def debug_tree(package):
    """The directory; unpacked once.  Unavailable: the package cannot be fetched."""
    tree = fetch(f"{package}-dbg", [f"./usr/lib/debug/{name}" for name in DEBUG_FILES])
    if not tree:
        raise Unavailable(f"{package}-dbg cannot be fetched")
    return tree / "usr" / "lib" / "debug"


@functools.cache
def debug_disk(package):
    """The image of the tree; made once."""
    disk, tree = CACHE / f"{package}-dbg.ext4", debug_tree(package)
    if disk.exists():
        return disk
    if not shutil.which("mke2fs"):
        raise Unavailable("there is no mke2fs to make a disk of debug information")
    size = int(subprocess.run(["du", "-sm", tree], capture_output=True, text=True, check=True).stdout.split()[0])
    partial = CACHE / f"{package}-dbg.ext4.{os.getpid()}"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", tree, partial, f"{size + size // 10 + 16}M"],
                   check=True, stdout=subprocess.DEVNULL)
    partial.rename(disk)
    return disk


def version_key(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def newest_package(name):
    """Of the archive, as far as this machine's package lists know; None: they know none."""
    try:
        names = subprocess.run(["apt-cache", "pkgnames", "linux-image-6."], capture_output=True,
                               text=True).stdout.split()
    except FileNotFoundError:
        return None
    return max((n for n in names if re.fullmatch(PATTERNS[name], n)), key=version_key, default=None)


def unpack(archive, directory, names):
    """Those files of a package that match; all without names."""
    if not names:
        subprocess.run(["dpkg", "-x", archive, directory], check=True)
        return
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "-C", directory, "--wildcards", *names], stdin=files.stdout, check=True)


def fetch(package, names=()):
    """Downloads and unpacks; the directory, or None."""
    target = CACHE / package
    if target.exists():
        return target
    partial = CACHE / f"{package}.{os.getpid()}"
    partial.mkdir(parents=True)
    try:
        subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=", "download", package], cwd=partial,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=600)
        archive = next(partial.glob("*.deb"))
        unpack(archive, partial, names)
        archive.unlink()
        partial.rename(target)
    except (OSError, subprocess.SubprocessError, StopIteration):
        shutil.rmtree(partial)
        return target if target.exists() else None
    return target


@functools.cache
def get(name):
    """The newest kernel of that series; an older one of the cache when the archive is out of reach."""
    if name not in PATTERNS:
        raise Unavailable(f"no kernel {name}; there are: {', '.join(PATTERNS)}")
    package = newest_package(name)
    root = fetch(package) if package else None
    if not root:
        cached = [p for p in CACHE.glob("*") if re.fullmatch(PATTERNS[name], p.name)]
        root = max(cached, key=lambda p: version_key(p.name), default=None)
    if not root:
        raise Unavailable(f"no package of kernel {name} can be fetched")
    return Kernel(root)
