#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# decouple:decouple_disturbance has each record that `decouple why` shows, and nothing while nobody reads.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
plant=${TEST_BUILD:-$here/../../build/selftests}/kmod/why_plant
online=/sys/devices/system/cpu/cpu1/online
dir=$(mktemp -d)
tracing=/sys/kernel/tracing
[ -d $tracing/events ] || mount -t tracefs tracefs $tracing
trace=$tracing/instances/why
pid=''

# The kernel patches its code for it, which QEMU's TCG with several processors doesn't stand.
enable() { # 0|1
	echo 0 >$online && echo "$1" >$trace/events/decouple/decouple_disturbance/enable && echo 1 >$online
}
trap '[ ! "$pid" ] || kill -KILL "$pid"; wait 2>/dev/null; enable 0; rmdir $trace; rm -rf "$dir"' EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}

fail() {
	echo "$*"
	exit 1
}

mkdir $trace || fail "no instance of tracing"
enable 1 || fail "the tracepoint can't be enabled"
mkfifo "$dir/in"
"$plant" target "$dir/count" <>"$dir/in" >/dev/null &
pid=$!
until [ -e "$dir/count" ] || ! kill -0 $pid; do sleep 0.05; done
timeout 30 "$decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"
sleep 0.5
grep -c ' decouple_disturbance: ' $trace/trace >"$dir/before"
[ "$(cat "$dir/before")" = 0 ] || fail "$(cat "$dir/before") events while nobody reads"
timeout 30 "$decouple" why --json --duration 2 "$pid" >"$dir/why" || fail "why: status $?"
sed -n 's/.* decouple_disturbance: \(pid=.*\)/\1/p' $trace/trace >"$dir/trace"
grep -qE "^pid=$pid tid=$pid core=1 start=[0-9]+ duration=[0-9]+ cause=local_timer number=[0-9]+ name= function=[^ ]* from=-1 address=0x0 causes=[1-9]" \
	"$dir/trace" || fail "the tracepoint says: $(head -n 5 "$dir/trace")"
sed 's/.* start=\([0-9]*\) duration=\([0-9]*\) cause=\([a-z_]*\) .*/\1 \2 \3/' "$dir/trace" | sort >"$dir/traced"
jq -r '.events[] | "\(.time_ns) \(.duration_ns) \(.causes[0].kind)"' "$dir/why" | sort >"$dir/read"
[ "$(wc -l <"$dir/read")" -gt 5 ] || fail "only $(wc -l <"$dir/read") records"
missing=$(comm -13 "$dir/traced" "$dir/read")
[ -z "$missing" ] || fail "read, and not traced: $(head -n 5 <<<"$missing")"
# Before the first and behind the last one, attribution was being switched on and off.
first=$(cut -d' ' -f1 "$dir/read" | sort -n | head -n 1) last=$(cut -d' ' -f1 "$dir/read" | sort -n | tail -n 1)
unread=$(comm -23 "$dir/traced" "$dir/read" | awk -v first="$first" -v last="$last" '$1 >= first && $1 <= last' | wc -l)
[ "$unread" = "$(jq .lost "$dir/why")" ] || fail "traced, and not read: $unread; lost: $(jq .lost "$dir/why")"
sleep 0.2
[ "$(grep -c ' decouple_disturbance: ' $trace/trace)" = "$(wc -l <"$dir/trace")" ] || fail "events behind the last reader"
echo "$(wc -l <"$dir/read") records, all traced"
