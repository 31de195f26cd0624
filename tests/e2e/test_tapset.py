# SPDX-License-Identifier: GPL-2.0-or-later
"""The library: functions exist with SystemTap's names, parameters and types."""
import re

import pytest

from support import stap

SIGNATURES = """
pid:long() ppid:long() tid:long() uid:long() euid:long() gid:long() egid:long() execname:string() cpu:long()
target:long() pp:string() ppfunc:string() probefunc:string() pn:string() probe_type:string() cmdline_str:string()
gettimeofday_s:long() gettimeofday_ms:long() gettimeofday_us:long() gettimeofday_ns:long() get_cycles:long()
ktime_get_ns:long() thread_indent:string(delta:long) indent:string(delta:long) user_string:string(addr:long)
user_string:string(addr:long,err_msg:string) user_string_n:string(addr:long,n:long)
user_string_n:string(addr:long,n:long,err_msg:string) user_string_quoted:string(addr:long)
user_string_n_quoted:string(addr:long,n:long) user_string_warn:string(addr:long) user_string_n_warn:string(addr:long,n:long)
user_char:long(addr:long) user_short:long(addr:long) user_int:long(addr:long) user_long:long(addr:long)
user_int8:long(addr:long) user_uint8:long(addr:long) user_int16:long(addr:long) user_uint16:long(addr:long)
user_int32:long(addr:long) user_uint32:long(addr:long) user_int64:long(addr:long) user_uint64:long(addr:long)
user_ushort:long(addr:long) usymname:string(addr:long) usymdata:string(addr:long) uaddr:long() ustack:long(n:long)
umodname:string(addr:long) print_ubacktrace() sprint_ubacktrace:string() print_ubacktrace_brief() ubacktrace:string()
print_usyms(callers:string) ctime:string(epochsecs:long) register:long(name:string) u_register:long(name:string)
int_arg:long(n:long) uint_arg:long(n:long) long_arg:long(n:long) ulong_arg:long(n:long) longlong_arg:long(n:long)
ulonglong_arg:long(n:long) pointer_arg:long(n:long) s32_arg:long(n:long) u32_arg:long(n:long) s64_arg:long(n:long)
u64_arg:long(n:long) strlen:long(s:string) substr:string(str:string,start:long,length:long) stringat:long(str:string,pos:long)
isinstr:long(s1:string,s2:string) text_str:string(input:string) str_replace:string(prnt_str:string,srch_str:string,rplc_str:string)
strtol:long(str:string,base:long) tokenize:string(delim:string) tokenize:string(input:string,delim:string)
string_quoted:string(str:string) matched:string(n:long) ngroups:long() randint:long(n:long) exit() error(msg:string)
warn(msg:string) log(msg:string) errno_str:string(err:long) is_return:long() jiffies:long() HZ:long() system(cmd:string)
"""


@pytest.fixture(scope="module")
def functions():
    """'name:type(parameters)' of every function that the command knows, types of parameters included."""
    found = set()
    for line in stap("--dump-functions").ok().lines:
        match = re.match(r"(?:private )?(\w+):(\w+) \((.*)\)", line)
        if match:
            name, kind, parameters = match.groups()
            kind = "" if kind == "unknown" else f":{kind}"
            found.add(f"{name}{kind}({parameters.replace(', ', ',')})")
    return found


@pytest.mark.parametrize("signature", SIGNATURES.split())
def test_function(functions, signature):
    if signature not in functions:
        name = re.match(r"\w+", signature).group()
        raise AssertionError(f"{signature}: there is {[f for f in functions if re.match(name + r'[:(]', f)]}")


def test_every_function_compiles(functions):
    """Each function, called with plain arguments where a program is probed, gets through all passes up to the object."""
    from support import compile_target
    program = compile_target("variables.c")
    bodies = []
    for signature in sorted(functions):
        match = re.match(r"(\w+)(:\w+)?\((.*)\)", signature)
        name, kind, parameters = match.groups()
        if name.startswith("_") or "unknown" in parameters:
            continue
        values = ['"x"' if p.endswith(":string") else "1" for p in parameters.split(",") if p]
        call = f"{name}({', '.join(values)})"
        bodies.append(f"println({call})" if kind else call)
    for start in range(0, len(bodies), 10):
        text = f'probe process("{program}").function("nothing") {{ {" ".join(bodies[start:start + 10])} }}'
        result = stap("-g", "-p2", "-e", text)
        assert result.status == 0, (bodies[start:start + 10], result.err)
