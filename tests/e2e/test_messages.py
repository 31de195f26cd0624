# SPDX-License-Identifier: GPL-2.0-or-later
"""Warnings and errors of the whole command: their order, what counts them, what follows them."""
import pathlib
import shutil

from support import STAP, run, script, stap

DOUBLE = "probe oneshot { x = 1 y = 2 x = 3 println(2) }"


def kinds(text):
    """The lines that are neither source nor caret."""
    return [line for line in text.splitlines() if line and not line.startswith(" ")]


def test_unused_arguments_are_told():
    result = script("probe oneshot { println($2) }", "1", "2", "three").ok()
    assert result.out == "2\n"
    assert kinds(result.err) == ["WARNING: unused command line option $1/@1",
                                 "WARNING: unused command line option $3/@3"]


def test_used_arguments_are_not_told():
    assert script("probe oneshot { println($1, @2) }", "1", "b").ok().err == ""
    assert script("probe oneshot { println(1) }", "-w", "unused").ok().err == ""


def test_unused_arguments_are_errors_with_W():
    result = script("probe oneshot { println(1) }", "-W", "unused").failed()
    assert result.out == ""
    assert kinds(result.err)[-1].startswith("Pass 2: analysis failed.")


def test_suppressed_messages_are_counted_last():
    result = script('probe begin { println("b" + "a") }', "-p2").failed()
    assert kinds(result.err)[1:] == ["Pass 2: analysis failed.  [man error::pass2]",
                                     "Number of similar error messages suppressed: 1.",
                                     "Rerun with -v to see them."]


def test_suppressed_warnings_are_counted_behind_those_of_arguments():
    err = kinds(script(DOUBLE, "-p2", "unused").ok().err)
    assert err[-3:] == ["WARNING: unused command line option $1/@1",
                        "Number of similar warning messages suppressed: 3.", "Rerun with -v to see them."]


def test_verbose_suppresses_nothing():
    err = kinds(script(DOUBLE, "-p2", "-v").ok().err)
    assert sum(line.startswith("WARNING: Eliding assignment") for line in err) == 3
    assert not any("suppressed" in line for line in err)


def test_globals_of_two_scripts_conflict():
    result = stap("-p2", "-E", "global g probe begin { g = 1 }", "-e", "global g probe end { println(g) }").failed()
    assert "semantic error: conflicting global variables: identifier 'g' at" in result.err


def test_program_without_debug_information(tmp_path):
    program = tmp_path / "stripped"
    shutil.copy(pathlib.Path("/bin/true").resolve(), program)
    result = stap("-p2", "-e", f'probe process("{program}").function("no_such_function") {{ println(1) }}').failed()
    assert f"WARNING: cannot find module {program} debuginfo: No DWARF information found" in result.err


def test_bad_variables_are_zero():
    result = script("probe oneshot { println($nosuch, @defined($nosuch)) }", "--skip-badvars").ok()
    assert result.out == "00\n"
    assert kinds(result.err)[0].startswith("WARNING: Bad $context variable being substituted with literal 0: "
                                           "identifier '$nosuch' at <input>:1:")
    chosen = script("probe oneshot { println(@choose_defined($nosuch, 7), @defined($none) ? $none : 8) }",
                    "--skip-badvars").ok()
    assert chosen.out == "78\n" and chosen.err == ""
    assert "unresolved target-symbol" in script("probe oneshot { $nosuch = 1 }", "--skip-badvars").failed().err


def test_object_path_of_pass_4():
    path = pathlib.Path(script("probe oneshot { println(1) }", "-p4").ok().out.strip())
    assert path.is_file() and path.stat().st_size > 0


def test_functions_without_a_value():
    lines = stap("--dump-functions").ok().lines
    assert "exit:unknown ()" in lines and "error:unknown (msg:string)" in lines


def test_wrong_option_names_the_manual():
    assert kinds(stap("--no-such-option").failed().err) == [
        "stap: unrecognized option '--no-such-option'", "Try '--help' for more information. [man stap]",
        "A message like [man foo] means for more info, run % man foo"]


def test_sysroot_that_is_no_directory():
    assert kinds(script("probe begin { }", "--sysroot=/nosuch").failed().err) == [
        "ERROR: /nosuch is an invalid directory for --sysroot"]


def test_module_name_with_suffix(tmp_path):
    result = script("probe oneshot { println(1) }", "-p4", "-m", "name.ko", cwd=tmp_path).ok()
    assert kinds(result.err) == ["Truncating module name to 'name'"]
    assert (tmp_path / "name.bpo").is_file()


def test_suffix_of_an_alias_says_what_is_missing():
    """The reason is that of the points behind it, where the family knows them with the suffix."""
    err = script('probe f = process("/bin/true").function("no_such_*") {} probe f.return { println(1) }').failed().err
    assert "no match" in err and "invalid suffix" not in err and 'process("/bin/true")' in err, err
    err = script('probe f = module("no_such_module").function("x") {} probe f.call { println(1) }').failed().err
    assert "no match (is kernel module 'no_such_module' loaded?)" in err, err
    assert "invalid suffix for probe" in script("probe f = begin {} probe f.return { println(1) }").failed().err


NAMESPACE = "stap runs in a pid namespace of its own"


def test_a_pid_namespace_of_its_own():
    """Told where processes are looked for by their ids, and only there."""
    inside = ["unshare", "--pid", "--fork", "--mount", "--mount-proc"]
    text = "probe syscall.getppid { if (pid() == target()) println(1) }"
    assert run([*inside, STAP, "-e", text, "-c", "true"]).ok().err.count(NAMESPACE) == 1
    assert NAMESPACE not in script(text, "-c", "true").ok().err
    counting = "probe kernel.trace(\"sys_enter\") { exit() }"
    assert NAMESPACE not in run([*inside, STAP, "-e", counting]).ok().err


def test_no_place_for_the_cache(tmp_path):
    home = tmp_path / "file"
    home.write_text("")
    err = stap("-p4", "-e", "probe begin { println(1) }", env={"HOME": str(home), "SYSTEMTAP_DIR": str(home / "none")}).failed().err
    assert f"cannot create the cache directory {home}/none/cache: " in err and "SYSTEMTAP_DIR" in err and "-m NAME" in err


def test_variables_of_returns_are_told_of(places):
    """Their values are those of the entry; @entry says that the script knows."""
    def warnings(expression):
        text = f'probe process("{places}").function("outer").return {{ println({expression}) }}'
        return [line for line in stap("-p2", "-e", text).ok().err.splitlines() if line.startswith("WARNING")]

    for expression, name in (("$value", "$value"), ("$$parms", "$$parms"), ("@choose_defined($value, 1)", "$value")):
        assert warnings(expression) == [
            f"WARNING: confusing usage, value is captured as @entry({name}) in .return probe [man stapprobes] RETURN "
            f"PROBES: identifier '{name}' at <input>:1:"
            f"{len(f'probe process(`{places}`).function(`outer`).return {{ println(') + expression.index('$') + 1}"]
    for expression in ("$return", "$$return", "@entry($value)", "@defined($value)"):
        assert not warnings(expression), expression
