#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# cgroup v1: a process in a job's cpuset, which doesn't have the reserved core. Without the module its vCPU thread alone is put into the cpuset
# `decouple`; with it, it stays in the job's.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/target.sh
. "$here/../lib/target.sh"
# shellcheck source=selftests/lib/cpuset.sh
. "$here/../lib/cpuset.sh"
mount_cpusets v1
group job 0
group job/step 0
reserve 1

start plain
echo "$pid" >"$cg/job/step/cgroup.procs"
for case_name in signal module; do
	expected=/decouple
	[ $case_name = signal ] || expected=/job/step
	attach 1 --reflector $case_name
	grep -q "reserved" "$dir/message" && bad "there is a reserved core, and yet: $(cat "$dir/message")"
	[ "$(cgroup_of "$pid")" = /job/step ] || bad "the process is in $(cgroup_of "$pid")"
	[ "$(cgroup_of "$pid" "$vcpu")" = $expected ] || bad "the vCPU thread is in $(cgroup_of "$pid" "$vcpu")"
	recouple
	[ -z "$(cat "$cg/decouple/tasks")" ] || bad "left in the cpuset: $(cat "$cg/decouple/tasks")"
done
finish

case_name="nobody"
chmod 666 /dev/kvm
as=(setpriv --reuid 54321 --regid 54321 --clear-groups)
cp "$decouple" "$dir/decouple"
decouple=$dir/decouple
start plain "${as[@]}"
echo "$pid" >"$cg/job/step/cgroup.procs"
refused 1 "can't get to the reserved cores 1: only who may write to $cg/decouple/tasks" --reflector signal --cores 1 "$pid"
chmod 600 /dev/kvm
finish
ungroup decouple
ungroup job/step
ungroup job
exit $failed
