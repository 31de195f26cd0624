# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs and libraries as Debian ships them: the C library with its debug package, python3, sqlite3, bash."""
import pathlib
import re
import shutil

import pytest

from support import compile_source, gdb_script, stap

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LIST = "/bin/ls -lR /usr/share/doc/gdb /etc/apt /usr/share/doc/curl"


def test_malloc_sizes_are_exact(tmp_path):
    """$bytes of every malloc during ls -lR, in order, as a breakpoint of gdb reads them."""
    gdb_script("mallocs.py", *LIST.split(), truth=tmp_path / "truth")
    expected = (tmp_path / "truth").read_text().split()
    assert len(expected) > 50
    text = f'probe process("{LIBC}").function("malloc") {{ if (execname() == "ls") printf("malloc %d\\n", $bytes) }}'
    result = stap("-e", text, "-c", f"env -i LC_ALL=C PATH=/usr/bin:/bin {LIST}").ok()
    assert re.findall(r"^malloc (\d+)$", result.out, re.M) == expected


def test_malloc_return_values_are_used_by_free():
    text = ('global live, frees, known '
            f'probe process("{LIBC}").function("malloc").return {{ if (pid() == target()) live[$return] = 1 }} '
            f'probe process("{LIBC}").function("free") {{ if (pid() == target() && pointer_arg(1)) '
            '{ frees++; if (pointer_arg(1) in live) known++ } } '
            'probe end { println(frees > 5 && known * 10 > frees * 3) }')
    assert stap("-e", text, "-c", "/bin/ls -lR /etc/apt", "-DMAXMAPENTRIES=20000").ok().lines[-1] == "1"


def test_libc_is_listed_with_types():
    lines = stap("-L", f'process("{LIBC}").function("malloc")').ok().lines
    assert any("$bytes:size_t" in line for line in lines)


def test_string_argument_of_libc(tmp_path):
    """puts of a small program, its string read from a library's function."""
    source = tmp_path / "says.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("said this"); return 0; }\n')
    program = compile_source(source)
    text = f'probe process("{LIBC}").function("puts") {{ println("puts ", user_string(pointer_arg(1))) }}'
    assert "puts said this" in stap("-e", text, "-c", str(program)).ok().lines


def test_python_function():
    """python3 without debug information: symbols and argument registers."""
    python = pathlib.Path(shutil.which("python3", path="/usr/bin")).resolve()
    text = ('global n probe process("%s").function("PyObject_Repr") { n++ } '
            'probe end { println(n >= 3) }') % python
    assert stap("-e", text, "-c", f"{python} -c 'print(repr(1), repr(2), repr([3]))'").ok().lines[-1] == "1"


def test_sqlite_statements():
    """Each statement given to sqlite3 is seen in its library, text and all."""
    library = "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0"
    if not pathlib.Path(library).exists():
        pytest.skip("no libsqlite3")
    text = (f'probe process("{library}").function("sqlite3_prepare_v2") {{ printf("sql %s\\n", user_string(pointer_arg(2))) }}')
    sql = "create table t(a); insert into t values (4); select a+1 from t;"
    result = stap("-e", text, "-c", f"sqlite3 :memory: '{sql}'").ok()
    assert "5" in result.lines
    assert [line for line in result.lines if line.startswith("sql create table t")]
    assert [line for line in result.lines if "select a+1" in line]


def test_bash_by_name():
    """A bare name is searched in PATH; bash's own symbols are enough."""
    text = 'probe process("bash").function("main") { if (pid() == target()) println("main ", execname()) }'
    assert stap("-e", text, "-c", "bash -c true").ok().out == "main bash\n"
