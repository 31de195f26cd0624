# SPDX-License-Identifier: GPL-2.0-or-later
"""The running kernel's memory, read by other means than stap's: /proc/kcore, with the types of its BTF.

	kcore.read("file", address)	# {"f_flags": 32768, "f_inode": 0xff..., ...}: members that are numbers or pointers
"""
import functools
import struct

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT = range(1, 12)
ENUM64, TYPE_TAG = 19, 18
# bytes behind the twelve of a type, for each of its vlen, and once
EACH = {STRUCT: 12, UNION: 12, ENUM: 8, 13: 8, 15: 12, ENUM64: 12}
ONCE = {INT: 4, ARRAY: 12, 14: 4, 17: 4}


class Types:
    def __init__(self, data):
        magic, _, _, head, type_off, type_len, str_off, str_len = struct.unpack_from("<HBBIIIII", data)
        assert magic == 0xeb9f
        self.strings = data[head + str_off:head + str_off + str_len]
        self.data = data[head + type_off:head + type_off + type_len]
        self.at = [None]
        self.structs = {}
        position = 0
        while position < len(self.data):
            name, info, _ = struct.unpack_from("<III", self.data, position)
            kind, vlen = info >> 24 & 31, info & 0xffff
            if kind in (STRUCT, UNION) and name:
                self.structs.setdefault(self.name(name), len(self.at))
            self.at.append(position)
            position += 12 + ONCE.get(kind, 0) + EACH.get(kind, 0) * vlen

    def name(self, offset):
        return self.strings[offset:self.strings.index(b"\0", offset)].decode()

    def resolve(self, number):
        """(kind, size, is signed) behind typedefs and qualifiers."""
        while number:
            _, info, size = struct.unpack_from("<III", self.data, self.at[number])
            kind = info >> 24 & 31
            if kind not in (TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG):
                signed = kind == INT and self.data[self.at[number] + 15] & 1 or kind in (ENUM, ENUM64) and info >> 31
                return kind, 8 if kind == PTR else size, bool(signed)
            number = size
        return 0, 0, False

    def members(self, name):
        """(name, bit offset, bits or 0, type) of a structure."""
        position = self.at[self.structs[name]]
        _, info, _ = struct.unpack_from("<III", self.data, position)
        for i in range(info & 0xffff):
            member, kind, offset = struct.unpack_from("<III", self.data, position + 12 + 12 * i)
            yield (self.name(member), *((offset & 0xffffff, offset >> 24) if info >> 31 else (offset, 0)), kind)


@functools.cache
def types():
    with open("/sys/kernel/btf/vmlinux", "rb") as file:
        return Types(file.read())


def memory(address, size):
    with open("/proc/kcore", "rb", buffering=0) as file:
        head = file.read(64)
        phoff, = struct.unpack_from("<Q", head, 32)
        count, = struct.unpack_from("<H", head, 56)
        file.seek(phoff)
        table = file.read(56 * count)
        for i in range(count):
            _, _, offset, start, _, length = struct.unpack_from("<IIQQQQ", table, 56 * i)
            if start <= address < start + length:
                file.seek(offset + address - start)
                return file.read(size)
    raise ValueError(f"no memory at {address:#x}")


def read(name, address):
    found = {}
    for member, offset, bits, number in types().members(name):
        kind, size, signed = types().resolve(number)
        if not member or kind not in (INT, PTR, ENUM, ENUM64) or size > 8:
            continue
        start = offset // 8 if not bits else offset // 8 // size * size
        value = int.from_bytes(memory(address + start, size), "little", signed=signed and not bits)
        if bits:
            value = value >> offset - 8 * start & (1 << bits) - 1
            if signed and value >> bits - 1:
                value -= 1 << bits
        found[member] = value
    return found
