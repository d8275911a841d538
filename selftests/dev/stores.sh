#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# A thread that is decoupled while it rings a device doorbell goes on with that: over a million stores, of which the device confirms each
# thousandth, KVM_RUN does not return, and KVM counts no exit for them: those that there are were for interrupts of the host.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
program=${TEST_BUILD:-$here/../../build/selftests}/dev/stores
[ "${DECOUPLE_RIG:-}" ] || {
	echo "not in the VM, which has the device (selftests/run.sh dev)"
	exit 4
}
dir=$(mktemp -d)
pid=
trap '[ ! "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}
stores() { # in thousands
	od -An -t u8 -N 8 "$dir/count" | tr -d ' '
}
figures() {
	timeout 20 "$decouple" status --json --verbose "$pid" | jq -c '.threads[0] | {exits, kvm: .kvm | {exits, irq_exits, mmio_exits, io_exits}}'
}
figure() { # NAME FIGURES
	jq ".$1" <<<"$2"
}

: >"$dir/count"
"$program" "$dir/count" &
pid=$!
for ((try = 0; try < 100; try++)); do
	[ "$(stores)" ] && [ "$(stores)" -gt 10 ] && break
	sleep 0.1
done
timeout 20 "$decouple" --reflector "${REFLECTOR:-signal}" --cores 1 "$pid" || fail "attach: status $?"
sleep 0.5
first=$(figures)
from=$(stores)
for ((try = 0; try < 200; try++)); do
	[ $(($(stores) - from)) -ge 1000 ] && break
	sleep 0.1
done
to=$(stores)
second=$(figures)
kill -0 "$pid" || fail "the device did not get what was stored"
echo "$((to - from)) thousand stores; before: $first; behind: $second"
[ $((to - from)) -ge 1000 ] || fail "too few"
[ "$(figure kvm.mmio_exits "$second")" = "$(figure kvm.mmio_exits "$first")" ] || fail "exits for stores"
[ "$(figure kvm.io_exits "$second")" = "$(figure kvm.io_exits "$first")" ] || fail "exits for ports"
[ "$(figure exits "$second")" = "$(figure exits "$first")" ] || fail "KVM_RUN returned"
# Two that a sample may cut in two.
others=$(($(figure kvm.exits "$second") - $(figure kvm.exits "$first") - $(figure kvm.irq_exits "$second") + $(figure kvm.irq_exits "$first")))
[ ${others#-} -le 2 ] || fail "$others exits that were for no interrupt"
timeout 20 "$decouple" recouple "$pid" || fail "recouple: status $?"
from=$(stores)
sleep 0.5
[ "$(stores)" -gt "$from" ] || fail "no stores behind recouple"
kill -0 "$pid" || fail "wrong behind recouple"
