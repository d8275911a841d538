#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# `decouple bench attach` with few samples ends, and its rows are such as can be; so does attaching a process that is called decouple.
set -u
decouple=${DECOUPLE:-build/decouple}
dir=$(mktemp -d)
target=
# shellcheck disable=SC2317 # run by the trap
cleanup() {
	[ -z "$target" ] || kill -KILL "$target"
	rm -rf "$dir"
}
trap cleanup EXIT

bad() {
	echo "$*"
	[ ! -e "$dir/err" ] || tail -n 5 "$dir/err"
	exit 1
}

[ -w /dev/kvm ] || {
	echo "/dev/kvm is missing or not permitted"
	exit 4
}
[ "$(nproc)" -ge 2 ] || {
	echo "a bench needs two cores"
	exit 4
}

# Its own name must not be taken for the resident's manager: --all has to find its thread, recouple has to come to an end.
cp "$(command -v sleep)" "$dir/decouple"
"$dir/decouple" 1000 &
target=$!
for round in 1 2; do
	timeout 60 "$decouple" "$target" --all >"$dir/out" 2>"$dir/err" || bad "round $round: a process called decouple is not attached"
	timeout 60 "$decouple" recouple "$target" >"$dir/out" 2>"$dir/err" || bad "round $round: recouple fails or hangs: status $?"
done
[ "$(find "/proc/$target/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] || bad "it has more threads than before"

# What a bench that was killed left behind goes with the next one. (A process id that can't be.)
orphan=
group=$(sed -n 's,^[0-9]*:memory:,/sys/fs/cgroup/memory,p; s,^0::,/sys/fs/cgroup,p' /proc/self/cgroup | head -n 1)
[ -e "$group/cgroup.procs" ] && mkdir -p "$group/decouple-bench-4194299" 2>/dev/null && orphan=$group/decouple-bench-4194299
timeout 100 "$decouple" bench attach --samples 2 --json >"$dir/out" 2>"$dir/err" || bad "status $?: $(cat "$dir/out")"
grep -q "bench attach: .* \.\.\.$" "$dir/err" || bad "no progress on stderr"

if [ "$orphan" ]; then
	[ ! -e "$orphan" ] || bad "the memory cgroup of a bench that was killed is left: $orphan"
	for left in "$group"/decouple-bench-*; do
		[ ! -d "$left" ] || [ -d "/proc/${left##*-}" ] || bad "it left its own memory cgroup: $left"
	done
else
	echo "memory cgroup of a killed bench: none can be made here, not tested"
fi

# value ROW FIELD: a whole number; rows of the JSON are printed one field a line
value() {
	sed -n "/\"name\": \"$1\"/,/}/s/.*\"$2\": \([0-9]*\).*/\1/p" "$dir/out"
}

in_order() {
	printf '%s\n' "$@" | sort -nc 2>/dev/null
}

rows=(small)
for program in node:node java:javac; do
	if command -v "${program#*:}" >/dev/null; then
		rows+=("${program%:*}")
	else
		grep -q "attach_total_${program%:*}: ${program#*:} is not installed" "$dir/out" ||
			bad "no reason why ${program%:*} has no row"
	fi
done
for row in "${rows[@]}"; do
	suffix=_$row
	[ "$row" = small ] && suffix=
	[ "$(value "attach_total$suffix" n)" = 2 ] || bad "attach_total$suffix has not 2 samples: $(cat "$dir/out")"
	for what in total stopped; do
		least=$(value "attach_$what$suffix" min) middle=$(value "attach_$what$suffix" p50) most=$(value "attach_$what$suffix" max)
		in_order 1000 "${least:-0}" "${middle:-0}" "${most:-0}" ||
			bad "attach_$what$suffix: min ${least:-none}, p50 ${middle:-none}, max ${most:-none}"
	done
	[ "$(value "attach_stopped$suffix" max)" -le "$(value "attach_total$suffix" max)" ] || bad "$row: stopped for longer than it took"
	grep -q "\"kernel_memory${suffix}_kib\": -\?[0-9]" "$dir/out" || bad "no kernel_memory${suffix}_kib"
	[ "$row" = small ] || grep -q "\"kernel_memory${suffix}_native_kib\": -\?[0-9]" "$dir/out" || bad "no kernel_memory${suffix}_native_kib"
done
kib=$(sed -n 's/.*"kernel_memory_kib": \([0-9]*\).*/\1/p' "$dir/out")
in_order 50 "${kib:-0}" 100000 || bad "kernel_memory_kib: $kib"
