# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions of the kernel in great numbers, and those that the run time itself goes through, under load: the machine survives.

One processor at a time: see Machine."""
import re

import pytest

import machine
import suite
import support

LOAD = ("while :; do dd if=/dev/zero of=/tmp/f bs=4k count=200 2>/dev/null; ls -lR /sys/kernel/mm >/dev/null; "
        "echo x | cat > /tmp/g; done & load=$!; ")
# each by its own trampoline or kprobe: scheduler, locks, RCU, time, faults, interrupts, BPF, perf, printing, tracing
DELICATE = """
    schedule try_to_wake_up update_rq_clock scheduler_tick _raw_spin_lock _raw_spin_unlock _raw_spin_lock_irqsave
    _raw_spin_unlock_irqrestore mutex_lock rcu_core call_rcu __rcu_read_lock __rcu_read_unlock migrate_disable
    ktime_get ktime_get_mono_fast_ns ktime_get_with_offset hrtimer_interrupt sched_clock timekeeping_update
    handle_mm_fault exc_page_fault asm_exc_page_fault exc_int3 exc_nmi nmi_handle irq_enter_rcu irq_exit_rcu
    perf_event_task_tick perf_trace_buf_alloc htab_map_update_elem __htab_map_lookup_elem htab_map_hash
    bpf_get_smp_processor_id bpf_ringbuf_output bpf_ktime_get_ns __bpf_prog_enter_recur trace_call_bpf
    ring_buffer_lock_reserve vprintk_emit text_poke_bp_batch smp_call_function_many_cond kprobe_ftrace_handler
    copy_from_kernel_nofault irq_work_queue finish_task_switch.isra.0 do_syscall_64 ksys_read""".split()


# the functions that are called with the lock of an array's free elements, or of a ring, held; each its own program
HELD = ("_raw_spin_unlock", "_raw_spin_unlock_irqrestore", "_raw_spin_lock", "_raw_spin_lock_irqsave", "irq_work_queue",
        "__kmalloc", "kfree", "htab_lock_bucket", "htab_map_hash")
ADD = "n[gettimeofday_us() & 262143]++"


@pytest.fixture(scope="session")
def calls():
    return str(support.compile_source(suite.TOP / "bench" / "calls.c", "-O2", "-g", output="calls"))


@pytest.fixture(scope="module", params=suite.KERNELS)
def vm(request, boot, calls):
    def image():
        image = machine.stap_image(suite.STAP)
        image.add(calls)
        return image

    with boot(request.param, image, ["veth"]) as booted:
        yield booted


def count(vm, points, seconds, timeout=200):
    """Hits by function of the points; what was told."""
    script = (f"global n probe {points} {{ n[ppfunc()]++ }} probe timer.s({seconds}) {{ exit() }} "
              'probe end { foreach (f in n) println(f, " ", n[f]) }')
    result = vm.run(f"{LOAD} cat > /tmp/script <<'END'\n{script}\nEND\n"
                    "stap -DMAXMAPENTRIES=50000 /tmp/script; status=$?; kill $load; exit $status", timeout).ok()
    assert not re.search(r"Kernel panic|BUG:|WARNING: CPU", vm.console())
    return {name: int(hits) for name, hits in map(str.split, result.out.splitlines())}, result.err


def has_multi(vm):
    return vm.run("grep -q ' fprobe_' /proc/kallsyms").status == 0


def test_every_function(vm):
    """Where each is armed by itself, some hundred: tests/vm/mass takes all of them there."""
    points = 'kernel.function("*")' if has_multi(vm) else 'kernel.function("[k-v]*_re*"), kernel.function("ksys_*")'
    vm.run("echo 0 > /proc/sys/debug/kprobes-optimization").ok()    # takes the emulation minutes
    found, told = count(vm, points, 10, 400)
    assert found["ksys_read"] > 5 and "registration error" not in told, told
    assert len(found) > (300 if has_multi(vm) else 30)
    if has_multi(vm):
        assert re.search(r"^WARNING: Skipped due to reentrancy: [1-9]", told, re.M), told
    settle(vm)


def settle(vm):
    """Waits until what a session leaves to the background is done, and nothing is left."""
    vm.run("for i in $(seq 100); do [ $(wc -l < /sys/kernel/tracing/kprobe_events) = 0 ] && exit 0; sleep 1; done; exit 1", 120).ok()


@pytest.mark.parametrize("optimized", (0, 1))
def test_functions_that_share_events_are_counted_exactly(vm, calls, optimized):
    """Many of one handler: entries, returns, results, addresses and arguments; all kernels, the mechanism that is best there."""
    script = """global n, r probe kernel.function("__x64_sys_[a-g]*")
        { if (execname() == "calls") n[ppfunc(), (addr() & 0xffffffff) == $1, pointer_arg(1) != 0]++ }
        probe kernel.function("__x64_sys_g*").return { if (execname() == "calls") r[ppfunc(), returnval() == ppid()]++ }
        probe end { println(n["__x64_sys_getppid", 1, 1], " ", n["__x64_sys_getppid", 0, 1], " ", r["__x64_sys_getppid", 1]) }"""
    result = vm.run(f"echo {optimized} > /proc/sys/debug/kprobes-optimization; cat > /tmp/script <<'END'\n{script}\nEND\n"
                    "address=$(awk '$3 == \"__x64_sys_getppid\" { print substr($1, 9) }' /proc/kallsyms); "
                    f"stap /tmp/script 0x$address -c '{calls} getppid 20000 & {calls} getppid 20000; wait'", 200).ok()
    assert result.out.splitlines()[-1] == "40000 0 40000", result
    settle(vm)


@pytest.mark.parametrize("killed", ("session", "both"))
def test_what_a_killed_session_left_is_removed(vm, killed):
    """By the process that has its events, or, if that was killed as well, by the next session."""
    if has_multi(vm):
        pytest.skip("has multi-links")
    script = 'probe begin { println("begin") } global n probe kernel.function("vfs_*") { n++ } probe timer.ms(100) { if (n) println("hit") }'
    kill = "killall -KILL stapio" if killed == "both" else "kill -KILL $pid"
    result = vm.run(f"rm -f /tmp/told; stap -e '{script}' > /tmp/told & pid=$!; until grep -q hit /tmp/told; do sleep 0.2; done; "
                    f"wc -l < /sys/kernel/tracing/kprobe_events; {kill}; wait $pid; "
                    "while pidof stapio >/dev/null; do sleep 0.2; done; wc -l < /sys/kernel/tracing/kprobe_events", 100).ok()
    armed, left = map(int, result.out.split())
    assert armed > 30 and left == (armed if killed == "both" else 0), result
    vm.run(f"stap -e '{script} probe timer.s(1) {{ exit() }}' > /dev/null; ls / | wc -l", 100).ok()
    settle(vm)


def test_functions_that_the_run_time_uses(vm):
    """Each of them as a point of its own.  The machine goes on, and blacklisted ones are left out."""
    found, told = count(vm, ", ".join(f'kernel.function("{name}") ?' for name in DELICATE), 2)
    assert min(found[name] for name in ("ksys_read", "schedule", "handle_mm_fault", "_raw_spin_lock")) > 0, (found,
                                                                                                             told)
    assert not {"__rcu_read_lock", "__rcu_read_unlock", "htab_map_update_elem"} & set(found)


def nested(vm, calls, points, seconds=3):
    """Runs the points, which nest, on both processors; what was told."""
    script = f"global n[262144], hits {points} probe timer.s({seconds}) {{ exit() }} probe end {{ println(n[-1] ? \"?\" : \"end\") }}"
    load = f"{LOAD} while :; do {calls} hit 20000 >/tmp/ns; done & calls=$!; "
    result = vm.run(f"{load} cat > /tmp/script <<'END'\n{script}\nEND\nstap -DMAXSKIPPED=1000000000 -o /tmp/told /tmp/script; "
                    "status=$?; kill $load $calls; tail -1 /tmp/told; exit $status", 100).ok()
    assert result.out == "end\n", result
    assert not re.search(r"Kernel panic|BUG:|WARNING: CPU", vm.console())
    assert re.search(r"^WARNING: Skipped due to reentrancy: [1-9]", result.err, re.M), result.err


def test_handlers_of_all_kinds_that_add_to_one_array(vm, calls):
    """Where one holds a lock of the array's another is hit: it must not wait for it."""
    held = ", ".join(f'kernel.function("{name}") ?' for name in HELD)
    nested(vm, calls, f'probe {held} {{ {ADD} }} probe kprobe.function("_raw_spin_unlock"), kprobe.function("ksys_read") {{ {ADD} }} '
           f'probe kernel.trace("sys_enter"), kernel.trace("sched_switch"), kernel.trace("contention_end") ? {{ {ADD} }} '
           f'probe timer.profile, process("{calls}").function("hit"), syscall.getppid, timer.ms(10) {{ {ADD} }}')


@pytest.mark.parametrize("inner", ("kernel", "kprobe"))
@pytest.mark.parametrize("outer", ('kprobe.function("ksys_read")', 'kernel.trace("sys_enter")', "timer.profile",
                                   "uprobe",
                                   "sleeper", "timer.ms(1)"))
def test_one_handler_within_another(vm, calls, inner, outer):
    if inner == "kprobe" and outer in ('kprobe.function("ksys_read")', "timer.profile", "timer.ms(1)"):
        return      # the kernel keeps these apart
    add = f"{{ for (i = 0; i < 100; i++) {ADD} }}" if outer == "timer.ms(1)" else ADD
    point = f'process("{calls}").function("hit")' if outer in ("uprobe", "sleeper") else outer
    if outer == "sleeper":
        add = f"user_string_n(register(\"rsp\"), 1) {add}"
    nested(vm, calls, f'probe {point} {{ {add} }} probe {inner}.function("_raw_spin_unlock") {{ {ADD} }}', 1)


def test_handlers_that_print_within_one_another(vm, calls):
    nested(vm, calls, 'probe kprobe.function("ksys_read"), kernel.trace("sys_enter"), kernel.function("_raw_spin_unlock_irqrestore") '
           '{ printf("%d %s\\n", pid(), execname()) }', 2)


def test_counts_are_exact_where_nothing_nests(vm, calls):
    """The same call, of two processes, by all kinds of points that look at one another."""
    points = ('kernel.function("__x64_sys_getppid")', 'kernel.function("__x64_sys_getppid").return', "syscall.getppid",
              'kprobe.function("__x64_sys_getppid")', 'kernel.trace("sys_enter")')
    script = "global " + ", ".join(f"n{i}" for i in range(len(points)))
    for i, point in enumerate(points):
        only = 'if ($id == 110) ' if "sys_enter" in point else ""
        script += f' probe {point} {{ {only}n{i}[execname(), pid()]++ }} '
    script += "probe end { " + " ".join(f'foreach ([e, p] in n{i}) if (e == "calls") println({i}, " ", n{i}[e, p])'
                                        for i in range(len(points))) + "}"
    result = vm.run(f"cat > /tmp/script <<'END'\n{script}\nEND\nstap /tmp/script -c '{calls} getppid 20000 & "
                    f"{calls} getppid 20000; wait'", 100).ok()
    assert sorted(result.out.splitlines()[-10:]) == [f"{i} 20000" for i in range(5) for _ in range(2)], result


def test_blacklisted_by_name(vm):
    result = vm.run("stap -g -e 'probe kernel.function(\"__rcu_read_lock\") { }'")
    assert result.status == 1 and "function '__rcu_read_lock' is blacklisted: " in result.err, result


def test_interrupt_while_arming(vm):
    """The prompt is back soon, whatever was to be armed."""
    result = vm.run("rm -f /tmp/told; stap -e 'probe begin { println(\"begin\") } probe kernel.function(\"[a-b]*\") { n++ } global n "
                    "probe end { println(\"end\") if (n < 0) println(n) }' > /tmp/told & pid=$!; until grep -q begin /tmp/told; do sleep 0.2; done; "
                    "sleep 1; kill -INT $pid; start=$(date +%s); wait $pid; echo $(($(date +%s) - start)); cat /tmp/told",
                    100).ok()
    seconds, *told = result.out.split()
    assert told == ["begin", "end"] and int(seconds) <= 5, result
    settle(vm)


def test_interrupt_while_the_kernel_is_busy(vm):
    """As long as the process that arms gets nowhere, which may be minutes in the kernel; later it removes what it made."""
    if has_multi(vm):
        pytest.skip("has multi-links")
    result = vm.run("rm -f /tmp/told; stap -e 'probe begin { println(\"begin\") } probe kernel.function(\"[a-b]*\") { n++ } global n "
                    "probe end { println(\"end\") if (n < 0) println(n) }' > /tmp/told & pid=$!; "
                    "until [ $(wc -l < /sys/kernel/tracing/kprobe_events) != 0 ]; do sleep 0.2; done; "
                    "for p in $(pidof stapio); do [ $p = $pid ] || arms=$p; done; kill -STOP $arms; "
                    "start=$(date +%s); kill -INT $pid; wait $pid; echo $(($(date +%s) - start)); cat /tmp/told; "
                    "wc -l < /sys/kernel/tracing/kprobe_events; kill -CONT $arms", 100).ok()
    seconds, begin, end, left = result.out.split()
    assert (begin, end) == ("begin", "end") and int(seconds) <= 5 and int(left) > 0, result
    settle(vm)


@pytest.mark.parametrize("point", ('module("veth").function("*")', 'module("ve*").function("veth_new*")'))
def test_module_goes_and_comes(vm, point):
    """While its functions are probed: it stays, or goes with its probes; nothing is left of either."""
    result = vm.run(f"""rm -f /tmp/told
        stap -e 'global n probe begin {{ println("begin") }} probe {point} {{ n++ }} probe timer.ms(1) {{ if (n) println("hit") }}
                 probe end {{ println(n > 0) }}' > /tmp/told 2>&1 & pid=$!
        ready() {{ grep -q "$1" /tmp/told; }}
        for i in 1 2 3 4 5 6 7 8 9; do ip link add x type veth peer name y; ip link del x; ready hit && break; sleep 1; done
        went=0; rmmod veth && went=1; insmod /modules/veth.ko; ip link add x type veth peer name y; ip link del x; sleep 0.5
        kill -INT $pid; wait $pid || exit 3; grep -c "kernel module 'veth' was loaded after" /tmp/told
        grep -c "kernel module 'veth' was unloaded: [1-9]" /tmp/told; echo $went; tail -1 /tmp/told
        rmmod veth && insmod /modules/veth.ko && ip link add x type veth peer name y && ip link del x && echo alive""",
        100)
    loaded, unloaded, went, *rest = result.out.split()
    assert loaded == unloaded == went and rest == ["1", "alive"], result
    assert not re.search(r"Kernel panic|BUG:|WARNING: CPU", vm.console())


@pytest.mark.parametrize("point", ('module("veth").function("veth_newlink") ?', 'module("v*").function("veth_new*") ?',
                                   'kprobe.module("veth").function("veth_newlink") ?'))
def test_module_loaded_later(vm, point):
    """It is left alone, with a warning; other modules, and functions that it does not have, are not told of."""
    other = 'module("veth").function("no_such_function") ?, module("other").function("*") ?'
    result = vm.run(f"""rm -f /tmp/told; rmmod veth; stap -o /tmp/told -e 'probe begin {{ println("begin") }} probe {point}, {other} {{ println("hit") }}
                        probe timer.s(1000) {{ println("late") }}' 2> /tmp/err & pid=$!
                        for i in $(seq 100); do grep -q begin /tmp/told && break; sleep 0.2; done; sleep 0.5
                        insmod /modules/veth.ko; ip link add x type veth peer name y; ip link del x; sleep 0.5
                        kill -INT $pid; wait $pid; cat /tmp/told; cat /tmp/err""", 60).ok()
    shown = point.removesuffix(" ?")
    assert result.out.splitlines() == [
        "begin", f"WARNING: kernel module 'veth' was loaded after the script was started: {shown} does not probe it"], result


def test_module_not_loaded(vm):
    result = vm.run("""rmmod veth; stap -e 'probe module("veth").function("veth_newlink") { }'; echo $?; insmod /modules/veth.ko""")
    assert result.out == "1\n" and "no match (is kernel module 'veth' loaded?)" in result.err, result
