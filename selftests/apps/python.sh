#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# python3: threads, subprocesses, signals at 500 Hz, multiprocessing, asyncio.
. selftests/apps/lib.sh
# The interpreter itself, not a wrapper script that may come first in PATH.
python=/usr/bin/python3
need $python python3
for part in threads subprocess processes asyncio; do
	compare $part -- $python "$programs/python.py" $part
done
watched signals -- $python "$programs/python.py" signals
compare threads_follow --follow -- $python "$programs/python.py" threads
compare subprocess_follow --follow -- $python "$programs/python.py" subprocess
compare processes_follow --follow -- $python "$programs/python.py" processes
for part in threads subprocess signals processes asyncio; do
	attached $part -- $python "$programs/python.py" $part
done
finish "python3 gives what it gives natively"
