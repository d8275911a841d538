#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# gdb and strace at a decoupled program see the program: its function and its system calls, nothing of the resident. It runs on natively
# behind them, and can be decoupled again.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
sysfs=/sys/kernel/decouple
dir=$(mktemp -d)
pid=
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	[ ! "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
for tool in gdb strace; do
	command -v $tool >/dev/null || {
		echo "$tool is missing: apt-get install $tool"
		exit 4
	}
done

fail() {
	echo "$*"
	exit 1
}
count() {
	od -An -t u8 -N 8 "$dir/count"
}
# Waits until a command succeeds.
until_true() {
	local try
	for ((try = 0; try < 400; try++)); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}
# shellcheck disable=SC2317 # by until_true
given_back() {
	! compgen -G "$sysfs/[0-9]*" >/dev/null && [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
}
# shellcheck disable=SC2317
counts() {
	[ "$(count)" != "$before" ]
}
attach() {
	"$decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "attach: $(cat "$dir/message")"
	until_true grep -qx decoupled "$sysfs/$pid/state" || fail "it is not decoupled"
}
check_native() {
	until_true given_back || fail "$1: not given back: $(ls $sysfs), $(cat /proc/"$pid"/task/*/comm)"
	before=$(count)
	until_true counts || fail "$1: the program stands still behind it"
}

: >"$dir/count"
"$build/target" plain "$dir/count" >"$dir/out" 2>&1 </dev/null &
pid=$!
before=
until_true counts || fail "the target doesn't start"

attach
timeout 60 gdb -nx -batch -p "$pid" -ex 'info threads' -ex bt >"$dir/gdb" 2>&1 </dev/null || fail "gdb: status $?: $(cat "$dir/gdb")"
grep -Eq '^#[0-9]+ .*\bwork ' "$dir/gdb" || fail "gdb doesn't see the program: $(cat "$dir/gdb")"
! grep -q 'dec-vcpu' "$dir/gdb" || fail "gdb sees vCPU threads: $(cat "$dir/gdb")"
check_native gdb

attach
timeout -s INT 5 strace -o "$dir/strace" -p "$pid" >"$dir/message" 2>&1 </dev/null
[ "$(tail -n 20 "$dir/strace" | grep -c '^getppid() ')" -ge 15 ] || fail "strace: $(tail -n 25 "$dir/strace") $(cat "$dir/message")"
check_native strace

attach
"$decouple" recouple "$pid" >"$dir/message" 2>&1 || fail "recouple: $(cat "$dir/message")"
kill -TERM "$pid"
wait "$pid" || fail "the target ended with status $?"
pid=
[ "$(cat "$dir/out")" = right ] || fail "the target's result: $(cat "$dir/out")"
