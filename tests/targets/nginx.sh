#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds nginx from Debian's source package with -O2 -g -fomit-frame-pointer, once, and prints the path
# of the binary.  Everything else goes to standard error.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../../tools/setup.sh"

dir=$bpftap_cache/targets/nginx
binary=$dir/nginx
if [ -x "$binary" ]; then
	readlink -f "$binary"
	exit 0
fi
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9		# two callers build it once
if [ ! -x "$binary" ]; then
	install_packages "${build_packages[@]}"
	src=$(debian_source nginx "$dir")
	say "building ${src##*/} with -O2 -g -fomit-frame-pointer"
	log=$dir/build.log
	# The rewrite module alone would need a regular expression library; all else is as upstream builds it.
	(cd "$src" && ./configure --without-http_rewrite_module --with-threads \
		--with-cc-opt='-O2 -g -fomit-frame-pointer' --prefix=/etc/nginx &&
		make -j"$(nproc)") >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "nginx failed to build"; }
	ln -sfn "$src/objs/nginx" "$binary"
fi
readlink -f "$binary"
