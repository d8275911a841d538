#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# A reserved core has no tasks but its own kernel threads, no interrupts and no unbound work; release puts every byte back, in whatever order.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"
use_v2

json() { # EXPRESSION: of what the last command printed
	jq -r "$@" "$work/out"
}

echo f >/proc/irq/24/smp_affinity || fail "interrupt 24 can't be moved"
start taskset -c 1 sleep 1000
one=$pid
start taskset -c 3 sleep 1000
three=$pid
start taskset -c 1,3 sleep 1000
both=$pid
start sleep 1000
sleep 0.5
bound=("$one" "$three" "$both")

affinity() { # PID
	awk '$1 == "Cpus_allowed_list:" { print $2 }' "/proc/$1/status"
}
expect() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: $3 instead of $2"
}
off_core() { # CORE
	local left
	left=$(tasks_on "$1")
	[ -z "$left" ] || fail "still on core $1: $left"
}

before
cores reserve --json 3
expect "JSON: reserved" 3 "$(json .reserved)"
expect "JSON: service cores" 0-2 "$(json .service)"
json -e '.elapsed_us > 0 and .bound_threads > 0 and .moved_interrupts > 0' >/dev/null || fail "JSON: $(cat "$work/out")"
echo "reserve: $(json .elapsed_us) us, $(json .moved_interrupts) interrupts and $(json .moved_tasks) bound tasks moved, $(json .bound_threads) kernel threads stay"
json -e '[.kept[] | select(test("^interrupt |kernel threads that serve all cores") | not)] == []' >/dev/null || fail "kept: $(json '.kept[]')"
expect "the partition" isolated "$(cat $cgroup/decouple/cpuset.cpus.partition)"
expect "interrupt 24" 7 "$(cat /proc/irq/24/smp_affinity)"
expect "interrupts to come" 7 "$(cat /proc/irq/default_smp_affinity)"
expect "unbound workqueues" 7 "$(cat /sys/devices/virtual/workqueue/cpumask)"
expect "lockup detectors" 0-2 "$(cat /proc/sys/kernel/watchdog_cpumask)"
expect "the latency limit" 2 "$(cat /sys/devices/system/cpu/cpu3/power/pm_qos_resume_latency_us)"
expect "a task bound to core 1" 1 "$(affinity "$one")"
expect "a task bound to core 3" 0-2 "$(affinity "$three")"
expect "a task bound to cores 1 and 3" 1 "$(affinity "$both")"
off_core 3
cores list --json
expect "list: core 3" reserved "$(json '.cores[3].state')"
expect "list: core 2" service "$(json '.cores[2].state')"
expect "list: interrupts in use on core 3" 0 "$(json '.cores[3].interrupts | length')"
cores
grep -q '^ *3 reserved' "$work/out" || fail "list: $(cat "$work/out")"

# Nobody can switch the controller off under our partition.
echo -cpuset >$cgroup/cgroup.subtree_control 2>/dev/null && fail "the controller went"

cores release --json 3
expect "JSON: released" 3 "$(json .released)"
echo "release: $(json .elapsed_us) us"
expect "JSON: kept" 0 "$(json '.kept | length')"
as_before "behind reserve 3, release 3"

# A thread that is placed on a reserved core stays there while others come and go.
cores reserve 2-3
off_core 3
off_core 2
start sleep 1000
placed=$pid
echo "$placed" >$cgroup/decouple/cgroup.procs
taskset -cp 3 "$placed" >/dev/null
cores release 2
expect "a thread placed on core 3, behind the release of core 2" 3 "$(affinity "$placed")"
expect "a task bound to cores 1 and 3" 1 "$(affinity "$both")"
cores reserve -v 2
grep -q 'interrupt 24 (.*): 7 -> 3 ' "$work/out" || fail "-v doesn't show the interrupt's step: $(cat "$work/out")"
expect "the same, behind its reservation" 3 "$(affinity "$placed")"
"$decouple" cores release all >"$work/out" 2>&1 && fail "released under a thread"
grep -q "task $placed is still in" "$work/out" || fail "no word of the thread: $(cat "$work/out")"
kill "$placed"
wait "$placed" 2>/dev/null
cores release 3
expect "a task bound to core 3" 3 "$(affinity "$three")"
cores release all
as_before "behind reserve 2-3, release 2, reserve 2, release 3, release all"
[ ! -e /var/lib/decouple/cores.journal ] || fail "the journal stays behind"

# What others change meanwhile is theirs.
cores reserve 3
echo 2 >/proc/irq/24/smp_affinity
cores release 3
expect "an interrupt that somebody moved meanwhile" 2 "$(cat /proc/irq/24/smp_affinity)"
grep -q '^note: interrupt 24 .* by somebody else' "$work/out" || fail "no word of it: $(cat "$work/out")"
echo f >/proc/irq/24/smp_affinity
as_before "in the end"
echo "${#bound[@]} bound tasks, $(wc -l <"$work/affinities") tasks and $(wc -l <"$work/settings") settings as before"
