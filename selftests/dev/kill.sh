#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# kill -9 before each call by which `dev bind`, `bind --vfs` and `unbind` change something: the next command gives the old drivers back, and
# says so. The program runs unchanged, with kill_at.c of the group cores preloaded.
# shellcheck source=selftests/dev/lib/dev.sh
. "$(dirname "$0")/lib/dev.sh"
killer=$build/cores/kill_at.so
[ -e "$killer" ] || fail "$killer is not built: make selftests"
kills=0 repairs=0

# Kills at call after call until the command comes through. GIVEN: what makes the state that it starts from.
kill_each() { # COMMAND GIVEN
	local at=0 status
	while :; do
		at=$((at + 1))
		[ $at -lt 60 ] || fail "$1: no end at call $at"
		# shellcheck disable=SC2086
		[ ! "$2" ] || dev $2
		# In braces, for the shell's word of the kill.
		# shellcheck disable=SC2086
		{
			KILL_AT=$at LD_PRELOAD=$killer "$decouple" dev $1 >"$work/out"
			status=$?
		} 2>"$work/err"
		if [ $status = 0 ]; then
			dev unbind all
			as_before "decouple dev $1, not killed"
			return
		fi
		[ $status = 137 ] || fail "$1, call $at: exit status $status: $(cat "$work/out" "$work/err")"
		kills=$((kills + 1))
		dev list
		if grep -q 'was not finished' "$work/err"; then
			repairs=$((repairs + 1))
		else
			dev unbind all # killed before it began, or when all was done
		fi
		as_before "killed before call $at of $1"
	done
}

before
kill_each "bind $edu $nvme" ''
[ "$(driver_of "$physical")" != nvme ] || kill_each "bind --vfs 2 $physical" ''
kill_each "unbind all" "bind $edu $nvme"
echo "$kills kills, $repairs of them in the midst of it"
[ $repairs -gt 10 ] || fail "only $repairs of $kills were in the midst of it"
