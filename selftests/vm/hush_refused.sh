#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# Kernels that can't be hushed say so and do nothing: by their command line they have the core in nohz_full=, a tick that is periodic, or a core that
# never stops its own.
set -u
tree=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# shellcheck disable=SC2016 # for the shell in the VM
inside='[ -e /sys/kernel/decouple/hush ] || exit 2
echo 1:1000 >/sys/kernel/decouple/hush && exit 3
[ -z "$(cat /sys/kernel/decouple/hush)" ] || exit 5
dmesg | grep "decouple: core 1"'

# refused COMMAND-LINE REASON
refused() {
	local status
	timeout 150 "$tree/selftests/vm/boot.sh" KERNEL=6.12 MODULE=yes SMP=2 TIMEOUT=60 APPEND="$1" -- bash -c "$inside" >"$dir/out" 2>&1
	status=$?
	[ $status != 4 ] || {
		tail -n 1 "$dir/out"
		exit 4
	}
	if [ $status != 0 ] || ! grep -qE "core 1 can't be hushed: ($2)" "$dir/out"; then
		echo "with $1: status $status: $(cat "$dir/out")"
		exit 1
	fi
}

refused nohz_full=1 "it is not needed"
# Not always by the APIC's own period: where the broadcast device had been in one-shot mode by then, each tick is armed.
refused "nohz=off highres=off" "the tick is periodic|the kernel goes on having it keep the time"
refused idle=poll "the kernel goes on having it keep the time"
