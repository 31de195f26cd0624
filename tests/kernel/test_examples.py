# SPDX-License-Identifier: GPL-2.0-or-later
"""Examples that probe functions of the kernel."""
import re
import sys

from support import stap


def test_reads(tmp_path):
    data = tmp_path / "data"
    data.write_bytes(bytes(123456))
    code = f"f = open('{data}', 'rb', 0); [f.read(1000) for i in range(100)]"
    out = stap("--example", "reads.stp", "-c", f'{sys.executable} -c "{code}"').ok().out
    assert re.search(rf"^python3\S* +100 reads +100000 bytes  {data}$", out, re.M), out
