#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# An attach to a program that executes another one, or ends, at about that moment: it succeeds or says that, and the program is none the worse.
# shellcheck source=selftests/lib/target.sh
. "$(dirname "$0")/../lib/target.sh"
RANDOM=${SEED:=$RANDOM}
attached=0 late=0

# shellcheck disable=SC2317 # run by the shell that the program is
sum() {
	local i sum=0
	for ((i = 0; i < 60000; i++)); do ((sum += i)); done
	echo "$sum"
}
export -f sum

for ((round = 1; round <= 30; round++)); do
	case_name="seed $SEED, round $round"
	bash -c 'exec bash -c sum' >"$dir/output" 2>&1 &
	pid=$!
	started=("$pid")
	pause "0.$(printf %03d $((RANDOM % 120)))"
	if timeout 20 "$decouple" --reflector "$reflector" "$pid" >"$dir/message" 2>&1; then
		attached=$((attached + 1))
	elif [ $? = 1 ] && grep -qE "ended|executed another program|zombie|no process" "$dir/message"; then
		late=$((late + 1))
	else
		bad "the command failed otherwise: $(cat "$dir/message")"
	fi
	wait "$pid"
	status=$?
	started=()
	if [ $status != 0 ] || [ "$(cat "$dir/output")" != 1799970000 ]; then
		bad "the program ended with status $status and \`$(cat "$dir/output")\`"
	fi
done
echo "attached $attached times, too late $late times"
exit "$failed"
