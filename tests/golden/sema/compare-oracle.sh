#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the scripts of a golden table through SystemTap's own passes 1 and 2 and shows where its
# output differs from what the table expects.  For people: differences are judged, not failures.
#
#   compare-oracle.sh [TABLE...]        KERNEL=release: the kernel whose headers SystemTap shall use
cd "$(dirname "$0")" || exit 1
STAP=${STAP:-/usr/bin/stap}
if ! "$STAP" -V 2>&1 | grep -q '^Systemtap translator'; then
	echo "SKIP: no SystemTap here"
	exit 77
fi
KERNEL=${KERNEL:-$(basename "$(dirname "$(ls -d /lib/modules/*/build | tail -n 1)")")}
[ $# -gt 0 ] || set -- errors.txt warnings.txt listing.txt
STAP=$STAP KERNEL=$KERNEL exec python3 - "$@" <<'PYTHON'
import difflib, os, re, subprocess, sys

def cases(path):
    for block in re.split(r'(?m)^%% ', open(path).read())[1:]:
        script, _, expected = block.partition('\n%=\n')
        head, _, script = script.partition('\n')
        yield head.split()[0], head.split()[1:], script, expected

def normal(text):
    """Without what names this run, and without the names SystemTap mangles."""
    lines = [l.rstrip() for l in text.splitlines()
             if not re.match(r'(Pass \d|Tip:|\d+ parse error|WARNING: Kernel function symbol)', l)]
    text = re.sub(r'__global_|__private\w*?__(?=[a-z])|__overload_\d+', '', '\n'.join(lines).strip())
    return text.replace('\\\\', '\\').split('\n')

same = total = 0
for table in sys.argv[1:]:
    for name, options, script, expected in cases(table):
        if '-l' in options or '-L' in options:
            continue
        run = subprocess.run([os.environ['STAP'], '-r', os.environ['KERNEL'], '-I', 'tapset', '-p2', *options, '-'],
                             input=script + '\n', text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=60)
        theirs, ours = normal(run.stdout), normal(expected)
        total += 1
        same += theirs == ours
        if theirs != ours:
            print('=====', table, name, *options)
            print(script)
            print('\n'.join(difflib.unified_diff(theirs, ours, 'SystemTap', 'expected', lineterm='', n=1)))
print(f'{same} of {total} agree')
PYTHON
