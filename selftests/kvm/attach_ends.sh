#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# An attach to a program that executes another one, or ends, at about that moment: it succeeds or says that, and the program is none the worse.
set -u
DECOUPLE=${DECOUPLE:-build/decouple} reflector=${REFLECTOR:-signal} rounds=${ROUNDS:-30}
RANDOM=${SEED:=$RANDOM}
[ -e /dev/kvm ] || {
	echo "no /dev/kvm on this machine"
	exit 4
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed='' attached=0 late=0

bad() {
	echo "seed $SEED, round $round: $*"
	cat "$dir"/*
	failed=1
}

sum() {
	local i sum=0
	for ((i = 0; i < 60000; i++)); do ((sum += i)); done
	echo $sum
}
export -f sum

for ((round = 1; round <= rounds; round++)); do
	bash -c 'exec bash -c sum' >"$dir/output" 2>&1 &
	pid=$!
	sleep "0.$(printf %03d $((RANDOM % 120)))"
	if timeout 20 "$DECOUPLE" --reflector "$reflector" "$pid" >"$dir/command" 2>&1; then
		attached=$((attached + 1))
	elif [ $? = 1 ] && grep -qE "ended|executed another program|zombie|no process" "$dir/command"; then
		late=$((late + 1))
	else
		bad "the command failed otherwise"
	fi
	wait "$pid"
	status=$?
	[ $status = 0 ] || bad "exit status $status"
	[ "$(cat "$dir/output")" = 1799970000 ] || bad "wrong output"
done
echo "attached $attached times, too late $late times"
[ ! "$failed" ]
