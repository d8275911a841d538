#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# The machine is suspended while a thread is decoupled, as far as the kernel's own test of that goes (/sys/power/pm_test) and the machine stands
# it: processes frozen; devices; then processors taken away as well, the dedicated one among them; and at last it really sleeps. The thread is not
# lost: it goes on, and can be given back, or was. Where the root comes by virtio's 9p, which does not resume, processes are frozen only: the rest
# is vm/suspend, which runs this with IN_RAM.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
dir=$(mktemp -d)
pid=
trap '[ ! "$pid" ] || kill -KILL "$pid"; echo none >/sys/power/pm_test; rm -rf "$dir"' EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
[ -w /sys/power/pm_test ] || {
	echo "no /sys/power/pm_test: this kernel can't test suspending (CONFIG_PM_DEBUG)"
	exit 4
}

fail() {
	echo "$level: $*"
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
state() {
	timeout 10 "$decouple" status --json "$pid" 2>/dev/null | jq -r '[.threads[].state][0] // "none"'
}
# The machine's clock is to wake it in two seconds.
wake_by_clock() {
	local alarm=/sys/class/rtc/rtc0/wakealarm
	[ -w $alarm ] || return
	echo 0 >$alarm && echo +2 >$alarm
}

: >"$dir/count"
"$build/target" plain "$dir/count" >"$dir/out" 2>&1 </dev/null &
pid=$!
level=start
counts || fail "the target doesn't start"
# What the kernel tests stands still for five seconds: pm_test_delay.
[ ! -w /sys/module/suspend/parameters/pm_test_delay ] || echo 1 >/sys/module/suspend/parameters/pm_test_delay
levels=(freezer devices processors core none)
[ "${IN_RAM:-}" ] || ! grep -qw 9p /proc/mounts /proc/1/mounts 2>/dev/null || levels=(freezer freezer freezer)
for level in "${levels[@]}"; do
	[ "$(state)" = decoupled ] || timeout 20 "$decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
	[ "$(state)" = decoupled ] || fail "not decoupled"
	counts || fail "decoupled, it stands still"
	echo "$level" >/sys/power/pm_test || fail "no such test"
	[ "$level" != none ] || wake_by_clock || continue
	echo mem >/sys/power/state || fail "the machine doesn't suspend"
	counts || fail "behind it, the thread stands still ($(state))"
	case $level in
	processors | core | none)
		for ((try = 0; try < 200; try++)); do
			[ "$(state)" != decoupled ] && break
			sleep 0.05
		done
		[ "$(state)" != decoupled ] || fail "still decoupled, though its core was away"
		;;
	*) [ "$(state)" = decoupled ] || fail "no longer decoupled: $(state)" ;;
	esac
	counts || fail "at the end it stands still ($(state))"
done
[ "$(state)" != decoupled ] || timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
counts || fail "given back, it stands still"
kill -TERM "$pid"
wait "$pid" || fail "the target ended with status $?"
[ "$(cat "$dir/out")" = right ] || fail "its result: $(cat "$dir/out")"
pid=
