#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The OOM killer takes a decoupled process, whose memory the guest has mapped: it ends as any other would, its memory comes back, and nothing
# of it stays in the module.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
limit=$((64 << 20))
dir=$(mktemp -d)
cgroup=$dir/cgroup/oom
pid=
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	[ ! "$pid" ] || kill -KILL "$pid" 2>/dev/null
	wait 2>/dev/null
	rmdir "$cgroup" 2>/dev/null
	umount "$dir/cgroup" 2>/dev/null
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
killed() {
	sed -n 's/^oom_kill //p' "$cgroup/memory.events"
}

mkdir "$dir/cgroup"
mount -t cgroup2 none "$dir/cgroup" 2>"$dir/message" || {
	echo "no cgroup v2 here: $(cat "$dir/message")"
	exit 4
}
echo +memory >"$dir/cgroup/cgroup.subtree_control" || fail "no memory controller"
mkdir "$cgroup"
echo $limit >"$cgroup/memory.max"
for round in 1 2 3; do
	: >"$dir/count"
	"$build/target" eat "$dir/count" >"$dir/out" 2>&1 </dev/null &
	pid=$!
	until [ -s "$dir/count" ]; do sleep 0.02; done
	echo $pid >"$cgroup/cgroup.procs" || fail "round $round: can't be put into its cgroup"
	timeout 20 "$decouple" --reflector module --cores 1 $pid >"$dir/message" 2>&1 || fail "round $round: $(cat "$dir/message")"
	before=$(killed)
	printf '\001' | dd of="$dir/count" bs=1 seek=8 conv=notrunc status=none
	wait $pid
	status=$?
	pid=
	[ $status = 137 ] || fail "round $round: status $status instead of 137: $(cat "$dir/out")"
	[ "$(killed)" -gt "$before" ] || fail "round $round: it was not the OOM killer"
	for ((i = 0; i < 200; i++)); do
		compgen -G "/sys/kernel/decouple/[0-9]*" >/dev/null || break
		sleep 0.05
	done
	! compgen -G "/sys/kernel/decouple/[0-9]*" >/dev/null || fail "round $round: left behind: $(ls /sys/kernel/decouple)"
	for ((i = 0; i < 200; i++)); do
		[ "$(cat "$cgroup/memory.current")" -gt $((limit / 8)) ] || break
		sleep 0.05
	done
	[ "$(cat "$cgroup/memory.current")" -le $((limit / 8)) ] || fail "round $round: $(cat "$cgroup/memory.current") bytes are still charged"
done
