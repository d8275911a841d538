#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The same where cpusets are those of cgroup v1: cores without load balancing, tasks moved one by one.
# shellcheck source=selftests/cores/lib/cores.sh
. "$(dirname "$0")/lib/cores.sh"

absent=
hold_v1() {
	if mountpoint -q $cgroup; then
		rmdir $cgroup/hold
		echo -cpuset >$cgroup/cgroup.subtree_control
		umount $cgroup || return 1
	fi
	if mount -t cgroup -o cpuset none $cgroup; then
		mkdir $cgroup/hold
	else
		absent=yes
		hold_v2
	fi
}
# Others' tests in this VM find cgroup v2 again.
back() {
	leave
	hold_cpusets umount_v1
}
umount_v1() {
	rmdir $cgroup/hold && umount $cgroup
}
hold_cpusets hold_v1
case $absent:$DECOUPLE_RIG in
yes:6.1.*) fail "cgroup v1 can't be mounted, and this kernel has it" ;;
yes:*)
	echo "this kernel has no cpusets of cgroup v1"
	exit 4
	;;
esac
trap back EXIT

affinity() { # PID
	awk '$1 == "Cpus_allowed_list:" { print $2 }' "/proc/$1/status"
}
expect() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: $3 instead of $2"
}

start sleep 1000
free=$pid
start taskset -c 3 sleep 1000
bound=$pid
sleep 0.3
before
cores reserve 3
cat "$work/out"
expect "cpuset of the reserved core" 3 "$(cat $cgroup/decouple/cpuset.cpus)"
expect "its load balancing" 0 "$(cat $cgroup/decouple/cpuset.sched_load_balance)"
expect "load balancing of the root" 0 "$(cat $cgroup/cpuset.sched_load_balance)"
expect "cpuset of the others" 0-2 "$(cat $cgroup/decouple-service/cpuset.cpus)"
expect "a task" 0-2 "$(affinity "$free")"
expect "a task bound to core 3" 0-2 "$(affinity "$bound")"
# But for kernel threads that nobody may bind (PF_NO_SETAFFINITY): rescuers of workqueues.
left=$(tasks_on 3 | while read -r task; do
	is_fixed "${task%% *}" || echo "$task"
done)
[ -z "$left" ] || fail "still on core 3: $left"
start sleep 1000
meanwhile=$pid
cores reserve 2
expect "cpuset of the reserved cores" 2-3 "$(cat $cgroup/decouple/cpuset.cpus)"
expect "a task begun meanwhile" 0-1 "$(affinity "$meanwhile")"
start sleep 1000
placed=$pid
echo "$placed" >$cgroup/decouple/tasks
taskset -cp 3 "$placed" >/dev/null
"$decouple" cores release all >"$work/out" 2>&1 && fail "released under a thread"
cores release 2
expect "a thread placed on core 3" 3 "$(affinity "$placed")"
kill "$placed"
wait "$placed" 2>/dev/null
cores release 3
expect "the task begun meanwhile" 0-3 "$(affinity "$meanwhile")"
as_before "in the end"
