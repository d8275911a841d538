# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the stress tests have in common. Sourced first; the working directory is the root of the tree from then on.
# Environment: DECOUPLE, TEST_BUILD, REFLECTOR as the runner sets them; SEED (random) repeats a run; SOAK=1 does ten times as much.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
DECOUPLE=${DECOUPLE:-build/decouple}
export DECOUPLE
# shellcheck disable=SC2034 # for the scripts
programs=${TEST_BUILD:-build/selftests}/kvm
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
reflector=()
[ "${REFLECTOR:-}" ] && reflector=(--reflector "$REFLECTOR")
tmp=$(mktemp -d)
children=()

fail() {
	echo "FAILED: $*"
	exit 1
}

# A process and all that it started, the latter first.
family() {
	local child
	for child in $(ps -o pid= --ppid "$1"); do
		family "$child"
	done
	echo "$1"
}

# Ends what this test has started, and nothing else.
clean_up() {
	local child
	local parent
	for child in $(for parent in "${children[@]}"; do family "$parent"; done); do
		kill -KILL "$child" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

# One letter, as ps shows it; nothing if there is no such process. (Not from stat: a name there may have blanks.)
state_of() {
	sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null
}

scaled() {
	echo $(($1 * (${SOAK:-0} == 1 ? 10 : 1)))
}

# start NAME PROGRAM [ARG...]: in the background, output into $tmp/NAME, pid into $started; returns when it says "pid=".
start() {
	local name=$1 i
	shift
	"$@" >"$tmp/$name" 2>&1 </dev/null &
	started=$!
	children+=("$started")
	for ((i = 0; i < 1000; i++)); do
		grep -qs pid= "$tmp/$name" && return
		kill -0 "$started" 2>/dev/null || break
		sleep 0.01
	done
	cat "$tmp/$name"
	fail "$* does not start"
}

# Where each thread of a process is, for who has to find out why it hangs.
show() {
	local task
	for task in /proc/"$1"/task/*; do
		echo "  $task: $(sed -n 's/^State:\t//p' "$task/status" 2>/dev/null), $(cat "$task/wchan" 2>/dev/null)," \
			"call $(cat "$task/syscall" 2>/dev/null)"
	done
}

# ended PID SECONDS: its exit status becomes $status; false if it does not end.
ended() {
	local i
	for ((i = 0; i < $2 * 100; i++)); do
		case $(state_of "$1") in
		'' | Z | X)
			wait "$1" 2>/dev/null
			status=$?
			return 0
			;;
		esac
		sleep 0.01
	done
	show "$1"
	return 1
}

# finish PID NAME: the program is asked to end and must do so with a right result.
finish() {
	kill -TERM "$1" 2>/dev/null
	must_be_right "$1" "$2" 10
}

must_be_right() { # PID NAME SECONDS
	ended "$1" "$3" || fail "$2 hangs"
	grep -E 'bad=|BAD|^ ' "$tmp/$2" | tail -n 20 | sed "s/^/$2: /"
	[ "$status" = 0 ] || fail "$2 ended with status $status: $(tail -n 3 "$tmp/$2")"
	grep -q ' bad=0$' "$tmp/$2" || fail "$2 has a wrong result or none: $(tail -n 3 "$tmp/$2")"
}

command_must_work() { # ARG...
	timeout -k 5 60 "$DECOUPLE" "$@" >"$tmp/command" 2>&1 </dev/null && return
	local code=$? word
	cat "$tmp/command"
	for word; do
		[ -d "/proc/$word" ] || continue
		show "$word"
		timeout 5 "$DECOUPLE" status "$word" -v
	done
	fail "decouple $* ended with status $code"
}

attach() { # PID [ARG...]
	command_must_work "$@" "${reflector[@]}"
}

recouple() { # PID [ARG...]
	command_must_work recouple "$@"
}

if [ ! -e /dev/kvm ] || ! : 2>/dev/null <>/dev/kvm; then
	echo "/dev/kvm is not there or not permitted"
	exit 4
fi
[ -x "$DECOUPLE" ] || fail "$DECOUPLE is not built: run make"
cpus=$(nproc)
if [ "$cpus" -lt 2 ]; then
	echo "needs two cores, one to dedicate and one for Linux; there is one"
	exit 4
fi
echo "seed $SEED"
