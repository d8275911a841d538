# shellcheck shell=bash disable=SC2034,SC2154 # variables of the tests
# SPDX-License-Identifier: GPL-2.0-only
# Sourced behind target.sh by tests of placement: cgroup hierarchies of their own, a core that is reserved by hand, and where a vCPU thread is.
# What is mounted goes at the end.
cg=$dir/cgroup
held=

# Without the other cores: the first cpuset made, and the last one removed, patch the kernel (see selftests/vm/lib/init).
alone() {
	local cpu status
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do echo 0 >"$cpu"; done
	"$@"
	status=$?
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do echo 1 >"$cpu"; done
	return $status
}

# The hierarchy with cpusets at $cg: v2 or v1
mount_cpusets() {
	local type=(-t cgroup2)
	[ "$1" = v2 ] || type=(-t cgroup -o cpuset)
	[ "${DECOUPLE_RIG:-}" ] || {
		echo "cpusets are made in the VM only: they would be those of this machine"
		exit 4
	}
	mkdir "$cg"
	alone mount "${type[@]}" none "$cg" 2>"$dir/message" || {
		echo "no cgroup $1 with cpusets on this kernel: $(head -n 1 "$dir/message")"
		exit 4
	}
	[ "$1" = v1 ] || echo +cpuset >"$cg/cgroup.subtree_control"
	alone mkdir "$cg/held"
	held=yes
}

# group NAME [CORES]: a cgroup; v1 needs cores
group() {
	mkdir "$cg/$1"
	if [ -e "$cg/tasks" ]; then
		echo 0 >"$cg/$1/cpuset.mems"
	else
		case $1 in */*) echo +cpuset >"$cg/${1%/*}/cgroup.subtree_control" ;; esac
	fi
	[ -z "${2:-}" ] || echo "$2" >"$cg/$1/cpuset.cpus"
}

# The cpuset that `decouple cores reserve` makes.
reserve() {
	group decouple "$1"
	if [ -e "$cg/tasks" ]; then
		echo 1 >"$cg/decouple/cpuset.cpu_exclusive"
		echo 0 >"$cg/decouple/cpuset.sched_load_balance"
	else
		echo isolated >"$cg/decouple/cpuset.cpus.partition"
		[ "$(cat "$cg/decouple/cpuset.cpus.partition")" = isolated ] || bad "no partition: $(cat "$cg/decouple/cpuset.cpus.partition")"
	fi
}

ungroup() {
	local try
	for ((try = 0; try < 100; try++)); do
		rmdir "$cg/$1" 2>"$dir/message" && return
		pause 0.05
	done
	bad "$1 can't be removed: $(cat "$dir/message"): $(cat "$cg/$1/cgroup.procs" "$cg/$1/tasks" 2>&1)"
}

unmount_cpusets() {
	local group
	[ "$held" ] || return
	find "$cg" -mindepth 1 -depth -type d ! -name held -exec rmdir {} + 2>/dev/null
	alone rmdir "$cg/held"
	umount "$cg" || echo "$cg stays mounted: $(find "$cg" -mindepth 1 -type d)"
	held=
}

cleanup_cpusets() {
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	unmount_cpusets
	cleanup
}
trap cleanup_cpusets EXIT

# Sets $state, $vcpu, $core, $service and $reason to what `decouple status` says of the first thread of $pid; $state is "none" if there is none.
look() {
	local try
	for try in 1 2 3; do # a busy machine may give no answer in time
		IFS=, read -r state vcpu core service reason < <(timeout 20 "$decouple" status -v --json "$pid" 2>/dev/null |
			jq -r '.threads[0] // {state: "none"} | "\(.state),\(.vcpu_tid),\(.core),\(.service_core),\(.reason)"') && return
	done
}

# Where the vCPU thread ran last, and where it may run: sets $ran and $may
look_at_vcpu() {
	local word line
	ran='' may=''
	read -r line 2>/dev/null <"/proc/$pid/task/$vcpu/stat" || return
	read -ra line <<<"${line##*)}"
	ran=${line[36]}
	while read -r word line; do
		[ "$word" != Cpus_allowed_list: ] || may=$line
	done 2>/dev/null <"/proc/$pid/task/$vcpu/status"
}

cgroup_of() { # PID [TID]: in the hierarchy with cpusets
	sed -n 's/^[0-9]*:cpuset:\|^0:://p' "/proc/$1/task/${2:-$1}/cgroup" | head -n 1
}

# attach CORE ARGUMENT...: $pid is decoupled, and its vCPU thread runs on CORE; sets $vcpu, and $dir/message
attach() {
	local where=$1
	shift
	timeout 20 "$decouple" "$@" "$pid" >"$dir/message" 2>&1 || {
		bad "$*: $(cat "$dir/message")"
		return 1
	}
	look
	[ "$state" = decoupled ] || bad "$*: state $state"
	on_core "$where" || bad "$*: the vCPU thread is on core $ran, not $where"
	counts || bad "decoupled, it stands still"
	on_core "$where" || bad "$*: later the vCPU thread is on core $ran, not $where"
}

# Does the vCPU thread run there, and may it nowhere else? Within some time.
on_core() {
	local try
	for ((try = 0; try < 60; try++)); do
		look_at_vcpu
		[ "$ran,$may" = "$1,$1" ] && return 0
		pause 0.05
	done
	return 1
}

# Of all tasks of $pid only the vCPU thread may run where it does: also KVM's own thread, which Linux 6.12 starts in the process.
workers_elsewhere() {
	local task word line list
	for task in /proc/"$pid"/task/*; do
		[ "${task##*/}" != "$vcpu" ] || continue
		list=
		while read -r word line; do
			[ "$word" != Cpus_allowed_list: ] || list=$line
		done <"$task/status"
		[ "$list" != "$may" ] || bad "task $(cat "$task/comm") is bound to core $may, too"
	done
}

# Nothing of ours is left, and the process goes on.
recouple() {
	timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
	[ ! -e "/proc/$pid/task/$vcpu" ] || bad "the vCPU thread is there still"
	counts || bad "given back, it stands still"
}
