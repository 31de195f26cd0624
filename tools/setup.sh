# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by demo.sh, test.sh and the target scripts; sourced, not run (bash).
#
# Gives: bpftap_cache (directory for everything expensive), say, die, as_root,
# install_packages, debian_source, build_tree.
# Requires: Debian 12 or a relative with apt-get; nothing of the environment: HOME, TMPDIR and LANG may be
# unset or useless.  Everything is quick the second time.

bpftap_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
[ -w "${TMPDIR:-/tmp}" ] || unset TMPDIR

# The first of the usual places that can be written, else one in the repository; programs that we start agree.
for XDG_CACHE_HOME in "${XDG_CACHE_HOME-}" "${HOME:+$HOME/.cache}" "$bpftap_top/.cache"; do
	bpftap_cache=$XDG_CACHE_HOME/bpftap
	[ -n "$XDG_CACHE_HOME" ] && mkdir -p "$bpftap_cache" 2>/dev/null && [ -w "$bpftap_cache" ] && break
done
export XDG_CACHE_HOME

# Packages to build, and those that the tests use besides.
build_packages=(gcc clang meson ninja-build pkg-config libbpf-dev libelf-dev libdw-dev
	libdebuginfod-dev liblzma-dev libstb-dev zlib1g-dev libc6-dev systemtap-sdt-dev
	libcmocka-dev python3)
target_packages=(dpkg-dev make ca-certificates debian-archive-keyring)
test_packages=(python3-pytest g++ gdb curl libc6-dbg libc6-dev-i386 strace git sqlite3 elfutils binutils procps util-linux
	man-db iproute2 nftables qemu-system-x86 busybox-static)

say() { printf '== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command as root: directly when we are, else through sudo when there is one.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "need root for '$*' and there is no sudo: run this as root"
	fi
}

# Installs those of the named packages that are missing.
install_packages()
{
	local p missing=()
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
			missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "no apt-get here; install by hand: ${missing[*]}"
	say "installing packages: ${missing[*]}"
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=30)
	as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2 ||
		{ as_root "${apt[@]}" update >&2 &&
		  as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2; } ||
		die "could not install: ${missing[*]}"
}

# apt-get with package lists of our own that have deb-src: the machine's lists stay as they are.
apt_source()
{
	local lists=$bpftap_cache/apt
	apt-get -qq -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache" \
		-o APT::Sandbox::User= "$@"
}

# Writes sources.list with a deb-src line for each Debian archive that the machine uses.
write_source_list()
{
	local lists=$bpftap_cache/apt key=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
	[ -n "$(apt-get indextargets 'Identifier: Packages' 'Origin: Debian')" ] ||
		as_root apt-get -qq update >&2
	apt-get indextargets --format "deb-src [signed-by=$key] \$(REPO_URI) \$(CODENAME) \$(COMPONENT)" \
		'Identifier: Packages' 'Origin: Debian' | sort -u >"$lists/sources.list"
	[ -s "$lists/sources.list" ] || die "no Debian archive among this machine's apt sources"
}

# debian_source PACKAGE DIR: unpacks the source of PACKAGE, patches applied, into DIR/PACKAGE-VERSION
# and prints that directory.
debian_source()
{
	local package=$1 dir=$2
	install_packages "${target_packages[@]}"
	write_source_list
	mkdir -p "$dir"
	say "fetching the source of $package"
	(cd "$dir" && apt_source update >&2 && apt_source source "$package" >&2) ||
		die "could not fetch the source of $package"
	find "$dir" -mindepth 1 -maxdepth 1 -type d -name "$package-*" | sort -V | tail -n 1
}

# build_tree DIR [MESON OPTION...]: configures DIR once and builds everything in it.
build_tree()
{
	local dir=$1
	shift
	local log=$bpftap_cache/build-${dir##*/}.log
	if [ ! -f "$dir/build.ninja" ]; then
		say "configuring ${dir##*/}"
		meson setup "$dir" "$bpftap_top" "$@" >"$log" 2>&1 ||
			{ cat "$log" >&2; die "meson setup failed"; }
	fi
	say "building ${dir##*/}"
	ninja -C "$dir" >"$log" 2>&1 ||
		{ tail -n 40 "$log" >&2; die "the build of ${dir##*/} failed"; }
}
