# SPDX-License-Identifier: GPL-2.0-or-later
"""kernel.trace and kernel.tracepoint."""
import os
import sys

import pytest

from support import STAP, run, script, stap

CALLS = "import os\nfor i in range(%d): os.getppid()"


def test_a_listing_shows_the_arguments_with_types():
    lines = stap("-L", 'kernel.trace("sched:sched_process_*")').ok().lines
    names = [line.split(" ")[0] for line in lines]
    assert 'kernel.trace("sched:sched_process_exit")' in names
    assert names == sorted(names)
    fork = next(line for line in lines if "sched_process_fork" in line)
    assert fork.endswith("$parent:struct task_struct* $child:struct task_struct*"), fork


def test_every_tracepoint_is_listed():
    assert len(stap("-l", 'kernel.trace("*")').ok().lines) > 200


def test_a_call_is_counted_once():
    text = ('global n probe kernel.trace("sys_enter") { if (pid() == target() && $id == 110) n++ } '
            'probe end { println(n) }')
    assert script(text, "-c", f"{sys.executable} -c '{CALLS % 1000}'").ok().out == "1000\n"


def test_arguments_and_chains():
    text = ('probe kernel.trace("sched_process_exec") { if (pid() != target()) next '
            'printf("%s %d %s %d\\n", kernel_string($bprm->filename), $p->tgid == pid(), $$name, '
            '$old_pid == pid()) exit() }')
    result = script(text, "-c", "/bin/true").ok()
    assert result.out.endswith("true 1 sched_process_exec 1\n"), result.out


def test_all_variables_as_text():
    text = ('probe kernel.trace("sys_exit") { if (pid() == target() && $ret == -9) { println($$vars) '
            'println($$parms) println($regs$) exit() } }')
    result = script(text, "-c", "exec 3>&-; /bin/true 2>/dev/null; python3 -c 'import os\ntry: os.close(77)\n"
                    "except OSError: pass'").ok()
    if not result.lines:
        pytest.skip("the shell does not exec its last command")
    assert result.lines[0].startswith("regs=0x") and " ret=0xfffffffffffffff7" in result.lines[0]
    assert result.lines[1] == result.lines[0]
    assert result.lines[2].startswith("{.r15=")


def test_one_handler_serves_many_tracepoints():
    text = ('global n probe kernel.trace("sched:sched_*") { n[ppfunc()]++ } probe timer.ms(200) { exit() } '
            'probe end { println(n["sched_switch"] > 0, n["sched_waking"] > 0) println(pp()) }')
    assert script(text).ok().lines == ["11", "end"]


def test_a_user_with_the_two_capabilities():
    """tracefs is closed to others than root, so that the system of a tracepoint cannot be checked."""
    rights = "--inh-caps=+bpf,+perfmon"
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", rights, rights.replace("inh", "ambient"),
            STAP]
    result = run([*user, "-e", 'probe kernel.trace("sched:sched_switch") { println($prev->pid >= 0, " ", pp()) exit() }'])
    if "setpriv" in result.err:
        pytest.skip("setpriv does not work here: " + result.err)
    assert result.ok().out == '1 kernel.trace("sched:sched_switch")\n'
    assert run([*user, "-e", "probe scheduler.ctxswitch { println(prev_tid == tid()) exit() }"]).ok().out == "1\n"
    if os.access("/sys/kernel/tracing/events", os.F_OK) and os.stat("/sys/kernel/tracing").st_mode & 0o001 == 0:
        assert "need tracefs" in run([*user, "-e", 'probe kernel.trace("sched:*") { exit() }']).failed().err


def test_an_unknown_variable_names_those_there_are():
    result = script('probe kernel.trace("sched_switch") { println($nosuch) }').failed()
    assert "unable to find tracepoint variable '$nosuch' (alternatives: " in result.err
    assert "$prev" in result.err and "$$vars" in result.err


def test_an_unknown_tracepoint_names_similar_ones():
    result = script('probe kernel.trace("sched_swich") { }').failed()
    assert "no match (similar tracepoints: sched_switch" in result.err


def test_variables_cannot_be_written():
    result = script('probe kernel.trace("sched_switch") { $prev->pid = 1 }', "-g").failed()
    assert "cannot write to this target variable" in result.err


def test_a_cast_in_a_tracepoint_is_of_the_kernel():
    text = ('probe kernel.trace("sys_enter") { if (pid() == target()) { '
            'println(@cast(task_current(), "task_struct")->tgid == pid()) exit() } }')
    assert script(text, "-c", "/bin/true").ok().out == "1\n"


def test_a_cast_without_module_in_a_function_is_of_the_kernel():
    text = ('function tgid(task) { return @cast(task, "task_struct")->tgid } '
            'probe kernel.trace("sys_enter") { if (pid() == target()) { println(tgid(task_current()) == pid()) exit() } }')
    assert script(text, "-c", "/bin/true").ok().out == "1\n"



def test_offsets_by_a_cast_of_nothing():
    text = ('probe kernel.trace("sched_switch") { println(&@cast(0, "task_struct", "kernel<linux/sched.h>")->tgid '
            '- &@cast(0, "task_struct", "kernel")->pid) exit() }')
    assert script(text).ok().out == "4\n"


def test_a_stack_begins_with_the_kernel_function():
    text = 'probe kernel.trace("sched_switch") { print_backtrace() exit() }'
    assert " : __schedule+0x" in script(text).ok().lines[0]
