# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of `decouple cores` share. They run in the VM, where nothing is mounted that others would need.
set -u
# shellcheck source=selftests/lib/executed.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/executed.sh"
decouple=${DECOUPLE:-build/decouple}
cgroup=/sys/fs/cgroup
[ "${DECOUPLE_RIG:-}" ] || {
	echo "not in the VM: these tests take cores from the machine (selftests/run.sh cores)"
	exit 4
}
[ -e /sys/devices/system/cpu/cpu3/online ] || {
	echo "the VM has fewer than four processors (SMP=4)"
	exit 4
}
work=$(mktemp -d)
children=()

leave() {
	local pid
	{
		for pid in "${children[@]}"; do
			kill -KILL "$pid"
		done
		wait
	} 2>/dev/null
	"$decouple" cores release all >/dev/null 2>&1
	rm -rf "$work"
}
trap leave EXIT

fail() {
	echo "$*"
	exit 1
}

# QEMU's emulation doesn't stand that Linux patches its own text while several processors run, as the first cpuset and the last
# make it do. So one that is nobody's business is made with one processor, and stays.
hold_cpusets() { # COMMAND...: mounts and makes it
	local core
	for core in 3 2 1; do
		echo 0 >/sys/devices/system/cpu/cpu$core/online || fail "processor $core doesn't stop"
	done
	"$@" || fail "$*: failed"
	for core in 1 2 3; do
		echo 1 >/sys/devices/system/cpu/cpu$core/online || fail "processor $core doesn't start"
	done
}

hold_v2() {
	mountpoint -q $cgroup || mount -t cgroup2 none $cgroup || return 1
	echo +cpuset >$cgroup/cgroup.subtree_control || return 1
	[ -d $cgroup/hold ] || mkdir $cgroup/hold
}

use_v2() {
	[ -d $cgroup/hold ] || hold_cpusets hold_v2
}

# Everything that a reservation may change, but for tasks: a line each. Few processes: they are slow here.
settings() {
	local queues=/sys/devices/virtual/workqueue
	grep -sH '' /proc/irq/default_smp_affinity /proc/irq/*/smp_affinity /proc/sys/kernel/watchdog_cpumask \
		/proc/sys/kernel/timer_migration /proc/sys/vm/stat_interval /sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us \
		$queues/cpumask* $queues/*/cpumask $cgroup/cpuset.* $cgroup/*/cpuset.* $cgroup/cgroup.subtree_control \
		$cgroup/*/cgroup.subtree_control
	printf '%s\n' $cgroup/*/ /var/lib/decouple/*
}

# Number, name and affinity of tasks. Workers of workqueues come and go.
affinities() {
	grep -sh '^\(Name\|Tgid\|Cpus_allowed_list\):' /proc/[0-9]*/status | awk '
		$1 == "Name:" { name = $2 }
		$1 == "Tgid:" { number = $2 }
		$1 == "Cpus_allowed_list:" && name !~ /^kworker/ { print number, name, $2 }'
}

# Has the kernel alone the say in its affinity (PF_NO_SETAFFINITY)? Rescuers of workqueues go where they are needed.
is_fixed() { # NUMBER
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# shellcheck disable=SC2086
	set -- ${stat##*)}
	[ $(($7 & 0x04000000)) != 0 ]
}

before() {
	settings >"$work/settings"
	affinities >"$work/affinities"
}

# Is everything as it was? Of tasks those count that were there before and still are.
as_before() { # WHEN
	settings >"$work/settings.now"
	diff "$work/settings" "$work/settings.now" >"$work/diff" || fail "$1: settings differ: $(cat "$work/diff")"
	affinities >"$work/affinities.now"
	awk 'NR == FNR { was[$1 " " $2] = $3 } NR != FNR && $1 " " $2 in was && was[$1 " " $2] != $3 { print $1, $2, was[$1 " " $2], $3 }' \
		"$work/affinities" "$work/affinities.now" | while read -r task; do
		is_fixed "${task%% *}" || echo "$task"
	done >"$work/diff"
	[ ! -s "$work/diff" ] || fail "$1: affinities differ (number, name, before, now): $(cat "$work/diff")"
}

start() { # COMMAND...: in the background; sets $pid
	"$@" </dev/null >/dev/null 2>&1 &
	pid=$!
	children+=("$pid")
	executed "$pid"
}

cores() { # ARGUMENTS: has to succeed; output in $work/out
	"$decouple" cores "$@" >"$work/out" 2>"$work/err" || fail "decouple cores $*: exit status $?: $(cat "$work/out" "$work/err")"
}

# Tasks that may run on a core, but for kernel threads that belong to it: number, name, cores.
tasks_on() { # CORE
	affinities | awk -v core="$1" '{
		for (i = split($3, range, ","); i; i--) {
			n = split(range[i], bound, "-")
			if (core >= bound[1] && core <= bound[n])
				print
		}
	}' | while read -r number name cores; do
		[ "$cores" = "$1" ] && [ ! -s "/proc/$number/cmdline" ] && continue
		[ -e "/proc/$number" ] && echo "$number $name $cores"
	done
}
