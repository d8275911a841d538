#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# A planted disturbance of each kind is named by `decouple why`, and none of them where none was planted; its ticks are those that
# /proc/interrupts counts.
set -u
here=$(cd "$(dirname "$0")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
plant=${TEST_BUILD:-$here/../../build/selftests}/kmod/why_plant
core=1
dir=$(mktemp -d)
pid=''
trap 'exec 3>&-; [ ! "$pid" ] || kill -KILL "$pid"; wait 2>/dev/null; rm -rf "$dir"' EXIT
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
bad=0

fail() {
	echo "$*"
	exit 1
}

whats=() filters=()
named() { # WHAT JQ-FILTER of a record
	whats+=("$1")
	filters+=("$2")
}

# How many records match each filter, one number a line; all at once, since jq takes its time here.
counts() { # FILE
	local filter program=
	for filter in "${filters[@]}"; do program+="${program:+, }([.events[] | select($filter)] | length)"; done
	jq "$program" "$1"
}

for mode in "" --json; do
	timeout 10 "$decouple" why $mode $$ >"$dir/message" 2>&1 && fail "why of a process that isn't decoupled: $(cat "$dir/message")"
	grep -q "has decoupled no thread of process $$" "$dir/message" || fail "instead of a refusal: $(cat "$dir/message")"
done

mkfifo "$dir/drop"
"$plant" target "$dir/count" <"$dir/drop" >"$dir/page" 2>&1 &
pid=$!
exec 3>"$dir/drop"
for ((try = 0; try < 100; try++)); do
	[ ! -s "$dir/page" ] || break
	read -r -t 0.1 <>"$dir/drop"
done
page=$(($(cat "$dir/page")))
timeout 30 "$decouple" --reflector module --cores $core "$pid" >"$dir/message" 2>&1 || fail "$(cat "$dir/message")"

timeout 30 "$decouple" why --json --duration 1 "$pid" >"$dir/before" || fail "why failed with status $?"
timeout 60 "$decouple" why --json --follow "$pid" >"$dir/lines" &
why=$!
sleep 0.5
"$plant" ticks $core 2000 >"$dir/ticks" || bad=1
"$plant" hog $core 30 || bad=1
"$plant" wake $core 5 || bad=1
"$plant" timer $core 5 || bad=1
"$plant" call $core 5 || bad=1
"$plant" irq $core 5 || bad=1
for _ in 1 2 3; do
	echo 1 >/proc/sys/vm/stat_refresh
	kill -USR1 "$pid"
	sleep 0.1
	echo >&3
	sleep 0.1
done
sleep 0.3
kill -INT $why
wait $why || fail "why ended with status $?"
jq -s '{events: .[:-1]} + .[-1]' "$dir/lines" >"$dir/planted" || fail "no JSON: $(tail -n 3 "$dir/lines")"

name='any(.causes[]; .name == '
named "hog task" "$name\"planted-hog\")"
named "woken task" "$name\"planted-wake\")"
named "timer" "$name\"timerfd_tmrproc\") and any(.causes[]; .kind == \"local_timer\")"
named "device interrupt" "$name\"ttyS0\") and any(.causes[]; .kind == \"irq\" and .number == 4)"
named "work of a kthread" "$name\"refresh_vm_stats\") and (.words | test(\"switched to kworker/$core:[^ ]* \\\\(.*refresh_vm_stats\"))"
named "page fault" "any(.causes[]; .kind == \"page_fault\" and .address == $page)"
named "change of memory" "any(.causes[]; .kind == \"unmap\" and .address == $page and .own_process)"
named "signal" "any(.causes[]; .kind == \"kick\" and .own_process) and .user"
if grep -q '"functions_known":true' "$dir/lines"; then
	named "IPI call" 'any(.causes[]; .kind == "call_function" and .core == 0) and any(.causes[]; .kind == "function" and (.name | test("remote_function|perf_event")))'
	named "sender of the wake-up" "$name\"planted-wake\") and any(.causes[]; (.kind == \"reschedule\" or .kind == \"call_function\") and .core == 0)"
else
	named "IPI call" '.words | test("IPI call function, sender unknown")'
fi
mapfile -t planted < <(counts "$dir/planted")
mapfile -t before < <(counts "$dir/before")
for i in "${!whats[@]}"; do
	echo "${whats[i]}: ${planted[i]} times (before: ${before[i]})"
	[ "${planted[i]}" -gt 0 ] && [ "${before[i]}" = 0 ] && continue
	echo "not so: ${filters[i]}"
	bad=1
done

# Ticks: those of /proc/interrupts in the same two seconds, but for the time (a few ms on a busy machine, ticks are 4 ms) that it takes to
# read them. A record with more causes than it can hold hides some, and what came while the guest had asked for its exit is not in records.
read -r t1 loc1 took1 t2 loc2 took2 <"$dir/ticks"
edge=$((2 + took1 / 4000000 + took2 / 4000000))
inside=".events[] | select(.time_ns >= $t1 and .time_ns < $t2)"
read -r seen hidden lost asked events totals < <(jq -r "[([$inside | .causes[] | select(.kind == \"local_timer\")] | length),
	([$inside | .more] | add // 0), .lost, .self_initiated, (.events | length), ([.totals[].count] | add)] | @tsv" "$dir/planted")
echo "local timer interrupts: $seen attributed (and up to $hidden hidden), $((loc2 - loc1)) counted, edges of $edge, $asked exits asked for"
[ $((loc2 - loc1)) -gt 50 ] && [ "$seen" -le $((loc2 - loc1 + edge)) ] && [ $((seen + hidden)) -ge $((loc2 - loc1 - edge)) ] || bad=1
echo "$events records, $lost lost, $totals in the totals"
[ "$totals" = "$events" ] || bad=1
# In the second in which nothing was planted. While memory changes, KVM may have the guest fault faster than anybody reads.
[ "$(jq .lost "$dir/before")" = 0 ] || {
	echo "records were lost before: $(jq .lost "$dir/before")"
	bad=1
}

# A vCPU thread that is moved away is brought back by the module: seen is who moves it, or, if it has entered the guest there, the other core.
vcpu=$(timeout 20 "$decouple" status --json -v "$pid" | jq '.threads[0].vcpu_tid')
timeout 60 "$decouple" why --json --follow "$pid" >"$dir/lines" &
why=$!
sleep 0.5
taskset -cp 0 "$vcpu" >"$dir/message" || fail "the vCPU thread can't be moved: $(cat "$dir/message")"
sleep 1
kill -INT $why
wait $why || fail "why ended with status $?"
moved=$(jq -s '[.[:-1][] | select(any(.causes[]; (.kind == "moved" and .core == 0) or
	(.kind == "switch" and (.name | startswith("migration/")))))] | length' "$dir/lines")
echo "moved: seen $moved times"
[ "$moved" -gt 0 ] || {
	jq -r '.words // empty' "$dir/lines" | sort | uniq -c | sort -rn | head -n 20
	bad=1
}
[ $bad = 0 ] || jq -r '.events[].words' "$dir/planted" | sort | uniq -c | sort -rn | head -n 40
exit $bad
