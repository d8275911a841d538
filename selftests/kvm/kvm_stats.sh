#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# KVM's statistics of a vCPU in `status`: they are there, count from the begin of the session, cost one file in the resident's own table, and a
# process that can't answer is shown with the last ones.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
command -v jq >/dev/null || {
	echo "jq is not installed: apt-get install jq"
	exit 4
}

# figure NAME: of the target, as `status` gives it; 0: it isn't there
figure() {
	timeout 20 "$decouple" status --json --verbose "$pid" | jq ".threads[0].kvm.$1 // 0"
}

# How many statistics files the resident has open.
files() {
	local task
	task=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq '.threads[0].vcpu_tid')
	find "/proc/$pid/task/$task/fd" -lname '*kvm-vcpu*' -printf '%l\n' | grep -c -E "stats|:.*stats"
}

attach() {
	timeout 20 "$decouple" --reflector "$reflector" --cores "$core" "$pid" >"$dir/message" 2>&1 ||
		bad "attach: status $?: $(cat "$dir/message")"
}

core=$(($(nproc) - 1))
case_name=figures
start plain
find "/proc/$pid/fd" -type l | wc -l >"$dir/files"
attach
counts
exits=$(figure exits)
[ "$exits" -gt 0 ] || bad "no exits: $(timeout 20 "$decouple" status -v "$pid")"
counts
pause 1
later=$(figure exits)
[ "$later" -gt "$exits" ] || bad "$later exits behind $exits"
[ "$later" -ge "$(timeout 20 "$decouple" status --json "$pid" | jq '.threads[0].exits')" ] || bad "KVM counts fewer exits than KVM_RUN has returns"
[ "$(timeout 20 "$decouple" status --json "$pid" | jq '.threads[0] | has("kvm")')" = false ] || bad "figures that were not asked for"
timeout 20 "$decouple" status -v "$pid" | grep -qE '^ +KVM: .*exits [0-9]+' || bad "none in words"
timeout 20 "$decouple" top --once --interval 0.5 --json | jq -e ".threads | any(.pid == $pid and .kvm_exits_per_s > 0 and .kvm.exits > 0)" \
	>/dev/null || bad "none in top"

case_name=files
[ "$(files)" = 1 ] || bad "$(files) statistics files"
[ "$(find "/proc/$pid/fd" -type l | wc -l)" = "$(cat "$dir/files")" ] || bad "the application's files are not as before"

case_name="a second session on the vCPU"
timeout 20 "$decouple" --reflector "$reflector" --tid "$pid" "$pid" >"$dir/message" 2>&1 && bad "attached twice"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
finish
start threads
tid=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$pid")
timeout 20 "$decouple" --reflector "$reflector" --cores "$core" --tid "$tid" "$pid" >"$dir/message" 2>&1 || bad "$(cat "$dir/message")"
attach # another thread, so that the VM stays
counts
pause 2
of_leader=".threads[] | select(.tid == $pid) | .kvm.exits // 0"
exits=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
timeout 20 "$decouple" recouple --tid "$pid" "$pid" >"$dir/message" 2>&1 || bad "$(cat "$dir/message")"
last=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
[ "$last" -ge "$exits" ] || bad "a thread that was given back has $last exits, and had $exits before"
attach
anew=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
if [ "$anew" -le 0 ] || [ "$anew" -ge "$last" ]; then
	bad "the next session begins with $anew exits behind $last"
fi

case_name="a process that can't answer"
counts
before=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
kill -STOP "$pid"
for state in 1 2 3 4 5 6 7 8 9; do
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status")
	[ "$state" = T ] && break
	pause 0.1
done
for round in 1 2; do
	last=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
	[ "$last" = "$before" ] || bad "round $round: $last exits, which nobody can have read behind $before"
	[ "$last" -ge "$before" ] || bad "round $round: $last exits behind $before"
done
kill -CONT "$pid"
counts || bad "the process doesn't go on"
now=$(timeout 20 "$decouple" status --json --verbose "$pid" | jq "$of_leader")
[ "$now" -gt "$before" ] || bad "$now exits behind $before"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
finish

exit $failed
