#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The part of why_cost.sh that runs in the VM: prints "before", "polled" (a task wakes up on the
# service core as a reader would), "on" and "behind" with the median of each 100 gaps, in instructions.
set -u
decouple=build/decouple
dir=$(mktemp -d)
pid=''
trap '[ ! "$pid" ] || kill -KILL "$pid"; wait 2>/dev/null; rm -rf "$dir"' EXIT

# The first line is of what was before.
medians() { # NAME
	: >"$dir/gaps"
	sleep 2
	echo "$1 $(tr -d '\0' <"$dir/gaps" | tail -n +2 | tr '\n' ' ')"
}

build/selftests/kmod/why_plant gaps "$dir/gaps" &
pid=$!
until [ -e "$dir/gaps" ]; do sleep 0.1; done
timeout 30 $decouple --reflector module --cores 1 "$pid" || exit 1
sleep 1
medians before
build/selftests/kmod/why_plant poll 0 20 &
poller=$!
medians polled
kill $poller
wait $poller 2>/dev/null
timeout 60 $decouple why --totals --follow "$pid" >"$dir/why" &
why=$!
until [ -s "$dir/why" ] || [ "$(cat "/sys/kernel/decouple/$pid/disturbances")" ]; do sleep 0.1; done
medians on
kill -INT $why
wait $why || exit 1
medians behind
