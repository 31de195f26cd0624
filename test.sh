#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds, and runs every test: unit, golden and end-to-end, in a plain build and
# again in one with AddressSanitizer (leaks, too) and UndefinedBehaviorSanitizer; then a selection on other kernels under
# emulation, with sanitizers a short one.  The last line is the sum, whatever happens:
#	N passed, N failed, N skipped
# Exit status 0 only when something ran and nothing failed.  A step that cannot be done, or a suite that exceeds its
# time, counts as one failure, and the others go on.
#
#	./test.sh		everything
#	./test.sh --plain	without the sanitizer build
set -uo pipefail
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null; then
	exec sudo -- "$(readlink -f "$0")" "$@"	# the end-to-end tests trace programs
fi
. "$(dirname "$(readlink -f "$0")")/tools/setup.sh"
cd "$bpftap_top" || exit 1

variants=(build build-asan)
[ "${1-}" != --plain ] || variants=(build)
results=()	# NAME=FILE: one JUnit file per suite
running=()	# processes, in the order in which they began

finish()
{
	trap - EXIT
	[ ${#results[@]} -gt 0 ] || results=("set-up=/nonexistent")
	/usr/bin/python3 tests/summary.py "${results[@]}"
	local status=$?
	[ $status -le 1 ] || echo "0 passed, 1 failed, 0 skipped"	# python3 itself is missing
	exit $status
}
trap finish EXIT

# What runs is told to end, a suite as by ^C, so that it leaves the results it has; not waited for much longer.
interrupted()
{
	trap - HUP INT TERM
	say "ended by a signal"
	results+=("ended by a signal=/nonexistent")
	if [ ${#running[@]} -gt 0 ]; then
		kill "-$stop" "${running[@]}"
		for _ in $(seq 50); do
			kill -0 "${running[@]}" && sleep 0.1
		done
	fi 2>/dev/null
	exit 1
}
trap interrupted HUP INT TERM

# begin SIGNAL COMMAND...: starts it with no terminal; SIGNAL is what ends it.
begin()
{
	stop=$1
	shift
	"$@" >&2 </dev/null &
	running+=($!)	# in the background, because the shell heeds signals only while it waits
}

# end: waits for what began first, and has its status.
end()
{
	local status=0
	wait "${running[0]}" || status=$?
	running=("${running[@]:1}")
	return $status
}

# begin_suite NAME RESULT SECONDS COMMAND...: starts it with default signals, for at most so long.
begin_suite()
{
	local name=$1 result=$2 seconds=$3
	shift 3
	say "$name"
	rm -f "$result"
	results+=("$name=$result")
	begin INT timeout -s INT -k 30 "$seconds" env --default-signal "$@"
}

# end_suite NAME RESULT SECONDS COMMAND...: waits for it; its time counts as a failure when it was too short.
end_suite()
{
	end
	case $? in
	124 | 137) results+=("$1 took more than $3 s=/nonexistent") ;;
	esac
}

# run_suite NAME RESULT SECONDS COMMAND...: runs it; a suite that leaves no RESULT counts as one failure.
run_suite()
{
	begin_suite "$@"
	end_suite "$@"
}

# step NAME COMMAND...: something that suites depend on; a failure is counted, and the caller's matter.
step()
{
	local name=$1
	shift
	begin TERM "$@"
	end || { results+=("$name=/nonexistent"); return 1; }
}

# pytest_suite NAME BUILD RESULT SECONDS DIRECTORY [VARIABLE=VALUE...]
pytest_suite()
{
	local name=$1 build=$2 result=$3 seconds=$4 directory=$5
	shift 5
	"${how:-run_suite}" "$name" "$result" "$seconds" \
		env STAP="$bpftap_top/$build/src/cli/stap" BPFTAP_BUILD="$bpftap_top/$build" "$@" \
		/usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider --durations=5 --junitxml="$result" "$directory"
}

# Unit, golden and end-to-end tests of the build in directory $1.
test_build()
{
	local build=$1
	run_suite "unit tests ($build)" "$build/meson-logs/testlog.junit.xml" 600 \
		meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "$(nproc)" -t 4
	pytest_suite "golden tests ($build)" "$build" "$build/golden.junit.xml" 300 tests/golden
	pytest_suite "e2e tests ($build)" "$build" "$build/e2e.junit.xml" 1500 tests/e2e
}

# test_kernels BUILD [VARIABLE=VALUE...]: on other kernels, at once: the machine of the tests waits much of its time.
test_kernels()
{
	local build=$1 how kernel
	shift
	say "tests on other kernels ($build)"
	rm -f "$build"/vm-*.log
	for how in begin_suite end_suite; do
		for kernel in 6.1 6.12; do
			pytest_suite "tests on $kernel ($build)" "$build" "$build/vm-$kernel.junit.xml" 1200 tests/vm \
				BPFTAP_KERNELS="$kernel" "$@" 2>>"$build/vm-$kernel.log"
		done
	done
	cat "$build"/vm-*.log >&2
}

[ "$(id -u)" -eq 0 ] || die "the end-to-end tests trace programs: run this as root"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PYTHONDONTWRITEBYTECODE=1

step "packages" install_packages "${build_packages[@]}" "${target_packages[@]}" "${test_packages[@]}"
step "nginx to test with" tests/targets/nginx.sh
for build in "${variants[@]}"; do
	options=()
	[ "$build" != build-asan ] || options=(-Db_sanitize=address,undefined -Db_lundef=false)
	step "$build" build_tree "$bpftap_top/$build" "${options[@]}" && test_build "$build"
done
test_kernels build
[ "${#variants[@]}" -eq 1 ] || test_kernels build-asan PYTEST_ADDOPTS="-m brief"
