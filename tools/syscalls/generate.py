#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the tapset of system calls from calls.tbl and sets.tbl.

usage: generate.py CALLS SETS DIRECTORY PARTS

The calls are spread over DIRECTORY/syscalls_00.stp and on, PARTS files, since a script that names a call makes stap parse the
whole file that has it; names of flags are in DIRECTORY/syscalls.stp, syscall_any in DIRECTORY/syscalls_any.stp.

Each call becomes the aliases syscall.NAME and syscall.NAME.return (and nd_syscall., tp_syscall., which are the same
here), with the variables that the table's arguments have.  What a script does not use costs nothing: the
compiler drops it.
"""
import io
import re
import sys

# Numbers: what a word of the call is as one, and how argstr prints it.
NUMBERS = {
    "int": ("__sys_int({})", "%d"),
    "uint": ("__sys_uint({})", "%u"),
    "long": ("__sys_long({})", "%d"),
    "ulong": ("{}", "%u"),
    "ptr": ("{}", "%p"),
    "hex": ("__sys_uint({})", "%#x"),
    "hexlong": ("{}", "%#x"),
    "octal": ("__sys_uint({})", "%#o"),
}
# 64-bit numbers, which the 32-bit interface passes as two arguments.
WIDE = {"off": "%d", "uoff": "%u", "hexoff": "%#x"}
# Addresses of structures: the function that makes them text.
STRUCTS = {
    "timespec": "_struct_timespec_u({}, 1)",
    "timespec2": "_struct_timespec_u({}, 2)",
    "timeval": "_struct_timeval_u({}, 1)",
    "timeval2": "_struct_timeval_u({}, 2)",
    "timezone": "_struct_timezone_u({})",
    "itimerval": "_struct_itimerval_u({})",
    "itimerspec": "_struct_itimerspec_u({})",
    "rlimit": "_struct_rlimit_u({})",
    "sigaction": "_struct_sigaction_u({})",
    "old_sigaction": "_struct_old_sigaction_u({})",
    "sigset": "_stp_sigset_u({})",
    "sigaltstack": "_stp_sigaltstack_u({})",
    "siginfo": "_stp_siginfo_u({})",
    "timex": "_struct_timex_u({})",
    "tms": "_struct_tms_u({})",
    "sysinfo": "_struct_sysinfo_u({})",
    "sched_attr": "_struct_sched_attr_u({})",
    "user_desc": "_struct_user_desc_u({})",
    "open_how": "_struct_open_how_u({})",
    "xattr": "_stp_xattr_val_str({}, {})",
    "sockaddr": "_struct_sockaddr_u({}, {})",
    "buf": "user_buffer_quoted({}, {}, syscall_string_trunc)",
    "argv": "__get_argv({}, 0)",
    "envp": "__count_envp({})",
}
FAMILIES = ("syscall", "nd_syscall", "tp_syscall", "dw_syscall")
# Calls that socketcall of the 32-bit interface stands for: numbered from SOCKETCALL on, arguments in memory.
SOCKETCALL = 480
SOCKET_CALLS = ("socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown "
                "setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg").split()
# Calls that ipc of the 32-bit interface stands for: its number, numbered from IPC on, and which of ipc's arguments theirs are.
IPC = 512
IPC_CALLS = {
    "semop": (1, "2 5 3"), "semget": (2, "2 3 4"), "semctl": (3, "2 3 4 *5"), "semtimedop": (4, "2 5 3 6"),
    "msgsnd": (11, "2 5 3 4"), "msgrcv": (12, "2 message 3 kind 4"), "msgget": (13, "2 3"), "msgctl": (14, "2 3 5"),
    "shmat": (21, "2 5 3"), "shmdt": (22, "5"), "shmget": (23, "2 3 4"), "shmctl": (24, "2 3 5"),
}
IPC_PLACES = {"*5": "user_uint32(__sysarg5())", "message": "__ipc_message()", "kind": "__ipc_kind()"}
HEAD = "// SPDX-License-Identifier: GPL-2.0-or-later\n// Made by tools/syscalls/generate.py.\n\n"


class Call:
    """One row of the table, as it is translated."""

    def __init__(self, name, native, ia32):
        self.name, self.native, self.ia32 = name, native != "-", ia32 != "-"
        self.slots = [0, 0]             # arguments passed so far, by each interface
        self.lines, self.late = [], []  # late: what needs a variable of another argument
        self.format, self.values = [], []
        self.conditions = []            # of each piece of argstr, None: always
        self.override = None
        self.returns = []

    def let(self, variable, expression):
        self.lines.append(f"{variable} = {expression}")

    def show(self, conversion, value, condition):
        self.format.append(conversion)
        self.values.append(value)
        self.conditions.append(condition)

    def word(self, at):
        """The next argument; `at`: its numbers, or None."""
        n, i = at or (self.slots[0] + 1, self.slots[1] + 1)
        self.slots = [n, i]
        if n == i or not self.ia32:
            return f"__sysarg{n}()"
        return f"(__sys_ia32() ? __sysarg{i}() : __sysarg{n}())" if self.native else f"__sysarg{i}()"

    def wide(self):
        n, i = self.slots[0] + 1, self.slots[1] + 1
        self.slots = [n, i + 1]
        split = f"__sysarg{i}() | __sysarg{i + 1}() << 32"
        if not self.ia32:
            return f"__sysarg{n}()"
        return f"(__sys_ia32() ? {split} : __sysarg{n}())" if self.native else split


ARGUMENT = re.compile(r"(?P<num>\w*)(?:/(?P<text>\w+))?:(?P<kind>\w+)(?:\((?P<of>\w+)\))?"
                      r"(?:@(?P<n>\d),(?P<i>\d))?(?:(?P<mark>\?\??)(?P<cond>\S+))?")


class Argument:
    """One argument of a row: it adds its variables and its piece of argstr to the call."""

    def __init__(self, call, text):
        m = ARGUMENT.fullmatch(text)
        if not m:
            raise ValueError(f"{call.name}: argument {text!r}")
        self.call, self.name, self.text, self.kind, self.of = call, m["num"], m["text"], m["kind"], m["of"]
        self.condition, self.absent = m["cond"], m["mark"] == "??"
        if self.kind in WIDE or self.kind == "wide":
            self.word = call.wide()
        else:
            self.word = call.word((int(m["n"]), int(m["i"])) if m["n"] else None)

    def show(self, conversion, value):
        self.call.show(conversion, value, self.condition)

    def number(self, expression):
        """The variable of the number, if there is one; else the number."""
        if self.name:
            self.call.let(self.name, f"{self.condition} ? {expression} : 0" if self.absent else expression)
        return self.name or expression

    def both(self, expression, shown):
        """A variable for the number, one for its text."""
        value = self.number(expression)
        name = self.text or self.name + "_str"
        lines = self.call.late if self.of else self.call.lines
        lines.append(f"{name} = {shown.format(value, self.of)}")
        self.show("%s", name)

    def behind(self):
        """The argument behind this one."""
        return f"__sysarg{self.call.slots[0] + 1}()"

    def add(self):
        kind, word = self.kind, self.word
        if kind in NUMBERS:
            convert, conversion = NUMBERS[kind]
            self.show(conversion, self.number(convert.format(word)))
        elif kind in WIDE:
            self.show(WIDE[kind], self.number(word))
        elif kind in STRUCTS:
            self.both(word, STRUCTS[kind])
        elif kind in ("str", "strp"):
            value = self.number(word)
            self.call.let(self.text, f"user_string_quoted({value})")
            if kind == "str":
                self.call.let(self.text + "_unquoted", f"user_string_nofault({value})")
            self.show("%s", self.text)
        elif kind == "hidden":
            self.show("%s", f"{self.of}({self.number(f'__sys_uint({word})')})")
        elif kind == "wide":
            self.both(word, self.of + "({})")
        elif kind.startswith("_"):
            self.both(f"__sys_{'int' if kind in self.call.signed else 'uint'}({word})", kind + "({})")
        else:
            self.add_special()

    def add_special(self):
        kind, word = self.kind, self.word
        if kind == "qstr":
            self.show("%s", f"user_string_quoted({self.number(word)})")
        elif kind == "qbuf":
            self.show("%s", f"user_buffer_quoted({self.number(word)}, {self.behind()}, syscall_string_trunc)")
        elif kind == "dfd":
            self.both(f"__sys_int({word})", "_dfd_str({})")
        elif kind == "optname":
            self.both(f"__sys_int({word})", "__sockopt_str({1}, {0})")
        elif kind == "protocol":
            self.both(f"__sys_int({word})", "_sock_protocol_str({1}, {0})")
        elif kind == "quotactl":
            self.both(f"__sys_uint({word})", "_quotactl_cmd_str({})")
        elif kind == "address":
            value, length = self.number(word), f"__sys_int({self.behind()})"
            for name, function in (("af", "sa_family"), ("ip", "ip_addr"), ("ip_port", "tcp_port"),
                                   ("ipv6_flowinfo", "ipv6_flowinfo"), ("ipv6_scope_id", "ipv6_scope_id")):
                self.call.let("uaddr_" + name, f"_struct_sockaddr_u_{function}({value}, {length})")
            self.show("%s", f"_struct_sockaddr_u({value}, {length})")
        elif kind == "utimbuf":
            value = self.number(word)
            self.call.let("actime", f"_struct_utimbuf_actime({value})")
            self.call.let("modtime", f"_struct_utimbuf_modtime({value})")
            self.show("[%s, %s]", "ctime(actime), ctime(modtime)")
        elif kind == "pipefd":
            value = self.number(word)
            for i in (0, 1):
                self.call.let(f"pipe{i}", f"_fildes_index_u({value}, {i})")
            self.show("[%d, %d]", "pipe0, pipe1")
        else:
            raise ValueError(f"{self.call.name}: kind {kind!r}")


def argstr(call):
    if call.override:
        return call.override

    def text(keep):
        pieces = [(f, v) for f, v, k in zip(call.format, call.values, keep) if k]
        if not pieces:
            return '""'
        if len(pieces) == 1 and pieces[0][0] == "%s":
            return pieces[0][1]
        return f'sprintf("{", ".join(f for f, _ in pieces)}", {", ".join(v for _, v in pieces)})'

    result = text([True] * len(call.format))
    conditions = list(dict.fromkeys(c for c in call.conditions if c))
    always = [c is None for c in call.conditions]
    if len(conditions) == 1 and sorted(always, reverse=True) == always and always[0]:   # the last arguments
        pieces = [(f, v) for f, v, k in zip(call.format, call.values, always) if k]
        more = [(f, v) for f, v, k in zip(call.format, call.values, always) if not k]
        more = f'sprintf("{"".join(", " + f for f, _ in more)}", {", ".join(v for _, v in more)})'
        return (f'sprintf("{", ".join(f for f, _ in pieces)}%s", {", ".join(v for _, v in pieces)}, '
                f'{conditions[0]} ? {more} : "")')
    if len(conditions) == 1:
        return f"{conditions[0]} ? {result} : {text([not c for c in call.conditions])}"
    if conditions:                      # they exclude one another
        return " : ".join([f"{c} ? {text([k in (None, c) for k in call.conditions])}" for c in conditions] + ['""'])
    return result


def points(call, native, ia32, suffix=""):
    """The primitive points of a row."""
    name = re.sub(r"^compat_(sys_)?", "", call.name)
    name = re.sub(r"^(pwrite|rt_sigaction|settimeofday|sigaction|ustat)32$", r"\1", name)
    result = []
    for component, numbers, default in (("__syscall", native, "sys_"), ("__syscall32", ia32, "sys_")):
        for number in numbers.split(",") if numbers != "-" else []:
            m = re.fullmatch(r"(\d+)(?::(\w+))?(?:=(\w+))?", number)
            if not m:
                raise ValueError(f"{call.name}: number {number!r}")
            alias = m[2] or name
            function = m[3] or default + (m[2] or call.name)
            if component == "__syscall":
                function = re.sub("^sys_", "", function)
            result.append(f'{component}({m[1]}).call("{alias}").function("{function}"){suffix}')
    # a call of neither interface can be named, but is never made
    return result or [f'__syscall(510).call("{name}").function("{name}"){suffix}']


def emit(out, call, native, ia32):
    for suffix, lines in (("", ["name = __sys_name()", *call.lines, *call.late, f"argstr = {argstr(call)}"]),
                          (".return", ["name = __sys_name()", "retval = __sys_retval()", *call.returns])):
        names = " = ".join(f"{f}.{call.name}{suffix}" for f in FAMILIES)
        out.write(f"probe {names} = {', '.join(points(call, native, ia32, suffix))} {{\n\t")
        out.write("\n\t".join(lines) + "\n}\n")


def emit_socket_call(out, call):
    """The same aliases for socketcall."""
    name = re.sub(r"^compat_(sys_)?", "", call.name)
    paired = call.name in ("recvmmsg", "recvmsg", "sendmsg")     # these have aliases of their own for the interface
    if name not in SOCKET_CALLS or paired:
        return
    numbers = str(SOCKETCALL + 1 + SOCKET_CALLS.index(name)) + ":" + name + "=compat_sys_socketcall"
    text = io.StringIO()
    emit(text, call, "-", numbers)
    out.write(re.sub(r"__sysarg(\d)\(\)", r"__socketarg(\1)", text.getvalue()))


def emit_ipc_call(out, call, names):
    """The same aliases for ipc."""
    name = re.sub(r"^compat_sys_", "", call.name)
    if name not in IPC_CALLS or (name == call.name and "compat_sys_" + name in names):
        return
    number, places = IPC_CALLS[name]
    places = places.split()
    text = io.StringIO()
    emit(text, call, "-", f"{IPC + number}:{name}=compat_sys_ipc")

    def argument(match):
        place = places[int(match[1]) - 1]
        return IPC_PLACES.get(place, f"__sysarg{place}()")
    out.write(re.sub(r"__sysarg(\d)\(\)", argument, text.getvalue()))


def read_sets(path):
    sets, name = {}, None
    with open(path, encoding="ascii") as f:
        for line in f:
            line = line.split("#", 1)[0].rstrip()
            if line.startswith("\t"):
                sets[name][1].extend(line.split())
            elif line:
                name, how = line.split(maxsplit=1)
                sets[name] = (how, [])
    return sets


def read_calls(path, signed):
    rows = []
    with open(path, encoding="ascii") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("\t> "):
                text = re.sub(r"@arg(\d)", r"__sysarg\1()", line[3:])
                rows[-1][0].returns.append(text)
                continue
            line, _, override = line.partition(" = ")
            if not line or line.startswith("#"):
                continue
            name, native, ia32, *arguments = line.split()
            call = Call(name, native, ia32)
            call.signed, call.override = signed, override or None
            for a in arguments:
                Argument(call, a).add()
            rows.append((call, native, ia32))
    for call, _, _ in rows:
        if not any(r.startswith("retstr") for r in call.returns):
            call.returns.append("retstr = return_str(1, retval)")
    return rows


def emit_any(out, rows, tables):
    """The aliases of all calls together."""
    functions = {}
    for call, native, ia32 in rows:
        for point in points(call, native, ia32):
            m = re.match(r'(\w+)\((\d+)\).*\.function\("(\w+)"\)', point)
            functions[m[1], m[2]] = m[3]
    for suffix in ("", ".return"):
        result = []
        for component, names in (("__syscall", "__syscall_names"), ("__syscall32", "__syscall_names_ia32")):
            for name, number in (e.split("=") for e in tables[names][1]):
                function = functions.get((component, number), "ni_syscall")
                result.append(f'{component}({number}).call("{name}").function("{function}"){suffix}')
            result.append(f"{component}.rest{suffix}")
        lines = ["syscall_nr = __sys_nr()", 'name = __sys_name()',
                 'name = name == "" ? sprintf("%d", syscall_nr) : name']
        lines += ["retval = __sys_retval()"] if suffix else []
        out.write(f"probe syscall_any{suffix} = {', '.join(result)} {{\n\t" + "\n\t".join(lines) + "\n}\n")


def main():
    calls, sets, directory, parts = sys.argv[1:]
    tables = read_sets(sets)
    rows = read_calls(calls, {n for n, (how, _) in tables.items() if how == "one"})
    with open(f"{directory}/syscalls.stp", "w", encoding="ascii") as out:
        out.write(HEAD)
        for name, (how, entries) in tables.items():
            out.write(f'function {name}:string (v:long) %{{ ir names "{how} {" ".join(entries)}" $v /* pure */ %}}\n')
    with open(f"{directory}/syscalls_any.stp", "w", encoding="ascii") as out:
        out.write(HEAD)
        emit_any(out, rows, tables)
    parts, names = int(parts), {call.name for call, _, _ in rows}
    for part in range(parts):
        with open(f"{directory}/syscalls_{part:02}.stp", "w", encoding="ascii") as out:
            out.write(HEAD)
            for row in rows[part * len(rows) // parts:(part + 1) * len(rows) // parts]:
                emit(out, *row)
                emit_socket_call(out, row[0])
                emit_ipc_call(out, row[0], names)


if __name__ == "__main__":
    main()
