#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds stap, builds nginx with debug information from Debian's source, and answers a
# question about it while curl fetches pages: which connections does the worker close, and on which path?
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/tools/setup.sh"
cd "$bpftap_top"

install_packages "${build_packages[@]}" "${target_packages[@]}" curl procps
build_tree "$bpftap_top/build"
nginx=$(tests/targets/nginx.sh)
stap=$bpftap_top/build/src/cli/stap

site=$(mktemp -d)
trap 'kill "${server-}" 2>/dev/null || true; rm -rf "$site"' EXIT
port=$((20000 + RANDOM % 20000))
mkdir "$site/html"
echo '<p>hello</p>' >"$site/html/index.html"
cat >"$site/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $site/nginx.pid;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $site/1; proxy_temp_path $site/2; fastcgi_temp_path $site/3;
	uwsgi_temp_path $site/4; scgi_temp_path $site/5;
	server { listen 127.0.0.1:$port; root $site/html; }
}
END
chmod 755 "$site"
"$nginx" -p "$site" -c "$site/nginx.conf" -e "$site/error.log" &
server=$!
for _ in $(seq 50); do
	worker=$(pgrep -P "$server" | head -n 1) && curl -s -o "$site/page" "http://127.0.0.1:$port/" && break
	sleep 0.1
done
[ -n "${worker-}" ] || die "nginx did not start: $(cat "$site/error.log")"

say "the functions of nginx with 'connection' in their names, with parameters:"
echo "\$ stap -L 'process(\"$nginx\").function(\"ngx_*_connection\")'"
"$stap" -L "process(\"$nginx\").function(\"ngx_*_connection\")" | cut -c1-160

say "each connection that the worker closes, and the path to there, while curl fetches three pages:"
echo "\$ stap -x $worker -T 5 examples/tcp-close.stp $nginx"
as_root "$stap" -x "$worker" -T 5 examples/tcp-close.stp "$nginx" >"$site/out" &
tracer=$!
for _ in $(seq 300); do
	grep -q '^tracing' "$site/out" && break
	kill -0 "$tracer" 2>/dev/null || die "stap ended early"
	sleep 0.1
done
for page in / /missing /; do
	curl -s -o "$site/page" "http://127.0.0.1:$port$page"
done
wait "$tracer"
cat "$site/out"
