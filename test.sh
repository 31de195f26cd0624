#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds, and runs every test: unit, golden and end-to-end, in a plain build and
# again in one with AddressSanitizer and UndefinedBehaviorSanitizer; then a selection, of the plain build, on
# other kernels under emulation.  The last line is the sum:
#	N passed, N failed, N skipped
# Exit status 0 only when something ran and nothing failed.
#
#	./test.sh		everything
#	./test.sh --plain	without the sanitizer build
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/tools/setup.sh"
cd "$bpftap_top"

variants=(build build-asan)
[ "${1-}" != --plain ] || variants=(build)
results=()	# one JUnit file per suite

# run_suite NAME RESULT COMMAND...: runs it; a suite that leaves no RESULT counts as one failure.
run_suite()
{
	local name=$1 result=$2
	shift 2
	say "$name"
	rm -f "$result"
	results+=("$name=$result")
	"$@" >&2
}

# Unit, golden and end-to-end tests of the build in directory $1.
test_build()
{
	local build=$1
	run_suite "unit tests ($build)" "$build/meson-logs/testlog.junit.xml" \
		meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "$(nproc)" -t 4
	local suite
	for suite in golden e2e; do
		run_suite "$suite tests ($build)" "$build/$suite.junit.xml" \
			env STAP="$bpftap_top/$build/src/cli/stap" BPFTAP_BUILD="$bpftap_top/$build" \
			/usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider --durations=5 \
			--junitxml="$build/$suite.junit.xml" "tests/$suite"
	done
}

[ "$(id -u)" -eq 0 ] || die "the end-to-end tests trace programs: run this as root"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PYTHONDONTWRITEBYTECODE=1

install_packages "${build_packages[@]}" "${target_packages[@]}" "${test_packages[@]}"
tests/targets/nginx.sh >/dev/null || die "no nginx to test with"
for build in "${variants[@]}"; do
	case $build in
	build-asan) build_tree "$bpftap_top/$build" -Db_sanitize=address,undefined -Db_lundef=false ;;
	*) build_tree "$bpftap_top/$build" ;;
	esac
	test_build "$build"
done
run_suite "tests on other kernels (build)" build/vm.junit.xml \
	env STAP="$bpftap_top/build/src/cli/stap" BPFTAP_BUILD="$bpftap_top/build" \
	/usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider --durations=5 --junitxml=build/vm.junit.xml tests/vm
exec /usr/bin/python3 tests/summary.py "${results[@]}"
