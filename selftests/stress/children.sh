#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# A process that makes one child after the other, threads first, then processes that share its memory, is decoupled and given back again and
# again while its service core is busy: a child that has not left the resident's code yet, when its parent is given back, comes to no harm.
# shellcheck source=selftests/stress/lib/stress.sh
. "$(dirname "$0")/lib/stress.sh"

cycles=$(scaled 50)
hogs=3

for ((i = 0; i < hogs; i++)); do
	taskset -c 0 sh -c 'while :; do :; done' &
	children+=("$!")
done
for kind in threads processes; do
	start "$kind" "$programs/stress_children" "$kind"
	pid=$started
	for ((i = 0; i < cycles; i++)); do
		attach "$pid" --cores 1
		recouple "$pid"
		[ -e "/proc/$pid/maps" ] || break
	done
	finish "$pid" "$kind"
done
