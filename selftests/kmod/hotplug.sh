#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The dedicated core goes offline: the thread is given back, computes on, and can be decoupled again when the core is there again.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
core=1
online=/sys/devices/system/cpu/cpu$core/online
dir=$(mktemp -d)
pid=
trap 'echo 1 >$online; [ ! "$pid" ] || kill -KILL "$pid"; rm -rf "$dir"' EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
[ -w $online ] || {
	echo "no $online: this kernel or machine can't take the core away"
	exit 4
}

fail() {
	echo "round $round: $*"
	exit 1
}
count() {
	od -An -t u8 -N 8 "$dir/count"
}
counts() {
	local before try
	before=$(count)
	for ((try = 0; try < 100; try++)); do
		[ "$(count)" = "$before" ] || return 0
		sleep 0.05
	done
	return 1
}
decoupled() {
	[ "$(timeout 10 "$decouple" status --json "$pid" 2>/dev/null | jq -r '.threads[0].state')" = decoupled ]
}

: >"$dir/count"
"$build/target" plain "$dir/count" >/dev/null 2>&1 </dev/null &
pid=$!
round=0
counts || fail "the target doesn't start"
for round in 1 2 3; do
	timeout 20 "$decouple" --reflector module --cores $core "$pid" >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
	decoupled || fail "not decoupled"
	counts || fail "decoupled, it stands still"
	echo 0 >$online || fail "the core doesn't go"
	for ((try = 0; try < 200; try++)); do
		decoupled || break
		sleep 0.05
	done
	! decoupled || fail "still decoupled without its core"
	counts || fail "given back, it stands still"
	echo 1 >$online || fail "the core doesn't come back"
done
