#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# A decoupled thread has its directory in sysfs, which tells the truth; root gives all threads of a process back by writing its number to
# `recouple`: computing, and in a blocked call. Nothing stays behind, and they can be decoupled again.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
sysfs=/sys/kernel/decouple
dir=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}

fail() {
	echo "$*"
	exit 1
}

# Waits until a command succeeds.
until_true() {
	local try
	for ((try = 0; try < 400; try++)); do
		"$@" && return 0
		read -r -t 0.05 <>"$dir/never"
	done
	return 1
}

# shellcheck disable=SC2317 # by until_true
none() {
	! compgen -G "$sysfs/[0-9]*" >/dev/null && ! grep -q 'anon_inode:\[decouple\]' "/proc/$1/maps"
}
# shellcheck disable=SC2317
counts() {
	[ "$(od -An -t u8 -N 8 "$dir/count")" != "$before" ]
}
# shellcheck disable=SC2317
asleep() {
	[ "$(cut -d' ' -f3 "/proc/$1/stat")" = S ]
}

mkfifo "$dir/never"
: >"$dir/count"
"$build/target" plain "$dir/count" >"$dir/out" 2>&1 </dev/null &
pid=$!
pids+=("$pid")
before=
until_true counts || fail "the target doesn't start: $(cat "$dir/out")"

for round in 1 2; do
	"$decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "attach $round: $(cat "$dir/message")"
	[ "$(ls -d $sysfs/[0-9]*)" = "$sysfs/$pid" ] || fail "directories: $(ls $sysfs)"
	[ "$(cat "$sysfs/$pid/core")" = 1 ] || fail "on core $(cat "$sysfs/$pid/core") instead of 1"
	until_true grep -qx decoupled "$sysfs/$pid/state" || fail "state $(cat "$sysfs/$pid/state") instead of decoupled"
	[ "$(cat "$sysfs/$pid/captures")" -ge 1 ] || fail "no captures are counted"
	echo "$pid" >$sysfs/recouple || fail "recouple $round is refused"
	until_true none "$pid" || fail "20 s behind the write: $(ls $sysfs), $(grep decouple "/proc/$pid/maps")"
	[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] || fail "threads stay behind: $(cat /proc/"$pid"/task/*/comm)"
	before=$(od -An -t u8 -N 8 "$dir/count")
	until_true counts || fail "the recoupled target stands still"
	echo "$pid" 2>/dev/null >$sysfs/recouple && fail "nothing is decoupled, and recouple is taken"
done
kill -TERM "$pid"
wait "$pid" || fail "the target ended with status $?"
[ "$(cat "$dir/out")" = right ] || fail "the target's result: $(cat "$dir/out")"

# In a call that blocks: not failed, and given back all the same.
mkfifo "$dir/in"
cat "$dir/in" >"$dir/copy" &
pid=$!
pids+=("$pid")
exec 3>"$dir/in"
until_true asleep "$pid" || fail "cat doesn't read"
"$decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "attach to cat: $(cat "$dir/message")"
until_true asleep "$pid" || fail "cat doesn't read again"
echo "$pid" >$sysfs/recouple || fail "recouple of cat is refused"
until_true none "$pid" || fail "cat isn't given back: $(ls $sysfs)"
echo text >&3
exec 3>&-
wait "$pid" || fail "cat ended with status $?"
[ "$(cat "$dir/copy")" = text ] || fail "cat copied \`$(cat "$dir/copy")\`"
echo "directories are true, recouple gives back"
