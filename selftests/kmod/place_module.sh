#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# A process in a job's cgroup, whose cpuset doesn't have the reserved core: the module brings the vCPU thread there, and back if it is moved away.
# Process and vCPU thread stay in the job's cgroup.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/target.sh
. "$here/../lib/target.sh"
# shellcheck source=selftests/lib/cpuset.sh
. "$here/../lib/cpuset.sh"
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}

returns() {
	local n
	read -r n <"/sys/kernel/decouple/$pid/returns"
	echo "$n"
}

# moved WHAT COMMAND...: whatever that does to the vCPU thread, it is where it was
moved() {
	local what=$1
	shift
	"$@" >/dev/null 2>"$dir/message" || bad "$what: $(cat "$dir/message")"
	on_core 1 || bad "$what: the vCPU thread is on core $ran, and may be on $may"
	counts || bad "$what: it stands still"
}

in_job() { # VERSION
	case_name="cgroup $1"
	mount_cpusets "$1"
	group job 0
	group job/step 0
	group other 0
	reserve 1
	start plain
	echo "$pid" >"$cg/job/step/cgroup.procs"
	before=$(cat "/proc/$pid/cgroup")
	attach 1 --reflector module
	grep -q "reserved" "$dir/message" && bad "there is a reserved core, and yet: $(cat "$dir/message")"
	[ "$(cat "/proc/$pid/cgroup")" = "$before" ] || bad "the process is in another cgroup: $(cat "/proc/$pid/cgroup")"
	[ "$(cgroup_of "$pid" "$vcpu")" = /job/step ] || bad "the vCPU thread is in $(cgroup_of "$pid" "$vcpu")"
	workers_elsewhere
	moved taskset taskset -cp 0 "$vcpu"
	for ((try = 0; try < 50; try++)); do # it is counted behind the return itself
		[ "$(returns)" != 0 ] && break
		sleep 0.05
	done
	[ "$(returns)" = 1 ] || bad "brought back $(returns) times"
	# The job manager moves the job: Linux may reset the affinity of all its threads.
	moved "another cgroup" sh -c "echo $pid >$cg/other/cgroup.procs"
	moved "and back" sh -c "echo $pid >$cg/job/step/cgroup.procs"
	recouple
	[ "$(cat "/proc/$pid/cgroup")" = "$before" ] || bad "given back, the process is in another cgroup: $(cat "/proc/$pid/cgroup")"
	attach 1 --reflector module --cores 1
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	ungroup decouple
	ungroup other
	ungroup job/step
	ungroup job
	unmount_cpusets
}

in_job v2
[ $failed = 0 ] || exit 1
echo "the module brings vCPU threads to a reserved core and keeps them there"
