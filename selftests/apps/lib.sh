# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the tests of this directory, from the root of the tree: runs a real program natively and decoupled, and compares.
#
#   compare  NAME [OPTION]... -- COMMAND...   `decouple run OPTION... -- COMMAND...` against COMMAND
#   watched  NAME [OPTION]... -- COMMAND...   the same; and `decouple status` must have listed it as decoupled meanwhile
#   attached NAME [OPTION]... -- COMMAND...   COMMAND starts natively, is decoupled at its gate by `decouple PID OPTION...`
#   finish SUMMARY                            last line and exit code
#
# Each run has a directory of its own as working directory, filled by the function `prepare` if the test defines one. Standard
# input is $input (default: /dev/null). Compared: stdout, exit status, and after `compare_files` the files left in the directory.
# A command has $limit seconds, TIMEOUT_SCALE times. The gate: a program that finds APP_GATE set creates $APP_GATE.ready and goes on when $APP_GATE
# exists; with $gate_delay set, the program knows no gate and is attached after that many seconds instead. With $refusal set, the
# attach must fail with that text, and leave the program as it was.
#
# REFLECTOR chooses the reflector. NATIVE_ONLY=1 runs everything natively in both places, which shows whether a program's output
# can be compared at all; such a run never counts as passed.
# shellcheck shell=bash disable=SC2034 # variables for the tests

set -u
export LC_ALL=C TZ=UTC
unset APP_GATE
decouple=$(realpath -m "${DECOUPLE:-build/decouple}")
reflector=${REFLECTOR:-signal}
native_only=${NATIVE_ONLY:-}
programs=$PWD/selftests/apps/programs
work=$PWD/build/selftests/apps/$(basename "$0" .sh)
limit=$((${limit:-40} * ${TIMEOUT_SCALE:-1}))
input=/dev/null
gate_delay=
refusal=
files_too=
compared=0
failed=()

skip() {
	echo "$*"
	exit 4
}

# need PROGRAM PACKAGE ...: pairs
need() {
	while [ $# -gt 1 ]; do
		command -v "$1" >/dev/null || skip "$1 is not installed: apt-get install $2"
		shift 2
	done
}

compare_files() {
	files_too=1
}

# Last words on one comparison.
verdict() {
	local name=$1 reason=$2
	compared=$((compared + 1))
	if [ -n "$reason" ]; then
		failed+=("$name: $reason")
		echo "$name: $reason"
	else
		echo "$name: same"
	fi
}

# show NAME KIND: what a failed run left
show() {
	echo "--- $1, $2: status $(cat "$work/$1.$2.rc"), end of stderr:"
	tail -n 8 "$work/$1.$2.err"
}

# run NAME KIND COMMAND...; leaves NAME.KIND.{out,err,rc} and the directory NAME.KIND
run() {
	local dir=$work/$1.$2
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	# The outer redirection silences the shell's own word about a child that died by a signal.
	{
		(
			cd "$dir" || exit 1
			if declare -F prepare >/dev/null; then prepare; fi
			exec timeout -k 5 "$limit" "$@" <"$input" >"$dir.out" 2>"$dir.err"
		)
	} 2>/dev/null
	echo $? >"$dir.rc"
}

run_natively() {
	local name=$1
	shift
	run "$name" native "$@"
	case $(cat "$work/$name.native.rc") in
	124 | 137) echo "$name: the native run took longer than $limit s or was killed: nothing to compare with" ;;
	esac
}

# difference NAME KIND: prints the first difference in one line; empty when equal
difference() {
	local native=$work/$1.native other=$work/$1.$2 rc
	rc=$(cat "$other.rc")
	if [ "$rc" != "$(cat "$native.rc")" ]; then
		[ "$rc" = 124 ] && echo "$2 run hung, killed after $limit s" && return
		echo "$2 status $rc, native status $(cat "$native.rc")"
	elif ! cmp -s "$native.out" "$other.out"; then
		diff "$native.out" "$other.out" >"$other.diff"
		echo "$2 stdout differs: $(sed -n 2,3p "$other.diff" | cut -c 1-200 | tr '\n' ' ')"
	elif [ -n "$files_too" ] && ! diff -r "$native" "$other" >"$other.diff"; then
		echo "$2 run left different files: $(head -n 1 "$other.diff")"
	fi
}

# decoupled_pids FILE: processes with a decoupled thread in the output of `decouple status --json`
decoupled_pids() {
	tr -d ' \n\t' <"$1" | tr '{' '\n' | sed -n '/"state":"decoupled"/s/.*"pid":\([0-9]*\).*/\1/p'
}

descends_from() {
	local pid=$1
	while [ "${pid:-0}" -gt 1 ]; do
		[ "$pid" = "$2" ] && return 0
		pid=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status" 2>/dev/null)
	done
	return 1
}

# Polls `decouple status` until a descendant of this shell is decoupled; leaves NAME.seen. Ends with the run.
watch_status() {
	local name=$1 runner=$2 pid
	while kill -0 "$runner" 2>/dev/null; do
		timeout 10 "$decouple" status --json >"$work/$name.status" 2>"$work/$name.status.err"
		for pid in $(decoupled_pids "$work/$name.status"); do
			descends_from "$pid" "$runner" && echo "$pid" >"$work/$name.seen" && return
		done
		sleep 0.1
	done
}

compare() {
	local name=$1 options=() watched=${watch:-} reason runner
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -f "$work/$name.seen"
	run_natively "$name" "$@"
	if [ -n "$native_only" ]; then
		run "$name" decoupled "$@"
		watched=
	elif [ -n "$watched" ]; then
		run "$name" decoupled "$decouple" run --reflector "$reflector" "${options[@]}" -- "$@" &
		runner=$!
		watch_status "$name" $runner
		wait $runner
	else
		run "$name" decoupled "$decouple" run --reflector "$reflector" "${options[@]}" -- "$@"
	fi
	reason=$(difference "$name" decoupled)
	[ -z "$reason" ] && [ -n "$watched" ] && [ ! -e "$work/$name.seen" ] && reason="status never listed it as decoupled"
	verdict "$name" "$reason"
	if [ -n "$reason" ]; then
		echo "--- command: decouple run --reflector $reflector ${options[*]} -- $*"
		show "$name" decoupled
	fi
}

watched() {
	watch=1 compare "$@"
}

# ended PID: waits for a child of this shell, kills it after $limit seconds, gives its status
ended() {
	local deadline=$((SECONDS + limit))
	while kill -0 "$1" 2>/dev/null; do
		if [ $SECONDS -gt $deadline ]; then
			kill -9 "$1"
			wait "$1" 2>/dev/null
			return 124
		fi
		sleep 0.05
	done
	wait "$1" 2>/dev/null
}

# listed_soon NAME PID: a decoupled thread is listed within some seconds (it may be paused for a moment), or has ended.
listed_soon() {
	local deadline=$((SECONDS + 5))
	while kill -0 "$2" 2>/dev/null; do
		timeout 10 "$decouple" status "$2" --json >"$work/$1.status" 2>&1
		[ -z "$(decoupled_pids "$work/$1.status")" ] || return 0
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

# Waits for the program at its gate, decouples it, opens the gate. Prints what went wrong.
attach_at_gate() {
	local name=$1 pid=$2 deadline=$((SECONDS + limit)) rc
	shift 2
	if [ -n "$gate_delay" ]; then
		sleep "$gate_delay"
	else
		until [ -e "$work/$name.gate.ready" ]; do
			if [ $SECONDS -gt $deadline ] || ! kill -0 "$pid" 2>/dev/null; then
				echo "the program didn't come to its gate"
				return
			fi
			sleep 0.05
		done
	fi
	if [ -z "$native_only" ]; then
		timeout -k 5 30 "$decouple" "$pid" --reflector "$reflector" "$@" >"$work/$name.attach" 2>&1
		rc=$?
		if [ -n "$refusal" ]; then
			[ $rc = 1 ] && grep -q -e "$refusal" "$work/$name.attach" ||
				echo "not refused because of '$refusal': status $rc, $(tail -n 1 "$work/$name.attach")"
		elif [ $rc != 0 ]; then
			echo "decouple $pid $* failed: $(tail -n 1 "$work/$name.attach")"
		fi
		[ -n "$refusal" ] || listed_soon "$name" "$pid" ||
			echo "status doesn't list it as decoupled: $(head -c 300 "$work/$name.status")"
	fi
	touch "$work/$name.gate"
}

attached() {
	local name=$1 options=() reason dir pid
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	dir=$work/$name.attached
	rm -rf "$dir" "$work/$name.gate" "$work/$name.gate.ready"
	mkdir -p "$dir"
	[ -e "$work/$name.native.rc" ] || run_natively "$name" "$@"
	(
		cd "$dir" || exit 1
		if declare -F prepare >/dev/null; then prepare; fi
		export APP_GATE="$work/$name.gate"
		exec "$@" <"$input" >"$dir.out" 2>"$dir.err"
	) &
	pid=$!
	reason=$(attach_at_gate "$name" $pid "${options[@]}")
	reason=${reason%%$'\n'*}
	ended $pid
	echo $? >"$dir.rc"
	[ -n "$reason" ] || reason=$(difference "$name" attached)
	verdict "$name, attached" "$reason"
	if [ -n "$reason" ]; then
		echo "--- command: $*  then: decouple PID --reflector $reflector ${options[*]}"
		show "$name" attached
	fi
}

# stress NAME ARG...: one class of stress-ng, which verifies its own results; metrics are of no interest here.
stress() {
	local name=$1 runner
	shift
	need stress-ng stress-ng
	run "$name" native stress-ng "$@" --timeout 1s --verify
	[ "$(cat "$work/$name.native.rc")" = 0 ] ||
		skip "stress-ng $* fails natively: $(grep -m 1 -E 'error|fail' "$work/$name.native.err")"
	if [ -n "$native_only" ]; then
		run "$name" decoupled stress-ng "$@" --timeout 5s --verify
	else
		run "$name" decoupled "$decouple" run --reflector "$reflector" --follow -- stress-ng "$@" --timeout 5s --verify &
		runner=$!
		watch_status "$name" $runner
		wait $runner
	fi
	if grep -q skipping "$work/$name.decoupled.err"; then
		verdict "$name" "a stressor was left out: $(grep -m 1 skipping "$work/$name.decoupled.err")"
	elif [ -z "$native_only" ] && [ ! -e "$work/$name.seen" ]; then
		verdict "$name" "status never listed it as decoupled"
	elif [ "$(cat "$work/$name.decoupled.rc")" = 0 ]; then
		verdict "$name" ""
	else
		verdict "$name" "decoupled status $(cat "$work/$name.decoupled.rc") instead of 0"
		show "$name" decoupled
	fi
}

finish() {
	if [ ${#failed[@]} -gt 0 ]; then
		echo "${#failed[@]} of $compared differ from native: ${failed[0]}"
		exit 1
	fi
	[ -z "$native_only" ] || skip "only native runs were asked for (NATIVE_ONLY); $compared are reproducible"
	echo "$* ($compared comparisons)"
	exit 0
}

# Programs in the background don't outlive the test, whatever ends it.
leave() {
	local children
	children=$(jobs -p)
	# shellcheck disable=SC2086
	[ -z "$children" ] || kill -9 $children 2>/dev/null
}
trap leave EXIT

rm -rf "$work"
mkdir -p "$work"
if [ -z "$native_only" ]; then
	[ -x "$decouple" ] || {
		echo "$decouple is missing: run make first"
		exit 1
	}
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		skip "/dev/kvm is missing or not permitted"
	fi
fi
