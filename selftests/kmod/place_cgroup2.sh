#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# Without the module the controller puts the vCPU thread, not the process, into a threaded cgroup below the process's own (cgroup v2): the
# reservation below the root, or one within a job where this kernel has such (remote partitions). What can't be is refused.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/target.sh
. "$here/../lib/target.sh"
# shellcheck source=selftests/lib/cpuset.sh
. "$here/../lib/cpuset.sh"
reflector=signal
mount_cpusets v2

case_name="below the root"
reserve 1
start plain
attach 1 --reflector signal
grep -q "reserved" "$dir/message" && bad "there is a reserved core, and yet: $(cat "$dir/message")"
[ "$(cgroup_of "$pid")" = / ] || bad "the process is in $(cgroup_of "$pid")"
[ "$(cgroup_of "$pid" "$vcpu")" = /decouple ] || bad "the vCPU thread is in $(cgroup_of "$pid" "$vcpu")"
[ "$(cat "$cg/decouple/cgroup.threads")" = "$vcpu" ] || bad "in the cpuset: $(cat "$cg/decouple/cgroup.threads")"
workers_elsewhere
recouple
[ -z "$(cat "$cg/decouple/cgroup.threads")" ] || bad "left in the cpuset: $(cat "$cg/decouple/cgroup.threads")"

# Moved out by somebody, it can't get back: noticed at its next exit, for which a stop is good.
case_name="moved away"
attach 1 --reflector signal --cores 1
group other 0
echo threaded >"$cg/other/cgroup.type"
echo "$vcpu" >"$cg/other/cgroup.threads"
kill -STOP "$pid"
pause 0.1
kill -CONT "$pid"
for ((try = 0; try < 50; try++)); do
	look
	case $state in '' | decoupled) ;; *) break ;; esac # empty: no answer in time
	pause 0.05
done
case $state,$reason in
none,* | "recoupled,its dedicated core was taken away") ;;
*) bad "$state: $reason" ;;
esac
counts || bad "given back, it stands still"
finish
ungroup other

case_name=run
: >"$dir/count"
timeout 60 "$decouple" run --reflector signal -- "$build/target" plain "$dir/count" >"$dir/out" 2>"$dir/message" </dev/null &
runner=$!
started+=("$runner")
for ((try = 0; try < 200; try++)); do
	pid=$(timeout 10 "$decouple" status --json | jq '.threads[0].pid // empty')
	[ "$pid" ] && [ "$(count)" ] && break
	pause 0.05
done
look
on_core 1 || bad "the vCPU thread is on core $ran"
kill -TERM "$pid"
wait "$runner" || bad "status $?"
[ "$(cat "$dir/out")" = right ] || bad "its result: $(cat "$dir/out")"
! grep -q reserved "$dir/message" || bad "$(cat "$dir/message")"

case_name="follow"
start plain
fingerprint "$pid" >"$dir/before"
refused 1 "no free core" --reflector signal --follow "$pid"
refused 1 "without the module.* --follow can't bring new threads to the reserved cores 1" --reflector signal --follow --cores 1 "$pid"
fingerprint "$pid" >"$dir/after"
diff -u "$dir/before" "$dir/after" >"$dir/diff" || bad "the target was changed: $(cat "$dir/diff")"
finish

case_name="in a job"
group job 0
group job/step 0
start plain
echo "$pid" >"$cg/job/step/cgroup.procs"
refused_untouched 1 "no free core"
refused 1 "without the module.* can't get to the reserved cores 1: it is in the cgroup /job/step" --reflector signal --cores 1 "$pid"
[ "$(cgroup_of "$pid")" = /job/step ] || bad "the process is in $(cgroup_of "$pid")"

ungroup decouple
if [ -e "$cg/job/cpuset.cpus.exclusive" ]; then
	case_name="within a job"
	group job/step/decouple
	echo threaded >"$cg/job/step/decouple/cgroup.type"
	for group in job job/step job/step/decouple; do echo 1 >"$cg/$group/cpuset.cpus.exclusive"; done
	echo isolated >"$cg/job/step/decouple/cpuset.cpus.partition"
	[ "$(cat "$cg/job/step/decouple/cpuset.cpus.partition")" = isolated ] || bad "no partition within the job"
	attach 1 --reflector signal
	[ "$(cgroup_of "$pid")" = /job/step ] || bad "the process is in $(cgroup_of "$pid")"
	[ "$(cgroup_of "$pid" "$vcpu")" = /job/step/decouple ] || bad "the vCPU thread is in $(cgroup_of "$pid" "$vcpu")"
	recouple
	kill -TERM "$pid"
	wait "$pid"
	ungroup job/step/decouple
else
	finish
fi
ungroup job/step
ungroup job
exit $failed
