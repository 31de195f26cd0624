# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages about wrong scripts: text, place, caret, number of them, status."""
import pytest

from support import compile_target, script, stap, with_program

PARSE = [
    ("probe begin { if }", "parse error: expected '('", "saw: operator '}' at <input>:1:18"),
    ("probe", "parse error: unexpected end-of-file", "saw: keyword at <input>:1:1"),
    ("global x; global x probe begin {}", "parse error: duplicate global name",
     "saw: identifier 'x' at <input>:1:18"),
    ("function f(a,a) {} probe begin {f(1,2)}", "parse error: duplicate parameter names",
     "saw: identifier 'a' at <input>:1:14"),
    ("probe begin { x = @foo }", "parse error: unknown operator @foo", "saw: operator '@foo' at <input>:1:19"),
    ("probe begin { 09 }", "parse error: number invalid or out of range", "saw: number '09' at <input>:1:15"),
    ("probe begin { return 1 }", "parse error: found 'return' not in function context",
     "saw: keyword at <input>:1:15"),
    ("probe begin { a =~ 3 }", "parse error: expected literal string", "saw: number '3' at <input>:1:20"),
    ('probe begin { "unterminated }', "parse error: Could not find matching closing quote", "at <input>:1:15"),
    ("probe begin { 1; ; } probe begin", "parse error: expected one of ', { } = +='", "saw: <input> EOF"),
    ("x", "parse error: expected 'probe', 'global', 'private', 'function', or '%{'",
     "saw: identifier 'x' at <input>:1:1"),
    ("probe begin { %{ x %} }", "parse error: embedded", "need stap -g"),
]


@pytest.mark.parametrize("text,message,place", PARSE)
def test_parse_error(text, message, place):
    result = script(text).failed()
    assert message in result.err and place in result.err
    assert "Pass 1: parse failed." in result.err
    assert result.out == ""


SEMANTIC = [
    ("probe begin { foo() }", "semantic error: unresolved function foo", "identifier 'foo' at <input>:1:15"),
    ("function f(a) {return a} probe begin { println(f(1,2)) }",
     "semantic error: arity mismatch found (function 'f' takes 1 args)",
     "identifier 'f' at <input>:1:48"),
    ("probe begin { println(substr(1,2,3)) }", "semantic error: type mismatch", "number '1' at <input>:1:30"),
    ('global a probe begin { a[1]=1; a["x"]=2 }', "semantic error: index 0 type mismatch (string)",
     "semantic error: type of index 0 was first inferred here (long)"),
    ("global a probe begin { a[1]=1; a[1,2]=2 }", "semantic error: inconsistent arity (1 vs 2)",
     "semantic error: arity 1 first inferred here"),
    ("global a probe begin {a=1; a[1]=2}", "semantic error: inconsistent arity (0 vs 1)",
     "arity 0 first inferred here"),
    ("global a probe begin { 1 = 2 }", "semantic error: Expecting lvalue for assignment", "number '1' at"),
    ("probe nosuch {}", "semantic error: while resolving probe point: identifier 'nosuch' at <input>:1:7",
     "probe point mismatch"),
    ("probe begin.foo {}", "semantic error: while resolving probe point: identifier 'begin' at <input>:1:7",
     "identifier 'foo'"),
    ('probe begin { printf("%d", "x") }', "semantic error: type mismatch: expected long but found string",
     "string 'x' at <input>:1:28"),
    ('probe process("/no/such").function("x") {}',
     "semantic error: while resolving probe point: identifier 'process' at <input>:1:7", "semantic error: "),
    ('probe begin { if ("a") print(1) }', "semantic error: type mismatch: expected long but found string",
     "string 'a' at <input>:1:19"),
    ("probe begin { delete x }", "semantic error: unresolved array in delete statement",
     "identifier 'x' at <input>:1:22"),
    ("probe begin { foreach (k in z) print(k) }",
     "semantic error: unresolved arity-1 global array z, missing global declaration?", "<input>:1:29"),
    ('probe begin { if ("a" =~ "(") print(1) }', "semantic error: regex compilation error",
     "string '(' at <input>:1:26"),
    ("probe timer.foo(1) {}", "semantic error: probe point mismatch", "identifier 'foo'"),
    ('probe begin { printf("%d %d", 1) }', "semantic error: Wrong number of args to formatted print operator",
     "identifier 'printf' at <input>:1:15"),
    ('function f() { return 1; return "s" } probe begin { println(f()) }', "semantic error: type mismatch (string)",
     "semantic error: type was first inferred here (long)"),
    ('global g = 3 probe begin { g = "s" println(g) }', "semantic error: type mismatch", "<input>:1:"),
    ("probe begin { println(y) }", "WARNING: never-assigned local variable 'y'", "semantic error: unresolved type"),
    ('probe begin { println($foo) }', "semantic error", "<input>:1:23"),
]


@pytest.mark.parametrize("text,message,place", SEMANTIC)
def test_semantic_error(text, message, place):
    result = script(text).failed()
    assert message in result.err and place in result.err
    assert "Pass 2: analysis failed." in result.err
    assert result.out == ""


def test_no_match_as_the_user_saw_it():
    """The layout of the message: the point, its source line, a caret under it, then the reason."""
    program = compile_target("marks.c", "-O2", "-g")
    text = with_program('probe process(PROG).mark("http_request_headers_filter") {}', program)
    lines = script(text).failed().err.splitlines()
    assert lines[0] == "semantic error: while resolving probe point: identifier 'process' at <input>:1:7"
    assert lines[1] == f"        source: {text}"
    assert lines[2] == " " * 22 + "^"
    assert any(line.startswith("semantic error: no match") for line in lines)


def test_close_names_are_offered():
    program = compile_target("variables.c")
    result = script(with_program('probe process(PROG).function("scalers") {}', program)).failed()
    assert "semantic error: no match (similar functions: scalars" in result.err
    marks = compile_target("marks.c", "-O2", "-g")
    assert "order" in script(with_program('probe process(PROG).mark("ordre") {}', marks)).failed().err
    assert "$head" in script(with_program('probe process(PROG).function("chain") { println($haed) }',
                                          program)).failed().err
    assert "strlen" in script('probe begin { println(strlenn("a")) }').failed().err


def test_several_errors_in_one_run():
    text = "probe begin { if }\nprobe end { while }\nprobe begin { x = 1 }\nprobe never { for }\n"
    result = script(text).failed()
    assert result.err.count("parse error:") >= 3
    text = "probe begin { foo() }\nprobe end { println(strlen(1)) }\nprobe nosuch { }\n"
    err = script(text, "-v").failed().err
    assert "function foo" in err and "probe point mismatch" in err and "nosuch" in err


def test_place_in_a_file(tmp_path):
    path = tmp_path / "script.stp"
    path.write_text("# comment\nprobe begin {\n\tx = 1\n\tfoo(x)\n}\n")
    err = stap(path).failed().err
    assert f"identifier 'foo' at {path}:4:2" in err
    assert "        source: \tfoo(x)\n" in err


def test_place_in_a_macro():
    err = script("@define bad %( foo() %)\nprobe begin { @bad }").failed().err
    assert "unresolved function foo" in err
    assert "in expansion of macro: operator '@bad' at <input>:2:15" in err


def test_error_in_a_library_file(tmp_path):
    (tmp_path / "lib.stp").write_text("function broken() { return nosuch_function() }\n")
    err = stap("-I", tmp_path, "-e", "probe begin { println(broken()) }").failed().err
    assert "lib.stp:1:" in err


def test_broken_library_file_is_a_warning_or_an_error_with_its_name(tmp_path):
    (tmp_path / "lib.stp").write_text("function broken( { }\n")
    result = stap("-I", tmp_path, "-e", 'probe begin { println("ok") exit() }')
    assert "lib.stp" in result.err or result.status == 0


RUNTIME = [
    ("x = 0; println(1 / x)", "ERROR: division by 0 near operator '/' at <input>:1:"),
    ("x = 0; println(1 % x)", "ERROR: division by 0 near operator '%' at <input>:1:"),
    ('error("my own")', "ERROR: my own"),
    ("while (1) i++", "ERROR: MAXACTION exceeded near"),
]


@pytest.mark.parametrize("body,message", RUNTIME)
def test_run_time_error(body, message):
    result = script(f"probe begin {{ {body} }} probe end {{ println(\"end\") }}").failed()
    assert message in result.err
    assert "WARNING: Number of errors: 1, skipped probes: 0" in result.err
    assert "Pass 5: run failed." in result.err
    assert result.out == ""


def test_nesting_is_limited():
    text = "function f:long(n) { return f(n + 1) } probe begin { println(f(0)) }"
    result = script(text, "-D", "MAXACTION_INTERRUPTIBLE=1000000").failed()
    assert "MAXNESTING exceeded" in result.err


def test_error_in_a_kernel_handler_ends_the_session():
    program = compile_target("places.c")
    text = ('probe process(PROG).function("jumps") { println(10 / ($value - 2)) } '
            'probe end { println("end") } probe error { println("error") }')
    result = stap("-e", with_program(text, program), "-c", str(program))
    assert result.status == 1
    assert result.lines == ["-5", "-10", "error"]
    assert "ERROR: division by 0 near operator '/' at <input>:1:" in result.err
    assert "Number of errors: 1" in result.err


def test_suppress_handler_errors():
    program = compile_target("places.c")
    text = with_program('probe process(PROG).function("jumps") { println(10 / ($value - 2)) }', program)
    result = stap("-e", text, "-c", str(program), "--suppress-handler-errors")
    assert result.ok().lines == ["-5", "-10", "10", "5"]
