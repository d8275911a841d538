#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# /sys/kernel/decouple/hush: off by default; takes what makes sense and nothing else; while a decoupled thread computes on a hushed core, the
# core is interrupted about once in the interval; full service is back with recouple, kill, setting it off, and the core's going offline.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/executed.sh
. "$here/../lib/executed.sh"
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kmod
hush=/sys/kernel/decouple/hush
counts=/sys/kernel/decouple/hush_counts
core=1 other=0
seconds=3
[ -z "${SOAK:-}" ] || seconds=600
dir=$(mktemp -d)
pid=
trap '[ ! "$pid" ] || kill -KILL "$pid" 2>/dev/null; [ ! -e $hush ] || echo $core:0 >$hush; echo 1 >/sys/devices/system/cpu/cpu$core/online; rm -rf "$dir"' EXIT
[ -e $hush ] || {
	echo "no $hush: the module is not loaded"
	exit 4
}
[ -d /sys/devices/system/cpu/cpu$core ] || {
	echo "one core: there is none to hush"
	exit 4
}

fail() {
	echo "$*"
	dmesg | grep 'decouple: core' | tail -n 3
	exit 1
}
# By kind, all interrupts of the core, and their sum.
interrupts() {
	awk -v core="CPU$core" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == core) at = i + 1; next } { print $1, $at + 0; n += $at } END { print "sum", n }' \
		/proc/interrupts
}
start() {
	"$build/spin" </dev/null >/dev/null 2>&1 &
	pid=$!
	executed $pid
	timeout 30 "$decouple" --reflector module --cores $core $pid >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
}
# An overloaded machine may find nobody who keeps the time in time.
set_hush() {
	local try
	for ((try = 0; try < 10; try++)); do
		echo "$1" 2>/dev/null >$hush && return
		sleep 0.5
	done
	fail "$1 is refused"
}
# Hundredths of a second of the machine's own clock.
uptime() {
	local t
	read -r t _ </proc/uptime
	echo $((10#${t/./}))
}
# window SECONDS: sets rate, interrupts in 100 seconds, and what, which they were.
window() {
	local t
	interrupts >"$dir/before"
	t=$(uptime)
	sleep "$1"
	interrupts >"$dir/behind"
	t=$(($(uptime) - t))
	what=$(awk 'NR == FNR { n[$1] = $2; next } $2 > n[$1] { printf "%s%d ", $1, $2 - n[$1] }' "$dir/before" "$dir/behind")
	rate=$((${what##*sum} * 10000 / t))
}
loud() {
	window 1
	[ $rate -gt 1500 ] || fail "$1: $rate interrupts in 100 s"
}
# One window of some: work of the kernel's comes to this core, which nobody has reserved, and each time some ticks.
quiet() {
	local try
	sleep 1
	for ((try = 0; try < 8; try++)); do
		window $seconds
		[ $rate -gt 150 ] || break
	done
	[ $rate -le 150 ] || fail "$1: $rate interrupts in 100 s: $what; counts $(cat $counts)"
	echo "$1: $rate interrupts in 100 s: $what"
}

[ -z "$(cat $hush)" ] || fail "hushed by default: $(cat $hush)"
for text in '' : 1 1: :1000 1:9 1:4001 1:-5 -1:1000 '1:1000 ' ' 1:1000' 1:0x64 1:1000:1 99999:1000 1,0:1000 4294967297:1000 1:4294968296 $'1:1000\n\n' one:two; do
	printf '%s' "$text" 2>/dev/null >$hush && [ "$text" ] && fail "\`$text\` is taken"
done
[ -z "$(cat $hush)" ] || fail "what is refused leaves: $(cat $hush)"
setpriv --bounding-set -all --inh-caps -all bash -c "echo $core:1000 >$hush" 2>/dev/null && fail "taken from who has no capability"

set_hush $core:1000
[ "$(cat $hush)" = $core:1000 ] || fail "reads $(cat $hush)"
set_hush $core:2000
[ "$(cat $hush)" = $core:2000 ] || fail "set anew, reads $(cat $hush)"
echo $other:1000 2>/dev/null >$hush && [ "$(nproc)" = 2 ] && fail "no core is left that keeps the time, and it is taken"
echo $other:0 >$hush
echo $core:0 >$hush

start
loud "not hushed"
set_hush $core:1000
quiet "hushed"
read -r _ _ services ticks ms <$counts
((services > 2 && ticks > 500 && ms > 2000)) || fail "counts: $(cat $counts)"
rmmod decouple 2>/dev/null && fail "unloaded under a decoupled thread"
timeout 30 "$decouple" recouple $pid >/dev/null 2>&1 || fail "can't be given back"
loud "recoupled"
[ "$(cat $hush)" = $core:1000 ] || fail "given back, reads $(cat $hush)"
timeout 30 "$decouple" --reflector module --cores $core $pid >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
seconds=3
quiet "decoupled again"
echo $core:0 >$hush
loud "set off"
set_hush $core:1000
kill -KILL $pid
wait $pid 2>/dev/null
start # on the same core, at once
quiet "behind a kill"

echo 0 >/sys/devices/system/cpu/cpu$core/online || fail "the core doesn't go"
for ((try = 0; try < 200; try++)); do
	[ "$(cat $hush)" ] || break
	sleep 0.05
done
[ -z "$(cat $hush)" ] || fail "offline, reads $(cat $hush)"
echo $core:1000 2>/dev/null >$hush && fail "taken for a core that is offline"
echo 1 >/sys/devices/system/cpu/cpu$core/online || fail "the core doesn't come back"
kill -KILL $pid
wait $pid 2>/dev/null
start
set_hush $core:1000
quiet "online, and set again"
exit 0
