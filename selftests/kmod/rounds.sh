#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The module is loaded, a busy process decoupled by it, something killed at a random moment (the process, the command, one of its threads, nothing),
# and the module unloaded: each time it goes, nothing hangs, and a survivor's result is right; at the end no thread and no kernel memory is left
# over. SOAK=1: a thousand times. ROUNDS, SEED
set -u
cd "$(dirname "$0")/../.." || exit 1
module=${DECOUPLE_MODULE:-} DECOUPLE=${DECOUPLE:-build/decouple} programs=${TEST_BUILD:-build/selftests}/kvm
rounds=${ROUNDS:-$((${SOAK:-0} == 1 ? 1000 : 6))}
RANDOM=${SEED:=$RANDOM}
tmp=$(mktemp -d) tasks_before=$(mktemp) target='' command=''
[ "$module" ] || {
	echo "DECOUPLE_MODULE doesn't name decouple.ko: run this in the VM (make selftest GROUP=kmod)"
	exit 4
}

clean_up() {
	[ -z "$command" ] || kill -KILL "$command" 2>/dev/null
	[ -z "$target" ] || kill -KILL "$target" 2>/dev/null
	[ -e /sys/module/decouple ] || insmod "$module"
	rm -rf "$tmp" "$tasks_before"
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

fail() {
	local task
	echo "seed $SEED, round $round ($victim after $delay s): $*"
	for task in /proc/"${target:-none}"/task/* /proc/"${command:-none}"; do
		[ ! -e "$task" ] || echo "  $task: $(sed -n 's/^State:\t//p' "$task/status"), $(cat "$task/wchan"), $(cat "$task/syscall")"
	done
	cat "$tmp"/*
	dmesg | tail -n 20
	exit 1
}

# PID: its exit status becomes $status.
must_end() {
	local i
	for ((i = 0; i < 1000; i++)); do
		case $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
		'' | Z | X)
			wait "$1" 2>/dev/null
			status=$?
			return
			;;
		esac
		sleep 0.01
	done
	fail "process $1 does not end"
}

# What the kernel holds and cannot give back on demand, in KiB.
kernel_kib() {
	awk '/^(SUnreclaim|KernelStack|PageTables|SecPageTables|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}
# Names of all tasks; of the kernel's own threads, which come and go, only those that are KVM's or ours.
tasks() {
	ps -eLo ppid=,pid=,comm= | awk '$1 != 2 && $2 != 2 || $3 ~ /^(dec|kvm)/ { print $3 }' | grep -vxE 'ps|awk|grep|sort|comm|rounds.sh' | sort
}
more_tasks() {
	comm -13 "$tasks_before" <(tasks)
}

# The program's own, a vCPU thread, or the resident's manager.
some_thread() {
	local tasks=(/proc/"$target"/task/*)
	basename "${tasks[RANDOM % ${#tasks[@]}]}"
}

# MS: a random time below it, into $delay.
seconds_below() {
	local ms=$((RANDOM % $1))
	printf -v delay '%d.%03d' $((ms / 1000)) $((ms % 1000))
}

decoupled=0 killed=0
for ((round = 1; round <= rounds; round++)); do
	victim=start delay=0
	[ -e /sys/module/decouple ] || insmod "$module" || fail "insmod fails"
	"$programs/stress_threads" -t 2 >"$tmp/target" 2>&1 </dev/null &
	target=$!
	until grep -qs pid= "$tmp/target"; do sleep 0.01; done
	"$DECOUPLE" "$target" --all --reflector module >"$tmp/command" 2>&1 </dev/null &
	command=$!
	case $((RANDOM % 4)) in
	0) victim=process ;;
	1) victim=controller ;;
	2) victim=thread ;;
	3) victim=nothing ;;
	esac
	seconds_below 1500
	if [ $victim = nothing ] || [ $round = 1 ] || [ $((RANDOM % 2)) = 0 ]; then
		must_end "$command"
		[ $status = 0 ] || fail "the command fails with $status"
		decoupled=$((decoupled + 1))
		seconds_below 300
		command=
	fi
	sleep "$delay"
	case $victim in
	process) kill -KILL "$target" ;;
	controller) [ -z "$command" ] || kill -KILL "$command" 2>/dev/null ;;
	thread) until kill -KILL "$(some_thread)" 2>/dev/null; do :; done ;; # one of the resident's may just have ended
	esac
	if [ "$command" ]; then
		must_end "$command"
		command=
	fi
	case $victim in
	process | thread)
		must_end "$target"
		[ $status = 137 ] || fail "status $status instead of 137"
		killed=$((killed + 1))
		;;
	*)
		if [ $((RANDOM % 2)) = 0 ]; then
			timeout 20 "$DECOUPLE" recouple "$target" >"$tmp/recouple" 2>&1
			status=$?
			# A command that was killed may have left nothing to give back.
			[ $status = 0 ] || [ $victim = controller ] || fail "recouple fails with $status"
		fi
		kill -TERM "$target"
		must_end "$target"
		{ [ $status = 0 ] && grep -q ' bad=0$' "$tmp/target"; } || fail "status $status, or a wrong result"
		;;
	esac
	target=
	for ((i = 0; ; i++)); do
		rmmod decouple 2>"$tmp/rmmod" && break
		[ $i -lt 100 ] || fail "does not unload, $(cat /sys/module/decouple/refcnt) references"
		sleep 0.02
	done
	rm -f "$tmp"/*
	if [ $round = 3 ]; then # all that is kept for the next time is there by now
		kib_before=$(kernel_kib)
		tasks >"$tasks_before"
	fi
done
# A process that was killed may still be on its way.
for ((i = 0; i < 100; i++)); do
	[ "$(more_tasks)" ] || break
	sleep 0.1
done
grown=$(($(kernel_kib) - kib_before)) more=$(more_tasks)
echo "$rounds rounds, $decoupled of them decoupled, $killed killed; seed $SEED; at the end $grown KiB more in the kernel"
# The kernel's caches grow for other reasons, too; a process's pages of the module, a task or a vCPU would be more each time.
[ $grown -le $((4096 + 4 * rounds)) ] || fail "kernel memory is lost"
[ -z "$more" ] || fail "threads are left: $more"
