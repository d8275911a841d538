#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90
# --follow with the module: a forked child asks for a gate of its own and has the module's reflector, and so has a program; recoupled, nothing
# of it stays. A child that may not have the module gets the signal reflector.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
[ -e /dev/decouple ] || {
	echo "no /dev/decouple: the module is not loaded"
	exit 4
}
command -v jq >/dev/null || {
	echo "jq is not installed: apt-get install jq"
	exit 4
}
user=54321
kvm_mode=$(stat -c %a /dev/kvm)
# shellcheck disable=SC2317 # run by the trap
restore() {
	chmod "$kvm_mode" /dev/kvm
	cleanup
}
trap restore EXIT

# A shell that forks when told, and its child another; all compute.
# shellcheck disable=SC2016 # the inner shell's
program='read -r go <"$0/go"
(
	(while [ ! -e "$0/stop" ]; do :; done; exit 5) &
	echo $! >"$0/grandchild"
	while [ ! -e "$0/stop" ]; do :; done
	wait $! && exit 1
	exit 3
) &
echo $! >"$0/child"
wait $!
exit $?'

# wait_for PID REFLECTOR: decoupled with that reflector
wait_for() {
	local try state
	for ((try = 0; try < 100; try++)); do
		state=$(timeout 20 "$decouple" status --json "$1" 2>/dev/null | jq -r '.threads[0] | .state + " " + .reflector')
		[ "$state" = "decoupled $2" ] && return
		pause 0.1
	done
	bad "process $1: \`$state\` instead of decoupled $2"
}

# ours PID: what the resident has brought
ours() {
	grep -E 'anon_inode:\[decouple\]' "/proc/$1/maps"
	find "/proc/$1/fd" -type l -printf '%l\n' | grep -E 'decouple|kvm|mem$'
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$1"
}

# family REFLECTOR OF-CHILDREN LAUNCHER...: attaches to a family's head
family() {
	local wanted=$1 children=$2 child grandchild
	shift 2
	rm -f "$dir"/{child,grandchild,stop,go}
	mkfifo -m 666 "$dir/go"
	"$@" bash -c "$program" "$dir" >"$dir/out" 2>&1 &
	pid=$!
	started+=("$pid")
	pause 0.3
	timeout 20 "$decouple" --follow --reflector "$wanted" "$pid" >"$dir/message" 2>&1 || bad "attach: $(cat "$dir/message")"
	echo >"$dir/go"
	while [ ! -s "$dir/grandchild" ] && kill -0 "$pid" 2>/dev/null; do pause 0.1; done
	child=$(cat "$dir/child") grandchild=$(cat "$dir/grandchild")
	started+=("$child" "$grandchild")
	wait_for "$child" "$children"
	wait_for "$grandchild" "$children"
	timeout 20 "$decouple" recouple "$grandchild" >"$dir/message" 2>&1 || bad "recouple: $(cat "$dir/message")"
	[ -z "$(ours "$grandchild")" ] || bad "stays in the grandchild: $(ours "$grandchild")"
	: >"$dir/stop"
	wait "$pid"
	[ $? = 3 ] || bad "wrong exit status; $(cat "$dir/out")"
}

case_name=root
family module module env
case_name="a user who may not open the device"
chmod 666 /dev/kvm
chmod 777 "$dir"
family module signal setpriv --reuid $user --regid $user --clear-groups

case_name="a program"
timeout 60 "$decouple" run --follow --reflector module -- sh -c "$(printf '/bin/sh -c "while [ ! -e %s/end ]; do :; done; exit 6"; exit $?' "$dir")" &
run=$!
started+=("$run")
for ((try = 0; try < 100; try++)); do
	timeout 20 "$decouple" status --json | jq -r '.threads[] | .state + " " + .reflector' >"$dir/all"
	[ "$(grep -c '^decoupled module' "$dir/all")" = 2 ] && break
	pause 0.1
done
[ "$(grep -c '^decoupled module' "$dir/all")" = 2 ] || bad "two programs, but: $(cat "$dir/all")"
: >"$dir/end"
wait $run
[ $? = 6 ] || bad "wrong exit status"

exit $failed
