#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# A decoupled thread that waits for an eventfd sleeps in the guest, and is woken there by who signals it: its vCPU thread does not come back
# to user space for that, nothing is lost, and the counts are right; with KVM's local APICs alone and with all of its interrupt controllers.
# Without any, the same program goes on by way of user space.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/executed.sh
. "$here/../lib/executed.sh"
decouple=${DECOUPLE:-$here/../../build/decouple}
target=${TEST_BUILD:-$here/../../build/selftests}/kmod/wake_target
# On a slow machine not all waits have begun when the event comes: in the long run, which has less time for each, half of them.
times=100 pause=20 least=80
[ -z "${SOAK:-}" ] || { times=10000 pause=4 least=5000; }
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
dir=$(mktemp -d)
pid=
trap '[ ! "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	cat "$dir"/message "$dir"/out 2>/dev/null
	exit 1
}

says() { # WORD: the program has said it
	local try
	for ((try = 0; try < 1200; try++)); do
		grep -q "^$1" "$dir/out" && return
		sleep 0.1
	done
	fail "the program doesn't come to \`$1\`"
}

figure() { # NAME: of the decoupled thread
	timeout 20 "$decouple" status -v --json "$pid" | jq ".threads[0]$1 // 0"
}

waits() { # CALL MODE
	local exits events
	rm -f "$dir/go"
	mkfifo "$dir/go"
	"$target" "$1" "$times" $pause <"$dir/go" >"$dir/out" &
	pid=$!
	exec 7>"$dir/go"
	executed $pid
	says ready
	timeout 30 "$decouple" --reflector module --apic "$2" --cores 1 "$pid" >"$dir/message" 2>&1 || fail "attach: status $?"
	exits=$(figure .exits) events=$(figure .events)
	echo >&7
	says sum
	grep -q "^sum $((3 * times))\$" "$dir/out" || fail "$1: counted wrong"
	exits=$(($(figure .exits) - exits)) events=$(($(figure .events) - events))
	echo "$1, $2: $times waits, of which $events ended in the guest; KVM_RUN returned $exits times"
	if [ "$2" = none ]; then
		[ "$events" = 0 ] || fail "without interrupts it can't"
	else
		[ "$events" -ge $least ] || fail "too few"
		[ "$exits" -le $((times / 20)) ] || fail "too often"
	fi
	timeout 30 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || fail "recouple: status $?"
	exec 7>&-
	wait $pid || fail "ended with $?"
	pid=
}

for mode in split full none; do
	waits read $mode
	waits poll $mode
done
