#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# What a tick takes from a decoupled thread, in instructions that QEMU counts: the same before attribution was ever on and behind it, and at most
# twice as many while it is on. The tracepoints themselves are enabled throughout (lib/module_check: hold_tracepoints).
set -u
here=$(cd "$(dirname "$0")" && pwd)
export KERNEL=6.12 MODULE=yes ICOUNT=yes TIMEOUT=220
output=$("$here/boot.sh" -- selftests/vm/inside/why_cost.sh 2>&1)
status=$?
[ $status != 4 ] || {
	echo "$output"
	exit 4
}
# The middle one of the medians: single ones have other work in them.
middle() {
	sed -n "s/^$1 //p" <<<"$output" | tr -s ' ' '\n' | grep . | sort -n | awk '{ value[NR] = $1 } END { if (NR) print value[int((NR + 1) / 2)] }'
}
before=$(middle before) polled=$(middle polled) on=$(middle on) behind=$(middle behind)
if [ $status != 0 ] || [ -z "$before" ] || [ -z "$polled" ] || [ -z "$on" ] || [ -z "$behind" ]; then
	echo "in the VM, status $status:"
	echo "$output"
	exit 1
fi
echo "instructions of a tick: $before before, $polled while something else wakes up as often as a reader, $on while somebody reads, $behind behind that"
# Some twenty instructions depend on what the tick finds.
difference=$((behind - before))
[ ${difference#-} -le 50 ] && [ "$on" -gt "$before" ] && [ "$on" -le $((2 * before)) ] && exit
echo "$output"
exit 1
