#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs a test program natively and decoupled, and compares standard output and exit status: compare.sh PROG [ARGS]
#
# Modes (directive `modes:` of the source, or TEST_MODES):
#   run       decouple run -- PROG
#   compute   started natively, attached while test_start() computes
#   sleep     ... while it is in nanosleep()
#   read      ... while it is in read() on a pipe
#   call      ... while it is in the call that follows test_start()
# With +follow the option --follow is given. Protocol with the program: see testlib.h.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/head.sh
. "$here/head.sh"
decouple=${DECOUPLE:-$here/../../build/decouple}
reflector=${REFLECTOR:-signal}

program=$1
shift
source=$here/../$(basename "$(dirname "$program")")/$(basename "$program").c
limit=${TEST_LIMIT:-$(head_value "$source" limit 30)} # seconds for one run
args=$*
expected=$(head_value "$source" "exit $args" "$(head_value "$source" exit 0)")
has_end=$(head_value "$source" end yes)
mmio_exits=$(head_value "$source" mmio-exits any)
modes=${TEST_MODES-$(head_value "$source" modes 'run compute read')}

dir=$(mktemp -d)
job=
target=
cleanup() {
	local pid
	for pid in $job $target; do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

complain() {
	echo "$mode: $*"
	bad=1
}

# What hangs where, for the log: the program (it is the command's child where that started it), and who it was that spoke last.
show_target() {
	local pid
	for pid in $(pgrep -P "$job") "$job" "$target"; do
		show_process "$pid"
	done
	timeout 5 "$decouple" status --json "$target" 2>&1 | head -c 2000
	echo
}

show_process() {
	local task
	for task in /proc/"$1"/task/*; do
		[ -e "$task" ] || continue
		echo "  task ${task##*/} $(cat "$task/comm" 2>/dev/null) $(sed -n 's/^State:\t//p' "$task/status" 2>/dev/null)" \
			"syscall $(cut -d' ' -f1 "$task/syscall" 2>/dev/null) wchan $(cat "$task/wchan" 2>/dev/null)" \
			"$(grep -E '^(SigPnd|ShdPnd|SigBlk)' "$task/status" 2>/dev/null | tr '\n\t' '  ')"
	done
}

# State of the thread as the CLI shows it; "none" when it is not listed.
state() {
	timeout 10 "$decouple" status --json "$target" 2>/dev/null |
		jq -r --argjson tid "$thread" '[.threads[] | select(.tid == $tid) | .state][0] // "none"' 2>/dev/null || echo none
}

# Waits until the thread's state is $1 ("decoupled", or "native" for anything else that lasts).
expect_state() {
	local try now=none
	for try in 1 2 3 4 5 6 7 8; do
		now=$(state)
		case $1,$now in
		decoupled,decoupled | native,recoupled | native,none) return 0 ;;
		esac
		read -r -t "0.$try" <>"$dir/never"
	done
	complain "at its $2 the thread should be $1, but \`decouple status\` says: $now"
	return 1
}

# The vCPU left the guest for an access to memory only where the stub rang its doorbell, and once when the kind of KVM was found out.
expect_no_mmio() {
	local exits
	exits=$(timeout 10 "$decouple" status --json --verbose "$target" 2>"$dir/message" |
		jq -r --argjson tid "$thread" '.threads[] | select(.tid == $tid) | .kvm.mmio_exits - .doorbells')
	[[ $exits = [01] ]] || complain "exits for accesses to memory, but for the stub's doorbell: ${exits:-unknown: $(cat "$dir/message")}"
}

# A call is being waited in: state S twice.
wait_asleep() {
	local try stat count=0
	for ((try = 0; try < 200 && count < 3; try++)); do
		read -r -t 0.02 <>"$dir/never"
		stat=
		read -r stat 2>/dev/null <"/proc/$target/task/$thread/stat"
		case ${stat##*) } in
		"S "*) count=$((count + 1)) ;;
		*) count=0 ;;
		esac
	done
}

attach() {
	local options=()
	case $mode in *+follow) options=(--follow) ;; esac
	if ! timeout 20 "$decouple" --reflector "$reflector" "${options[@]}" "$target" >"$dir/attach" 2>&1; then
		complain "decouple ${options[*]} PID failed: $(cat "$dir/attach")"
	fi
}

# Lets the program go on: byte $1 of the control page becomes 1; a reader is woken.
release() {
	printf '\001' | dd of="$dir/control" bs=1 seek="$1" conv=notrunc status=none
	printf 'g' >&6
}

on_event() { # EVENT PID TID .
	target=$2
	thread=$3
	case $1 in
	start)
		case $mode in
		native) release 0 ;;
		run*)
			expect_state decoupled start
			release 0
			;;
		call*)
			wait_asleep
			attach
			;;
		*)
			[ "${mode%+follow}" = compute ] || wait_asleep
			attach
			expect_state decoupled start
			release 0
			;;
		esac
		;;
	end | native)
		ended=1
		if [ "$mode" != native ]; then
			if [ "$1" = end ]; then
				expect_state decoupled end
				[ "$mmio_exits" = any ] || expect_no_mmio
			else
				expect_state native end
			fi
		fi
		release 1
		;;
	*) complain "unknown event: $*" ;;
	esac
}

run_mode() {
	local line partial='' deadline=$((SECONDS + limit)) launcher=() wait=${mode%+follow}
	local outfile=$dir/out.$mode ended=''
	rm -f "$dir/control"
	head -c 4096 /dev/zero >"$dir/control"
	# Events of an earlier mode.
	while read -t 0 <&5; do read -r _ <&5; done
	while read -t 0 <&6; do read -r -N 1 _ <&6; done
	case $mode in
	run) launcher=("$decouple" run --reflector "$reflector" --) ;;
	run+follow) launcher=("$decouple" run --reflector "$reflector" --follow --) ;;
	esac
	(
		export DECOUPLE_TEST_DIR=$dir DECOUPLE_TEST_MODE=$wait
		# shellcheck disable=SC2086 # words of the directive
		exec env --default-signal "${launcher[@]}" "$program" $args
	) </dev/null >"$outfile" 2>"$outfile.err" 5>&- 6>&- &
	job=$!
	target=$job
	while kill -0 "$job" 2>/dev/null; do
		# A line's end is the word `.`: bash's read may call a line that it has read to its end timed out.
		IFS= read -r -t 0.05 line <&5
		partial+=$line
		case $partial in
		*' .')
			# shellcheck disable=SC2086
			on_event $partial
			partial=
			;;
		esac
		if [ $SECONDS -ge $deadline ]; then
			complain "hangs (more than $limit s)"
			show_target
			hung=1
			kill -KILL "$target" "$job" 2>/dev/null
			break
		fi
	done
	{ wait "$job"; } 2>/dev/null
	status=$?
	job=
	target=
	[ "$hung" ] && return
	if [ $status = "$expected" ] && [ "$has_end" != none ] && [ ! "$ended" ]; then
		complain "ended without test_done()"
	fi
}

mkfifo "$dir/events" "$dir/go" "$dir/never"
exec 5<>"$dir/events" 6<>"$dir/go"
bad=
hung=
mode=native
run_mode
if [ $status = 4 ]; then
	cat "$dir/out.native"
	exit 4
fi
if [ $status != "$expected" ] || [ "$bad" ]; then
	echo "native: exit status $status, expected $expected; output:"
	cat "$dir/out.native" "$dir/out.native.err"
	exit 1
fi
[ "$modes" ] || exit 0
if [ ! -e /dev/kvm ]; then
	echo "no /dev/kvm on this machine"
	exit 4
fi
if [ ! -x "$decouple" ]; then
	echo "$decouple is missing: run make"
	exit 1
fi
for mode in $modes; do
	run_mode
	[ $status = "$expected" ] || complain "exit status $status, natively $expected"
	if ! diff -a -u --label native --label "$mode" "$dir/out.native" "$dir/out.$mode" >"$dir/diff"; then
		complain "output differs:"
		head -n 40 "$dir/diff"
	fi
	if [ "$bad" ] && [ -s "$dir/out.$mode.err" ]; then
		head -n 10 "$dir/out.$mode.err" | sed "s/^/$mode stderr: /"
	fi
	[ "$bad" ] && failed_modes="${failed_modes:-} $mode"
	[ "$hung" ] && break
	bad=
done
[ -z "${failed_modes:-}" ]
