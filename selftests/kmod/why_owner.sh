#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# Who sees which disturbances: the owner of a process its own and no others, root all, a reader in another pid namespace no numbers of tasks
# that he can't see; and what is refused. What they see, sysfs has counted.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tool=${DECOUPLE:-$here/../../build/decouple}
plant=${TEST_BUILD:-$here/../../build/selftests}/kmod/why_plant
cores=/sys/kernel/decouple/cores
user=54321 group=12345
dir=$(mktemp -d)
pids=()
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
[ "$(id -u)" = 0 ] || {
	echo "only root can be somebody else"
	exit 4
}
kvm_mode=$(stat -c %a /dev/kvm)
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	echo "$user:" >$cores
	chgrp 0 /dev/decouple
	chmod "$kvm_mode" /dev/kvm
	rm -rf "$dir"
}
trap cleanup EXIT

fail() {
	echo "$*"
	exit 1
}

as_user=(setpriv --reuid "$user" --regid "$user" --groups "$group")

# start LAUNCHER...: sets $pid to a target that is decoupled on core 1
start() {
	mkfifo "$dir/in${#pids[@]}"
	"$@" "$dir/plant" target "$dir/count${#pids[@]}" <>"$dir/in${#pids[@]}" >"$dir/page" 2>&1 &
	pid=$!
	pids+=("$pid")
	while [ ! -s "$dir/page" ] && kill -0 "$pid"; do sleep 0.05; done
	"$@" timeout 20 "$dir/decouple" --reflector module --cores 1 "$pid" >"$dir/message" 2>&1 || fail "attach: $(cat "$dir/message")"
	: >"$dir/page"
}

# refused CODE PATTERN COMMAND...
refused() {
	local code=$1 pattern=$2 status
	shift 2
	timeout 20 "$@" >"$dir/message" 2>&1
	status=$?
	[ $status = "$code" ] || fail "$*: exit code $status instead of $code: $(cat "$dir/message")"
	grep -qE -- "$pattern" "$dir/message" || fail "$*: the message doesn't match \`$pattern\`: $(cat "$dir/message")"
}

# sees JQ-FILTER [LAUNCHER...] -- [PID]: of what `why` prints; longer on a busy machine, on which there may be too little in one look
sees() {
	local filter=$1 launcher=() seconds
	shift
	while [ "$1" != -- ]; do
		launcher+=("$1")
		shift
	done
	shift
	for seconds in 0.5 2 8; do
		timeout 30 "${launcher[@]}" "$dir/decouple" why --json --duration $seconds "$@" >"$dir/json" 2>"$dir/message" ||
			fail "${launcher[*]} why $*: status $?: $(cat "$dir/message")"
		[ "$(jq "(.events | length > 10) and ($filter)" "$dir/json")" != true ] || return 0
	done
	fail "${launcher[*]} why $*: not so: $filter: $(head -c 2000 "$dir/json")"
}

chmod 777 "$dir"
cp "$tool" "$dir/decouple"
cp "$plant" "$dir/plant"
chmod 666 /dev/kvm
echo "$user:0,1" >$cores

refused 1 "not permitted to open /dev/decouple: be in its group" "${as_user[@]}" "$dir/decouple" why
chgrp $group /dev/decouple
start
roots=$pid
start "${as_user[@]}"
his=$pid
refused 1 "not permitted to see the disturbances of all processes" "${as_user[@]}" "$dir/decouple" why
refused 1 "not permitted" "${as_user[@]}" "$dir/decouple" why "$roots"
refused 1 "no process 4194299" "$dir/decouple" why 4194299
refused 2 "not a process or thread id" "$dir/decouple" why 0
refused 2 "." "$dir/decouple" why --duration 0 "$his"
refused 2 "excludes" "$dir/decouple" why --duration 1 --follow "$his"

sees "[.events[].pid, .events[].tid] | unique == [$his]" "${as_user[@]}" -- "$his"
sees "[.events[].pid] | unique == ([$roots, $his] | sort)" -- # both on one core: each is taken from it for the other
sees "any(.events[].causes[]; .kind == \"switch\" and .name == \"dec-vcpu/$his\" and .pid > 0)" -- "$roots"
sees '([.events[].pid, .events[].tid, .events[].causes[].pid] | unique == [0]) and
	all(.events[].causes[]; .kind != "switch" or .name == "" or (.name | startswith("swapper")))' unshare --pid --fork --
file=/sys/kernel/decouple/$his/disturbances
# The tick, or what it lets run, whichever is seen first.
awk '($1 == "local_timer" || $1 == "switch") && $2 > 10 && $3 >= $4 && $4 > 0 { found = 1 } END { exit !found }' "$file" || fail "$file: $(cat "$file")"
for seconds in 0.3 2 8; do
	"${as_user[@]}" timeout 20 "$dir/decouple" why --totals --duration $seconds "$his" >"$dir/text" || fail "no totals"
	! grep -qE '^ +[0-9]+ +[0-9.]+ +[0-9.]+  (local timer \(|switched to)' "$dir/text" || break
done
grep -qE '  (local timer \(|switched to)' "$dir/text" || fail "totals: $(cat "$dir/text")"
# The reader's process ends: so does why.
: >"$dir/text"
timeout 20 "$dir/decouple" why --follow "$his" >"$dir/text" &
why=$!
until [ -s "$dir/text" ] || ! kill -0 $why; do sleep 0.05; done
kill -KILL "$his"
wait $why || fail "why ended with status $? behind its process"
grep -q ' disturbances in ' "$dir/text" || fail "no summary: $(tail -n 5 "$dir/text")"
echo "each sees what he may"
