# shellcheck shell=bash disable=SC2034,SC2154 # variables of the tests
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests that attach, or fail to attach, kvm/target.c: starting it, looking at it, ending it. Each test sets $case_name, and ends
# with `exit $failed`.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
decouple=${DECOUPLE:-$here/../../build/decouple}
build=${TEST_BUILD:-$here/../../build/selftests}/kvm
reflector=${REFLECTOR:-signal}
dir=$(mktemp -d)
chmod 755 "$dir"
started=()
failed=0
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

[ -e /dev/kvm ] || {
	echo "no /dev/kvm on this machine"
	exit 4
}

bad() {
	echo "$case_name: $*"
	failed=1
}

pause() {
	read -r -t "$1" <>"$dir/never"
}

count() {
	od -An -t u8 -N 8 "$dir/count" 2>/dev/null | tr -d ' '
}

# Is it alive and counting?
counts() {
	local try before
	before=$(count)
	for try in 1 2 3 4 5 6 7 8 9; do
		pause "0.$try"
		[ "$(count)" != "$before" ] && return 0
	done
	return 1
}

# start MODE [LAUNCHER...]: sets $pid to a target that counts
start() {
	local mode=$1
	shift
	rm -f "$dir/count" "$dir/out"
	: >"$dir/count"
	chmod 666 "$dir/count"
	"$@" "$build/target" "$mode" "$dir/count" >"$dir/out" 2>&1 </dev/null &
	pid=$!
	started+=("$pid")
	while [ ! -s "$dir/count" ] && kill -0 "$pid" 2>/dev/null; do pause 0.02; done
	counts || bad "the target doesn't start: $(cat "$dir/out")"
}

# What an attach would change in the process.
fingerprint() {
	grep -E '^(Threads|SigCgt|SigIgn|SigBlk|Seccomp|TracerPid|Cpus_allowed)' "/proc/$1/status"
	find "/proc/$1/fd" -type l | sort
	grep -vE 'heap|stack|vvar|vdso' "/proc/$1/maps" | cut -d' ' -f1,2,6-
}

# The target ends as it would have natively.
finish() {
	local status
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	status=$?
	if [ $status != 0 ] || [ "$(cat "$dir/out")" != right ]; then
		bad "the target ended with status $status and \`$(cat "$dir/out")\`"
	fi
}

# refused CODE PATTERN ARGUMENT...: the CLI exits with CODE, says PATTERN, prints one line beginning with its name
refused() {
	local code=$1 pattern=$2 status
	shift 2
	timeout 20 "${as[@]}" "$decouple" "$@" >"$dir/message" 2>&1
	status=$?
	[ $status = "$code" ] || bad "exit code $status instead of $code: $(cat "$dir/message")"
	grep -qiE -- "$pattern" "$dir/message" || bad "the message doesn't match \`$pattern\`: $(cat "$dir/message")"
}

# refused_untouched CODE PATTERN: refuses $pid, which does not change
refused_untouched() {
	fingerprint "$pid" >"$dir/before"
	refused "$1" "$2" --reflector "$reflector" "$pid"
	fingerprint "$pid" >"$dir/after"
	diff -u "$dir/before" "$dir/after" >"$dir/diff" || bad "the target was changed: $(cat "$dir/diff")"
}

mkfifo "$dir/never"
as=(env)

