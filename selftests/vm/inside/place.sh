#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The part of place.sh that runs in the VM: cores 1 and 3 are reserved, one in each node. Which is chosen, when, and what is said.
tests=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/lib/target.sh
. "$tests/lib/target.sh"
# shellcheck source=selftests/lib/cpuset.sh
. "$tests/lib/cpuset.sh"

# memory_on CORE: sets $pid to a process that has its memory in that core's node
memory_on() {
	rm -f "$dir/ready"
	taskset -c "$1" python3 -c "
import os, sys
memory = bytearray(os.urandom(1 << 20) * 48)
os.sched_setaffinity(0, {0, 2})
open('$dir/ready', 'w').close()
n = 0
while True: n += 1" 2>/dev/null &
	pid=$!
	started+=("$pid")
	while [ ! -e "$dir/ready" ] && kill -0 "$pid" 2>/dev/null; do pause 0.05; done
}

# chosen CORE ARGUMENT...: $pid is decoupled there
chosen() {
	local where=$1
	shift
	timeout 40 "$decouple" "$@" "$pid" >"$dir/message" 2>&1 || bad "$*: $(cat "$dir/message")"
	look
	[ "$core" = "$where" ] || bad "$*: on core $core, not $where"
	case $service in
	0 | 2) ;;
	*) bad "$*: the home thread is on core $service" ;;
	esac
}

end() {
	kill -KILL "$@"
	wait "$@" 2>/dev/null
}

mount_cpusets v2
group job 0,2

case_name="none reserved"
memory_on 2
chosen 3 --reflector module
grep -q "no reserved core: taken is core 3, which Linux uses too; reserve with .decouple cores reserve 3" "$dir/message" ||
	bad "no note: $(cat "$dir/message")"
timeout 20 "$decouple" recouple "$pid" >/dev/null 2>&1 || bad "recouple"
timeout 20 "$decouple" --reflector module --quiet "$pid" 2>"$dir/message" >"$dir/out" || bad "--quiet: $(cat "$dir/message")"
! grep -q reserved "$dir/message" || bad "--quiet: $(cat "$dir/message")"
timeout 20 "$decouple" recouple "$pid" >/dev/null 2>&1 || bad "recouple"
timeout 20 "$decouple" --reflector module --json "$pid" 2>"$dir/message" >"$dir/out" || bad "--json: $(cat "$dir/message")"
! grep -q reserved "$dir/message" || bad "--json: $(cat "$dir/message")"
timeout 20 "$decouple" recouple "$pid" >/dev/null 2>&1 || bad "recouple"

case_name="near"
reserve 1,3
far=$pid
chosen 3 --reflector module
memory_on 0
chosen 1 --reflector module
! grep -q reserved "$dir/message" || bad "$(cat "$dir/message")"
near=$pid
case_name="all in use"
memory_on 0
chosen 2 --reflector module --cores 2
timeout 20 "$decouple" recouple "$pid" >/dev/null 2>&1 || bad "recouple"
timeout 20 "$decouple" --reflector module "$pid" >"$dir/message" 2>&1 || bad "$(cat "$dir/message")"
grep -q "no reserved core is free (1,3)" "$dir/message" || bad "no note: $(cat "$dir/message")"
end "$pid" "$near" "$far"

case_name="reserved cores don't serve"
memory_on 0
refused 2 "." --reflector module --cores 1-x "$pid"
refused 1 "dedicated core 9 is not available" --reflector module --cores 9 "$pid"
end "$pid"

case_name="at the same time"
for i in 1 2; do
	: >"$dir/count.$i"
	timeout 60 "$decouple" run --reflector module -- "$build/target" plain "$dir/count.$i" >"$dir/out.$i" 2>"$dir/err.$i" </dev/null &
	started+=("$!")
done
for ((try = 0; try < 200; try++)); do
	cores=$(timeout 10 "$decouple" status --json | jq -r '[.threads[] | select(.state == "decoupled") | .core] | sort | join(",")')
	[ "$cores" = 1,3 ] && break
	pause 0.05
done
[ "$cores" = 1,3 ] || bad "on cores $cores: $(cat "$dir"/err.?)"
for pid in $(timeout 10 "$decouple" status --json | jq '.threads[].pid'); do kill -KILL "$pid"; done
wait

case_name="several threads"
start threads
echo "$pid" >"$cg/job/cgroup.procs"
timeout 40 "$decouple" --reflector module --all --follow "$pid" >"$dir/message" 2>&1 || bad "$(cat "$dir/message")"
cores=$(timeout 10 "$decouple" status --json "$pid" | jq -r '[.threads[].core] | unique | join(",")')
[ "$cores" = 1,2,3 ] || [ "$cores" = 1,3 ] || bad "on cores $cores"
[ "$(timeout 10 "$decouple" status --json "$pid" | jq '[.threads[] | select(.core == 1 or .core == 3)] | length')" -ge 2 ] ||
	bad "not on reserved cores: $(timeout 10 "$decouple" status "$pid")"
timeout 20 "$decouple" recouple "$pid" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
finish

case_name="another core is reserved and released"
echo 3 >"$cg/decouple/cpuset.cpus"
start plain
attach 3 --reflector module
for cores in 1,3 3 2-3 3; do
	echo $cores >"$cg/decouple/cpuset.cpus"
	on_core 3 || bad "with $cores reserved, on core $ran, and may be on $may"
done
counts || bad "it stands still"
recouple
finish
exit $failed
