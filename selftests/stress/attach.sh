#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# 200 attaches and recouples of a busy multi-threaded process: its result is right and nothing is left behind.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

cycles=$(scaled 200)
# The kernel's caches grow for other reasons too; a leaked VM or vCPU would be megabytes each time.
most_kib_per_cycle=64

quieten() {
	local before i
	before=$(grep -c quiet "$tmp/busy")
	kill -USR1 "$pid"
	for ((i = 0; i < 500; i++)); do
		[ "$(grep -c quiet "$tmp/busy")" -gt "$before" ] && return
		sleep 0.01
	done
	show "$pid"
	fail "the process does not come to rest"
}

# Everything of the process that must be as it was.
picture() {
	local task fd
	for fd in /proc/"$pid"/fd/*; do
		echo "fd ${fd##*/} $(readlink "$fd")"
	done
	for task in /proc/"$pid"/task/*; do
		echo "task ${task##*/}"
		grep -E '^(SigBlk|SigIgn|SigCgt|Cpus_allowed|Seccomp|NoNewPrivs|CoreDumping|TracerPid):' "$task/status"
	done
	cut -d' ' -f1-5 "/proc/$pid/maps" | sed 's/ *$//'
}

# What the kernel holds and cannot give back on demand, in KiB.
kernel_kib() {
	awk '/^(SUnreclaim|KernelStack|PageTables|SecPageTables|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# glibc keeps a number of unused thread stacks that depends on chance.
export GLIBC_TUNABLES=glibc.pthread.stack_cache_size=0
start busy "$programs/stress_threads" -t 4
pid=$started
for ((i = 0; i < 5; i++)); do
	attach "$pid" --all
	recouple "$pid"
done
quieten
picture >"$tmp/before"
kernel_before=$(kernel_kib)
begin=$SECONDS
for ((i = 0; i < cycles; i++)); do
	kill -USR2 "$pid"
	if [ $((i % 2)) = 0 ]; then
		attach "$pid" --all
	else
		attach "$pid"
	fi
	[ $((i % 10)) = 0 ] && sleep 0.02
	recouple "$pid"
done
echo "$cycles cycles in $((SECONDS - begin)) s"
quieten
# A VM's last worker ends a moment after the VM.
for ((i = 0; i < 50; i++)); do
	picture >"$tmp/after"
	cmp -s "$tmp/before" "$tmp/after" && break
	sleep 0.1
done
diff "$tmp/before" "$tmp/after" >"$tmp/diff" || {
	cat "$tmp/diff"
	fail "the process is not what it was"
}
grown=$(($(kernel_kib) - kernel_before))
for ((i = 0; i < 50 && grown > cycles * most_kib_per_cycle; i++)); do
	sleep 0.1
	grown=$(($(kernel_kib) - kernel_before))
done
echo "kernel memory: $grown KiB more than before"
[ $grown -le $((cycles * most_kib_per_cycle)) ] || fail "more than $most_kib_per_cycle KiB per cycle"
for left in /sys/kernel/debug/kvm/"$pid"-*; do
	[ -e "$left" ] && fail "a VM is left: $left"
done
kill -USR2 "$pid"
finish "$pid" busy
