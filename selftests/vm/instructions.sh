#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# Instructions of a null system call, both sides spinning, with the module: in guest, gate and kernel together at most 3.5 times as many as
# natively. Those of the guest's side alone: unit/entry_test.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export KERNEL=6.12 MODULE=yes ICOUNT=yes TIMEOUT=200
output=$("$here/boot.sh" -- build/decouple bench syscall --samples 200 --json 2>&1)
status=$?
[ $status != 4 ] || {
	echo "$output"
	exit 4
}
p50() {
	sed -n '/^{/,/^}/p' <<<"$output" | jq -e ".rows[] | select(.name == \"$1\") | .p50 | floor"
}
if [ $status != 0 ] || ! native=$(p50 native) || ! decoupled=$(p50 decoupled); then
	echo "the bench in the VM, status $status:"
	echo "$output"
	exit 1
fi
echo "instructions: native $native, decoupled $decoupled"
[ $((decoupled * 10)) -le $((native * 35)) ]
